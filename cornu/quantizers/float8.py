"""Scaling factors of computations in 8-bit floats."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["compute_float8_amax_history", "compute_float8_scale", "quantize_and_dequantize"]


@op
def compute_float8_scale(
    amax: ArrayLike, scale: ArrayLike, dtype_max: ArrayLike, margin: float = 0
) -> Array:
    """Returns the scale by which values are divided before they are rounded to 8-bit floats.

    Args:
        amax: the largest absolute value of the last steps.
        scale: the present scale, which is kept if `amax` is zero or not finite.
        dtype_max: the largest finite value of the 8-bit type.
        margin: the number of powers of two that are left for larger values.

    Example:

    >>> float(compute_float8_scale(896.0, 1.0, 448.0))
    2.0

    References: `update_fp8_metas` of NVIDIA's Transformer Engine, whose scale is the reciprocal.
    """
    amax = jnp.asarray(amax)
    kept = 1 / jnp.asarray(scale)
    factor = jnp.asarray(dtype_max) / amax / 2**margin
    factor = jnp.where((amax > 0.0) & jnp.isfinite(amax), factor, kept)
    return 1 / factor


@op
def compute_float8_amax_history(x: ArrayLike, amax_history: ArrayLike) -> Array:
    """Returns the history of largest absolute values, moved by one, with that of `x` first.

    Args:
        x: the array that is quantized in this step.
        amax_history: the largest absolute values of the last steps, the latest first.

    Example:

    >>> compute_float8_amax_history(jnp.array([1.0, -4.0]), jnp.array([3.0, 2.0, 1.0])).tolist()
    [4.0, 1.0, 3.0]
    """
    history = jnp.asarray(amax_history)
    largest = jnp.max(jnp.abs(jnp.asarray(x))).astype(history.dtype)
    return jnp.roll(history, -1).at[0].set(largest)


@op
def quantize_and_dequantize(
    inputs: ArrayLike, scale: ArrayLike, quantized_dtype: DTypeLike, compute_dtype: DTypeLike
) -> Array:
    """Rounds values to those that an 8-bit float type can represent, times a scale.

    Args:
        inputs: the values.
        scale: values are divided by it before they are rounded, and multiplied by it afterwards.
        quantized_dtype: `"float8_e4m3fn"` or `"float8_e5m2"`.
        compute_dtype: the dtype of the result.

    Example:

    >>> quantize_and_dequantize(jnp.array([1.0, 17.1]), 1.0, "float8_e4m3fn", "float32").tolist()
    [1.0, 18.0]
    """
    factor: Any = jnp.asarray(scale).astype(compute_dtype)
    most = jnp.asarray(float(jnp.finfo(quantized_dtype).max), compute_dtype)
    scaled = jnp.clip(jnp.asarray(inputs) / factor, -most, most).astype(quantized_dtype)
    result: Array = scaled.astype(compute_dtype) * factor
    return result
