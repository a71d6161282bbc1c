"""Memory of NumPy arrays that JAX uses as it is, without a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from cornu.types import ArrayLike

__all__ = ["copy_to_device", "empty_aligned"]

# Of the address, in bytes. XLA on CPU uses an array that is aligned in this way, and copies others.
_ALIGNMENT = 64

# Numbers of Python that NumPy converts as JAX does.
_NUMBERS: dict[str, type] = {"float32": float, "int32": int}


def empty_aligned(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Returns an array with arbitrary values; `jax.device_put` does not copy it on CPU.

    After the conversion the array must not be changed.

    Example:

    >>> array = empty_aligned((2, 3), np.dtype("float32"))
    >>> array.shape, array.ctypes.data % 64
    ((2, 3), 0)
    """
    size = math.prod(shape) * dtype.itemsize
    try:
        memory = np.empty(size + _ALIGNMENT, np.uint8)
    except (MemoryError, ValueError):
        return np.empty(shape, dtype)  # whose error has the shape and the dtype
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def copy_to_device(value: ArrayLike, dtype: str) -> jax.Array:
    """Returns a copy of an array, which does not change with it.

    Args:
        value: an array, a number or nested lists of numbers.
        dtype: the dtype of the copy.

    Example:

    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> copy = copy_to_device(array, "float32")
    >>> array[:] = 1.0
    >>> copy.tolist()
    [0.0, 0.0]
    """
    # `jnp.array` compiles a program for each shape and dtype.
    if type(value) is _NUMBERS.get(dtype):
        value = np.array(value, dtype)
    if type(value) is not np.ndarray or value.dtype != jnp.dtype(dtype):
        return jnp.array(value, dtype=dtype)
    copy = empty_aligned(value.shape, value.dtype)
    np.copyto(copy, value)
    # Unlike `asarray` without a dtype, which copies once more.
    return jnp.asarray(copy, dtype=dtype)
