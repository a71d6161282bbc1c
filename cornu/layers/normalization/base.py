"""The base of layers that normalize by mean and variance."""

from __future__ import annotations

from collections.abc import Sequence

from cornu.core.state.variable import Variable
from cornu.layers.base import ConfiguredLayer
from cornu.types import ShapeLike


class Normalizing(ConfiguredLayer):
    """The base of layers that end with a learned scale `gamma` and offset `beta`."""

    infers_by_config = True
    rowwise = True

    center: bool
    scale: bool
    gamma: Variable | None
    beta: Variable | None

    def _build_affine(self, shape: tuple[int, ...]) -> None:
        """Creates `gamma` and `beta`, None where not wanted; they are read at full precision."""
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.create_weight("gamma", shape, autocast=False)
        if self.center:
            self.beta = self.create_weight("beta", shape, autocast=False)


def axes_list(axis: int | Sequence[int], label: str) -> list[int]:
    """Returns an axis or axes as a list."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(i, int) for i in axes):
        raise TypeError(f"{label}: `axis` must be an integer or a list of them. Received: {axis!r}")
    return axes


def positive_axes(axes: list[int], input_shape: ShapeLike, label: str) -> list[int]:
    """Returns axes counted from the first, in ascending order."""
    ndim = len(input_shape)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(
            f"{label}: the input has no axis {', '.join(str(i) for i in axes)}: its shape is "
            f"{tuple(input_shape)}.\nAxes count from 0, the batch; -1 is the last."
        )
    return sorted(i % ndim for i in axes)
