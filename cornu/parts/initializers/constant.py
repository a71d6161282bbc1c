"""Deterministic initializers: constants and the identity matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cornu.parts.initializers.base import DeterministicInitializer, numpy_dtype
from cornu.types import ArrayLike, DTypeLike

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Constant(DeterministicInitializer):
    """Initializes with a constant: a number, or the values of an array.

    Args:
        value: a number, or an array that is broadcastable to the shape of the Variable.

    Example:

    >>> Constant(3.0)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: ArrayLike = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        value = np.asarray(self.value)
        try:
            # `astype` copies, because the view that `broadcast_to` returns is read-only.
            return np.broadcast_to(value, tuple(shape)).astype(numpy_dtype(dtype))
        except ValueError as error:
            raise ValueError(
                f"Constant: the value of shape {value.shape} cannot be broadcast to the shape "
                f"{tuple(shape)} of the Variable."
            ) from error


class Zeros(DeterministicInitializer):
    """Initializes with 0.

    Example:

    >>> import cornu
    >>> cornu.initializers.Zeros()((3,)).tolist()
    [0.0, 0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.zeros(shape, numpy_dtype(dtype))


class Ones(DeterministicInitializer):
    """Initializes with 1.

    Example:

    >>> import cornu
    >>> cornu.initializers.Ones()((3,)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return np.ones(shape, numpy_dtype(dtype))


class Identity(DeterministicInitializer):
    """Initializes with a multiple of the identity matrix.

    Args:
        gain: the factor.

    Raises:
        ValueError: the shape is not that of a matrix.

    Example:

    >>> import cornu
    >>> cornu.initializers.Identity(2.0)((2, 2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: the shape must have two axes. Received: {tuple(shape)}")
        return (self.gain * np.eye(shape[0], shape[1])).astype(numpy_dtype(dtype))
