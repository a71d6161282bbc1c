"""Bilinear upsampling of Keras 2, whose pixels are points at their upper left corners."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from cornu import layers, registry
from cornu.types import Array

__all__ = ["UnalignedUpSampling2D"]


@registry.register_keras_serializable(package="keras2")
class UnalignedUpSampling2D(layers.UpSampling2D):
    """UpSampling2D of Keras 2.2 and 2.3 with bilinear interpolation.

    Pixel i of the output is at i / size of the input, where pixels of today are squares with a
    center. The last pixels of the input are repeated.
    """

    def call(self, inputs: Array) -> Array:
        """Returns the enlarged images."""
        for axis, factor in zip(self.spatial_axes, self.size, strict=True):
            last = inputs.shape[axis] - 1
            points = np.arange((last + 1) * factor)
            below = points // factor
            shape = [-1 if i == axis else 1 for i in range(inputs.ndim)]
            fraction = jnp.asarray((points % factor) / factor, inputs.dtype).reshape(shape)
            lower = jnp.take(inputs, below, axis=axis)
            upper = jnp.take(inputs, np.minimum(below + 1, last), axis=axis)
            inputs = lower + (upper - lower) * fraction
        return inputs
