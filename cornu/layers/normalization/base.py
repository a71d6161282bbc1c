"""Base class of normalization layers, and validation of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.core.state.variable import Variable
from cornu.layers.base import ConfiguredLayer
from cornu.types import ShapeLike


class Normalizing(ConfiguredLayer):
    """Base class of layers with a learned scale `gamma` and offset `beta`."""

    _infers_by_config_ = True
    _rowwise_ = True

    center: bool
    scale: bool
    gamma: Variable | None
    beta: Variable | None

    def _build_affine(self, shape: tuple[int, ...]) -> None:
        """Creates `gamma` and `beta`, or sets them to None.

        They are not cast to the compute dtype, since normalization uses float32 at least.
        """
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.create_weight("gamma", shape, autocast=False)
        if self.center:
            self.beta = self.create_weight("beta", shape, autocast=False)


def axes_list(axis: int | Sequence[int], label: str) -> list[int]:
    """Returns an axis or several axes as a list."""
    axes: list[Any] = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(i, int) for i in axes):
        raise TypeError(f"{label}: `axis` must be an integer or a list of them. Received: {axis!r}")
    return axes


def positive_axes(axes: list[int], input_shape: ShapeLike, label: str) -> list[int]:
    """Returns the axes as nonnegative integers, in ascending order."""
    ndim = len(input_shape)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(
            f"{label}: axis {', '.join(str(i) for i in axes)} is out of bounds for an input of "
            f"shape {tuple(input_shape)}.\nAxis 0 is the batch, -1 the last axis."
        )
    return sorted(i % ndim for i in axes)
