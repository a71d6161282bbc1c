"""UnitNormalization: scales vectors to unit L2 norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.core.layer.layer import Layer
from cornu.layers.normalization.base import axes_list, positive_axes
from cornu.types import Array, ShapeLike

__all__ = ["UnitNormalization"]


class UnitNormalization(Layer):
    """Normalizes inputs to unit L2 norm along the given axes.

    y = x / max(sqrt(sum(x ** 2)), 1e-12)

    Args:
        axis: the axis or axes of the norm; the last axis by default.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        TypeError: `axis` is not an integer or a list of integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.UnitNormalization()(np.array([[0.0, 4.0]])).tolist()
    [[0.0, 1.0]]
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True
        self.axis = axes_list(axis, self._label_())

    def _check_shape_(self, input_shape: ShapeLike) -> None:
        """Validates the axes."""
        self.axis = positive_axes(self.axis, input_shape, self._label_())
        self._rowwise_ = 0 not in self.axis

    def call(self, inputs: Array) -> Array:
        """Returns the normalized inputs."""
        return ops.normalize(inputs, axis=tuple(self.axis), order=2, epsilon=1e-12)
