"""The base of layers that normalize by mean and variance."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.parts import constraints, initializers, regularizers
from cornu.types import ShapeLike


class Normalizing(Layer):
    """The base of layers that end with a learned scale `gamma` and offset `beta`."""

    infers_by_config = True
    rowwise = True

    def __init__(
        self,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def _build_affine(self, shape: tuple[int, ...]) -> None:
        """Creates `gamma` and `beta`, None where not wanted; they are read at full precision."""
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                shape,
                self.gamma_initializer,
                autocast=False,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                name="gamma",
            )
        if self.center:
            self.beta = self.add_weight(
                shape,
                self.beta_initializer,
                autocast=False,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                name="beta",
            )


def axes_list(axis: Any, who: str) -> list[int]:
    """Returns an axis or axes as a list."""
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(isinstance(i, int) for i in axes):
        raise TypeError(f"{who}: `axis` must be an integer or a list of them. Received: {axis!r}")
    return axes


def positive_axes(axes: list[int], input_shape: ShapeLike, who: str) -> list[int]:
    """Returns axes counted from the first, in ascending order."""
    ndim = len(input_shape)
    if not all(-ndim <= i < ndim for i in axes):
        raise ValueError(
            f"{who}: the input has no axis {', '.join(str(i) for i in axes)}: its shape is "
            f"{tuple(input_shape)}.\nAxes count from 0, the batch; -1 is the last."
        )
    return sorted(i % ndim for i in axes)
