"""Kernels of convolutions that another backend computed."""

from __future__ import annotations

import numpy as np

from cornu.legacy.source import Source

__all__ = ["flip_for_backend"]


def flip_for_backend(kernel: np.ndarray, source: Source) -> np.ndarray:
    """Returns a kernel `(*sizes, in, out)` as JAX computes with it.

    Theano computed convolutions, in which the kernel runs backwards; all other backends compute
    correlations.

    Example:

    >>> kernel = np.arange(3.0).reshape(3, 1, 1)
    >>> flip_for_backend(kernel, Source((2, 2), backend="theano")).ravel().tolist()
    [2.0, 1.0, 0.0]
    """
    if source.backend != "theano":
        return kernel
    return np.flip(kernel, tuple(range(kernel.ndim - 2)))
