"""Memory of NumPy arrays that JAX uses as it is, without a copy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["empty_aligned"]

# Of the address, in bytes. XLA on CPU uses an array that is aligned in this way, and copies others.
_ALIGNMENT = 64


def empty_aligned(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Returns an array with arbitrary values; `jax.numpy.asarray` does not copy it on CPU.

    After the conversion the array must not be changed.

    Example:

    >>> array = empty_aligned((2, 3), np.dtype("float32"))
    >>> array.shape, array.ctypes.data % 64
    ((2, 3), 0)
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
