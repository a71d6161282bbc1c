"""Orthonormal columns, computed without the threads of BLAS unless the matrix is large.

LAPACK's QR decomposition calls BLAS for every column. Each call is divided among threads, which
wait for each other while they use the cores: where other processes are active, the 512 x 128 matrix
of an LSTM took 0.05 to 1.5 seconds of CPU time instead of 4 milliseconds. This is the Cholesky QR
algorithm in float64, applied twice (Yamamoto et al., 2015, "Roundoff error analysis of the
CholeskyQR2 algorithm"). It consists of few and large products.
"""

from __future__ import annotations

import numpy as np

__all__ = ["orthonormal_columns"]

# Multiplications up to which a product is computed by one thread, without BLAS.
_SMALL = 1 << 24

# The rows up to which OpenBLAS factorizes a matrix in one thread.
_BLOCK = 48

# The smallest ratio of values on the diagonal of R, an estimate of the condition number. The first
# pass loses twice its digits, of which there are 16; the second one restores them.
_WELL_CONDITIONED = 1e-6


def orthonormal_columns(matrix: np.ndarray) -> np.ndarray:
    """Returns Q of the QR decomposition whose R has a positive diagonal.

    Args:
        matrix: (rows, columns) of float32, with at least as many rows as columns.

    Returns:
        A matrix of the same shape and dtype, whose columns are orthonormal.

    Example:

    >>> q = orthonormal_columns(np.float32([[3.0, 1.0], [4.0, 0.0]]))
    >>> q.round(3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.800000011920929, -0.6000000238418579]]
    """
    q = matrix.astype("float64")
    try:
        for _ in range(2):
            inverse = _inverse_factor(_product(q.T, q.T))
            diagonal = np.diag(inverse)
            if diagonal.size and diagonal.min() < _WELL_CONDITIONED * diagonal.max():
                return _householder(matrix)
            q = _product(q, inverse)
    except np.linalg.LinAlgError:  # rounding made the product singular
        return _householder(matrix)
    return q.astype(matrix.dtype)


def _inverse_factor(gram: np.ndarray) -> np.ndarray:
    """Returns the inverse of the lower Cholesky factor."""
    size = len(gram)
    if size <= _BLOCK:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(gram)))
    half = size // 2
    upper = _inverse_factor(gram[:half, :half])
    below = _product(gram[half:, :half], upper)
    lower = _inverse_factor(gram[half:, half:] - _product(below, below))
    inverse = np.zeros_like(gram)
    inverse[:half, :half], inverse[half:, half:] = upper, lower
    inverse[half:, :half] = -_product(lower, _product(upper.T, below))
    return inverse


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns a @ b.T."""
    if a.size * len(b) > _SMALL:
        return np.asarray(a @ b.T)
    # The last axes are contiguous, which is the fast case of einsum.
    return np.einsum("ik,jk->ij", np.ascontiguousarray(a), np.ascontiguousarray(b))


def _householder(matrix: np.ndarray) -> np.ndarray:
    q, r = np.linalg.qr(matrix)
    return np.asarray(q * np.where(np.diag(r) < 0, -1, 1).astype(q.dtype))
