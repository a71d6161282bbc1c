"""Masking: masks padded time steps."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import ops
from cornu.core.layer.layer import Layer
from cornu.types import Array

__all__ = ["Masking"]


class Masking(Layer):
    """Masks time steps whose features all equal a value, so that later layers skip them.

    mask = any(x != mask_value, axis=-1);  y = x where mask, else 0

    Args:
        mask_value: the value of the features of padded time steps.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (batch, time, features) -> (batch, time, features), with a mask (batch, time)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.array([[[1.0, 2.0], [-1.0, -1.0]]])
    >>> cornu.layers.Masking(mask_value=-1.0)(x).tolist()
    [[[1.0, 2.0], [0.0, 0.0]]]
    """

    _infers_by_config_ = True
    _rowwise_ = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns the inputs, with zeros at masked time steps."""
        kept = jnp.any(inputs != self.mask_value, axis=-1, keepdims=True)
        # Selected, not multiplied by the mask: 0 * NaN is NaN.
        return jnp.where(kept, inputs, 0)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array | None:
        """Returns the mask (batch, time). An existing mask of the inputs is replaced."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
