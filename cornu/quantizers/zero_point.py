"""Quantization with a scale and a zero point, for groups of elements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import op
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.quantizers.abs_max import to_host
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "abs_max_quantize_grouped_with_zero_point",
    "compute_quantization_parameters",
    "dequantize_by_group",
    "dequantize_with_zero_point",
    "quantize_by_group",
    "quantize_with_zero_point",
]


@api_boundary
def abs_max_quantize_grouped_with_zero_point(
    inputs: ArrayLike,
    block_size: int,
    value_range: Sequence[int] = (-8, 7),
    dtype: DTypeLike = "int8",
    epsilon: float = 1e-07,
    to_numpy: bool = False,
) -> tuple[Array, Array, Array]:
    """Quantizes a matrix to integers, with a scale and a zero point for groups of rows.

    Args:
        inputs: a matrix of shape (rows, columns).
        block_size: the number of rows of a group. The last group may have fewer.
        value_range: the smallest and largest integer.
        dtype: the dtype of the integers.
        epsilon: avoids a division by zero.
        to_numpy: whether to compute on the host, which needs no memory on the device.

    Returns:
        `(quantized, scale, zero_point)`. Scale and zero point have the shape (groups, columns);
        `(quantized - zero_point) * scale` approximates the inputs.

    Example:

    >>> values = np.array([[0.0, 2.0], [3.0, 6.0], [1.0, 1.0]], "float32")
    >>> quantized, scale, zero = abs_max_quantize_grouped_with_zero_point(values, block_size=2)
    >>> quantized.tolist(), scale.shape
    ([[-8, -1], [7, 7], [7, 7]], (2, 2))
    """
    if to_numpy:
        return _quantize_groups_on_host(inputs, block_size, value_range, dtype, epsilon)
    result: tuple[Array, Array, Array] = _quantize_groups(
        inputs, block_size, tuple(value_range), dtype, epsilon
    )
    return result


def _quantize_groups_on_host(
    inputs: Any, block_size: int, value_range: Sequence[int], dtype: DTypeLike, epsilon: float
) -> tuple[Array, Array, Array]:
    array = to_host(inputs)
    rows, columns = array.shape
    groups = math.ceil(rows / block_size)
    least, most = value_range
    padded = np.pad(array, [(0, groups * block_size - rows), (0, 0)])
    grouped = padded.reshape(groups, block_size, columns)
    low = np.min(grouped, axis=1, keepdims=True)
    high = np.max(grouped, axis=1, keepdims=True)
    scale = np.divide(np.subtract(high, low) + epsilon, most - least)
    zero = np.clip(np.round(np.divide(-low, scale)) + least, least, most)
    quantized = np.clip(np.round(np.divide(grouped, scale)) + zero, least, most)
    quantized = quantized.astype(jnp.dtype(dtype)).reshape(groups * block_size, columns)[:rows]
    return (
        jnp.asarray(quantized),
        jnp.asarray(scale[:, 0], dtype=array.dtype),
        jnp.asarray(zero[:, 0].astype("int8")),
    )


@op
def _quantize_groups(
    inputs: ArrayLike, block_size: int, value_range: Any, dtype: DTypeLike, epsilon: float
) -> tuple[Array, Array, Array]:
    array = jnp.asarray(inputs)
    rows, columns = array.shape
    least, most = value_range
    scale, zero, _ = compute_quantization_parameters(
        array.T,
        bits=int(math.log2(most - least + 1)),
        per_channel=True,
        group_size=block_size,
        compute_dtype=array.dtype,
        epsilon=epsilon,
        signed=True,
    )
    scale, zero = scale.T, zero.T
    groups = math.ceil(rows / block_size)
    padded = jnp.pad(array, [(0, groups * block_size - rows), (0, 0)])
    grouped = padded.reshape(groups, block_size, columns)
    quantized = jnp.round(grouped / scale[:, None]) + zero[:, None]
    quantized = jnp.clip(quantized, least, most).astype(dtype)
    return quantized.reshape(groups * block_size, columns)[:rows], scale, zero


def compute_quantization_parameters(
    x: ArrayLike,
    *,
    bits: int,
    symmetric: bool = False,
    per_channel: bool = False,
    group_size: int = -1,
    compute_dtype: DTypeLike = "float32",
    epsilon: float = 0.0,
    signed: bool = False,
) -> tuple[Array, Array, Array]:
    """Returns the scale, the zero point and the largest level for quantizing a matrix.

    Args:
        x: a matrix of shape (outputs, inputs).
        bits: the number of bits of a level.
        symmetric: whether the range of values is extended so that zero is in its middle.
        per_channel: whether each output has a scale of its own.
        group_size: the number of inputs that share a scale, with `per_channel`; -1 for all.
        compute_dtype: the dtype of the largest level.
        epsilon: is added to the range of values.
        signed: whether levels start at -2**(bits - 1), and not at 0.

    Returns:
        `(scale, zero, most)`. Scale and zero point have the shape (outputs, groups).

    Raises:
        ValueError: `x` is empty, or has fewer than two axes.
    """
    array = jnp.asarray(x)
    if array.ndim < 2 or not array.size:
        raise ValueError(
            "Expected a matrix of weights with at least one element. Received: an array of shape "
            f"{array.shape}"
        )
    outputs, inputs = array.shape[:2]
    groups = -(-inputs // group_size) if per_channel and group_size > 0 else 1
    if groups > 1:
        padded = jnp.pad(array, [(0, 0), (0, groups * group_size - inputs)])
        values = padded.reshape(outputs, groups, group_size)
    else:
        values = array.reshape(outputs if per_channel else 1, 1, -1)
    low, high = values.min(axis=-1), values.max(axis=-1)
    if symmetric:
        extent = jnp.maximum(jnp.abs(low), high)
        low, high = jnp.where(low < 0, -extent, low), extent
    constant = low == high
    low, high = jnp.where(constant, low - 1, low), jnp.where(constant, high + 1, high)
    most = jnp.asarray(2**bits - 1, dtype=compute_dtype)
    extent = high - low + epsilon if epsilon > 0 else high - low
    scale = extent / most
    scale = jnp.where(scale <= 0, 1e-8, scale)
    least = -(2 ** (bits - 1)) if signed else 0
    if symmetric:
        zero = jnp.full_like(scale, (most + 1) / 2 + least)
    else:
        zero = jnp.round(-low / scale) + least
    if signed:
        zero = jnp.clip(zero, least, 2 ** (bits - 1) - 1)
    shape = (outputs, groups)
    scale, zero = jnp.broadcast_to(scale, shape), jnp.broadcast_to(zero, shape)
    return scale, zero.astype("int8" if signed else "uint8"), most


def quantize_with_zero_point(values: Array, scale: Array, zero: Array, most: Array) -> Array:
    """Returns the levels, in [0, most], of values; the dtype stays that of the values."""
    safe = jnp.where(scale == 0, jnp.asarray(1e-8, scale.dtype), scale)
    return jnp.clip(jnp.round(values / safe + zero.astype(scale.dtype)), 0, most)


def dequantize_with_zero_point(levels: Array, scale: Array, zero: Array) -> Array:
    """Returns the values of levels."""
    return scale * (levels - zero.astype(scale.dtype))


def quantize_by_group(
    values: Array, scale: Array, zero: Array, groups: Array, most: Array, axis: int = -1
) -> Array:
    """Returns the levels of values whose scales and zero points belong to groups.

    Args:
        values: a matrix.
        scale, zero: those of the groups along `axis`.
        groups: the index of the group of each element of the matrix along `axis`.
        most: the largest level.
        axis: the axis of the groups.
    """
    index = groups.astype("int32")
    return quantize_with_zero_point(
        values, jnp.take(scale, index, axis=axis), jnp.take(zero, index, axis=axis), most
    )


def dequantize_by_group(
    levels: Array, scale: Array, zero: Array, groups: Array, axis: int = -1
) -> Array:
    """Returns the values of levels; the reverse of `quantize_by_group`."""
    index = groups.astype("int32")
    scales = jnp.take(scale, index, axis=axis)
    return (levels - jnp.take(zero, index, axis=axis).astype(scales.dtype)) * scales
