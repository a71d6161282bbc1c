"""Two integers of 4 bits in one byte."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import VariableBase, op
from cornu.core.state.dtypes import standardize_dtype
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.quantizers.abs_max import to_host
from cornu.types import Array, ArrayLike

__all__ = ["pack_int4", "unpack_int4"]


@api_boundary
def pack_int4(
    arr: ArrayLike, axis: int = 0, dtype: str = "int8"
) -> tuple[Array, tuple[int, ...], int]:
    """Packs pairs of 4-bit integers into bytes.

    The low half of each byte holds the first integer of a pair along the axis, the high half the
    second one. A zero is added if the number of integers is odd.

    Args:
        arr: integers in [-8, 7], or in [0, 15] with `dtype="uint8"`.
        axis: the axis of the pairs.
        dtype: the dtype of the integers and of the bytes: `"int8"` or `"uint8"`.

    Returns:
        `(packed, shape of packed, size of the axis before packing)`.

    Raises:
        ValueError: `dtype` is neither.
        TypeError: the array has another dtype.

    Example:

    >>> packed, shape, size = pack_int4(np.array([[-3, 7], [2, -8], [1, 0]], "int8"))
    >>> packed.tolist(), shape, size
    ([[45, -121], [1, 0]], (2, 2), 3)
    """
    _check_dtype(dtype)
    array = to_host(arr)
    if standardize_dtype(array.dtype) != dtype:
        raise TypeError(f"pack_int4 expected an array of dtype {dtype}. Received: {array.dtype}")
    # On the host, because some accelerators compute shifts of int8 that overflow differently.
    bits = np.moveaxis(array.view(np.uint8), axis, 0)
    size = bits.shape[0]
    bits = np.concatenate([bits, np.zeros((size % 2, *bits.shape[1:]), np.uint8)])
    packed = np.moveaxis((bits[::2] & 0x0F) | (bits[1::2] << 4), 0, axis)
    return jnp.asarray(packed.astype(np.uint8).view(dtype)), packed.shape, size


@api_boundary
def unpack_int4(packed: ArrayLike, orig_len: int, axis: int = 0, dtype: str = "int8") -> Array:
    """Returns the integers that `pack_int4` packed.

    Args:
        packed: the bytes.
        orig_len: the size of the axis before packing.
        axis: the axis of the pairs.
        dtype: `"int8"` for integers in [-8, 7], `"uint8"` for integers in [0, 15].

    Raises:
        ValueError: `dtype` is neither.
        TypeError: the array has another dtype.

    Example:

    >>> unpack_int4(np.array([[45, -121], [1, 0]], "int8"), 3).tolist()
    [[-3, 7], [2, -8], [1, 0]]
    """
    _check_dtype(dtype)
    given = packed.value if isinstance(packed, VariableBase) else packed
    found = getattr(given, "dtype", None)
    if found is None or standardize_dtype(found) != dtype:
        raise TypeError(f"unpack_int4 expected an array of dtype {dtype}. Received: {found}")
    unpacked: Array = _unpack(given, int(orig_len), axis, dtype)
    return unpacked


@op
def _unpack(packed: Any, size: int, axis: int, dtype: str) -> Array:
    array = jnp.asarray(packed)
    axis %= array.ndim
    # A right shift repeats the sign bit of signed integers; a left shift first moves the sign bit
    # of the low half into its place.
    low = (array << 4) >> 4 if dtype == "int8" else array & 0x0F
    pairs = jnp.stack([low, array >> 4], axis=axis + 1)
    unpacked = pairs.reshape(*array.shape[:axis], -1, *array.shape[axis + 1 :])
    return unpacked[(slice(None),) * axis + (slice(size),)].astype(dtype)


def _check_dtype(dtype: str) -> None:
    if dtype not in ("int8", "uint8"):
        raise ValueError(f"dtype must be 'int8' or 'uint8'. Received: {dtype!r}")
