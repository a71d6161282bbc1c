"""AWQ: weights of large inputs are multiplied by factors before they are quantized."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.quantizers.forms.form import group_index
from cornu.quantizers.zero_point import (
    compute_quantization_parameters,
    dequantize_by_group,
    quantize_by_group,
)

__all__ = ["Magnitudes", "quantize_by_awq"]


class Magnitudes:
    """The largest absolute value of each input of a layer.

    Args:
        size: the number of inputs.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.largest = jnp.zeros((size,), "float32")

    def add(self, inputs: Any) -> None:
        """Adds the inputs of one call, of any number of axes."""
        x = jnp.reshape(inputs, (-1, self._size)).astype("float32")
        self.largest = jnp.maximum(self.largest, jnp.max(jnp.abs(x), axis=0))


def quantize_by_awq(
    weight: Any, magnitudes: Any, *, num_grid_points: int, group_size: int
) -> tuple[Any, Any, Any, Any, Any]:
    """Returns the levels of a weight, and scales, zero points, indices of groups and factors.

    Args:
        weight: the matrix (outputs, inputs).
        magnitudes: the largest absolute value of each input.
        num_grid_points, group_size: see `AWQConfig`.
    """
    largest = jnp.where(magnitudes < 1e-8, 1.0, magnitudes)
    groups = group_index(weight.shape[1], group_size)

    def quantize(factors: Any) -> tuple[Any, Any, Any]:
        scaled = weight * factors
        scale, zero, most = compute_quantization_parameters(
            scaled, bits=4, per_channel=True, group_size=group_size
        )
        return quantize_by_group(scaled, scale, zero, groups, most), scale, zero

    best, least = jnp.ones_like(largest), None
    for i in range(num_grid_points + 1):
        factors = jnp.maximum(largest ** (i / num_grid_points), 1e-4)
        factors = factors / jnp.maximum(jnp.sqrt(jnp.max(factors) * jnp.min(factors)), 1e-8)
        values = dequantize_by_group(*quantize(factors), groups) / factors
        # Errors count by the size of the inputs that they are multiplied by.
        loss = float(jnp.mean(jnp.square(weight - values) * jnp.square(largest)))
        if least is None or loss < least:
            best, least = factors, loss
    levels, scale, zero = quantize(best)
    return levels, scale, zero, groups, best
