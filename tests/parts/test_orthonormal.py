"""Orthonormal columns are those of the QR decomposition, in few operations of LAPACK."""

import numpy as np
import pytest

from cornu.initializers import Orthogonal
from cornu.parts.initializers.orthonormal import orthonormal_columns

SHAPES = [(1, 1), (3, 0), (7, 5), (48, 48), (49, 49), (300, 97), (512, 128), (1100, 150)]


def householder(matrix):
    q, r = np.linalg.qr(matrix.astype("float64"))
    return q * np.where(np.diag(r) < 0, -1, 1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_columns_are_those_of_the_qr_decomposition(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    q = orthonormal_columns(matrix)
    assert q.dtype == "float32"
    np.testing.assert_allclose(q, householder(matrix), atol=1e-6)
    np.testing.assert_array_equal(q, orthonormal_columns(matrix))


@pytest.mark.parametrize("distance", (1e-2, 1e-4, 1e-7, 0.0))
def test_columns_of_nearly_dependent_columns_are_orthonormal(distance):
    matrix = np.random.default_rng(0).normal(size=(90, 60)).astype("float32")
    matrix[:, -1] = matrix[:, 0] + distance * matrix[:, -1]
    q = orthonormal_columns(matrix)
    np.testing.assert_allclose(q.T @ q, np.eye(60), atol=1e-5)


def test_lapack_factorizes_small_blocks_only(monkeypatch):
    # OpenBLAS divides larger ones among threads, which wait for each other.
    sizes = []
    cholesky = np.linalg.cholesky

    def record(matrix):
        sizes.append(len(matrix))
        return cholesky(matrix)

    monkeypatch.setattr(np.linalg, "cholesky", record)
    monkeypatch.delattr(np.linalg, "qr")
    assert Orthogonal(seed=1)((128, 512)).shape == (128, 512)
    assert sizes
    assert max(sizes) <= 48
