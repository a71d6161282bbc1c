"""Copies of NumPy arrays on the default device."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from cornu.types import ArrayLike

__all__ = ["copy_to_device"]

# XLA uses the memory of NumPy arrays that are aligned in this way, and copies all others twice.
_ALIGNMENT = 64
_LARGE = 1 << 16  # bytes, from which a copy takes longer than to allocate aligned memory


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
    if type(value) is not np.ndarray or value.dtype != np.dtype(dtype) or value.nbytes < _LARGE:
        return jnp.array(value, dtype=dtype)
    memory = np.empty(value.nbytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    copy = memory[start : start + value.nbytes].view(value.dtype).reshape(value.shape)
    np.copyto(copy, value)
    return jnp.asarray(copy)
