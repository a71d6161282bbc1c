"""RMSNormalization: divides by the root mean square of the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import known_size
from cornu.layers.normalization.base import axes_list, positive_axes
from cornu.types import Array, ShapeLike

__all__ = ["RMSNormalization"]


class RMSNormalization(Layer):
    """Root mean square normalization.

    y = x / sqrt(mean(x ** 2) + epsilon) * scale

    The mean is computed in float32 or a wider type.

    Args:
        axis: the axis or axes to normalize; the last axis by default.
        epsilon: added to the mean square, for numerical stability.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same); scale has the sizes of `axis`, axes in ascending order

    Raises:
        ValueError: an axis is out of bounds, or its size is unknown.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.RMSNormalization(epsilon=0.0)(np.array([[4.0, -4.0]])).tolist()
    [[1.0, -1.0]]

    References: Zhang and Sennrich, 2019, "Root Mean Square Layer Normalization".

    Fixes: any axis can be normalized; Keras 3.15 raises an error for axes other than the last.
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axes_list(axis, self._label_())
        self.epsilon = epsilon

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `scale`."""
        self.axis = positive_axes(self.axis, input_shape, self._label_())
        self._rowwise_ = 0 not in self.axis
        shape = tuple(known_size(self._label_(), input_shape, i) for i in self.axis)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def call(self, x: Array) -> Array:
        """Returns the normalized inputs.

        Args:
            x: the inputs.
        """
        shape = [size if i in self.axis else 1 for i, size in enumerate(x.shape)]
        return ops.rms_normalization(
            x, scale=ops.reshape(self.scale, shape), axis=self.axis, epsilon=self.epsilon
        )
