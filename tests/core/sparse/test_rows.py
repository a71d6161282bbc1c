"""SparseRows: batches of sparse matrices with few different shapes."""

import jax
import numpy as np
import pytest
import scipy.sparse

from cornu.core.sparse.arrays import to_bcoo, to_dense, to_rows
from cornu.core.sparse.rows import SparseRows, round_up
from cornu.data.lazy_columns import column_of

MATRICES = {
    "random": scipy.sparse.random(9, 50, 0.1, "csr", random_state=0, dtype=np.float32),
    "one full row": scipy.sparse.csr_matrix(np.outer(np.arange(9) == 2, np.ones(50, "float32"))),
    "empty": scipy.sparse.csr_matrix((9, 50), dtype="float32"),
    "integers": scipy.sparse.csr_matrix(np.eye(9, 50, dtype="int32")),
}


@pytest.mark.parametrize("name", MATRICES)
def test_rows_have_the_values_of_the_matrix(name):
    matrix = MATRICES[name]
    rows = to_rows(matrix)
    assert (rows.shape, rows.ndim, rows.dtype) == (matrix.shape, 2, matrix.dtype)
    np.testing.assert_array_equal(to_dense(rows), matrix.toarray())
    np.testing.assert_array_equal(to_dense(to_rows(to_bcoo(matrix))), matrix.toarray())
    column = column_of(matrix).as_rows()
    for positions in ([8, 0, 3], [2], range(9)):
        taken = column.take(np.array(positions))
        np.testing.assert_array_equal(to_dense(taken), matrix[list(positions)].toarray())
    np.testing.assert_array_equal(np.asarray(column.dense()), matrix.toarray())


def test_appended_rows_have_no_entries():
    rows = to_rows(MATRICES["random"])
    padded = jax.tree_util.tree_map(lambda x: np.pad(x, [(0, 3), *[(0, 0)] * (x.ndim - 1)]), rows)
    assert padded.shape == (12, 50)
    bcoo = padded.to_bcoo()
    inside = (np.asarray(bcoo.indices) < (12, 50)).all(axis=1)
    assert inside.sum() == MATRICES["random"].nnz
    np.testing.assert_array_equal(bcoo.todense()[:9], MATRICES["random"].toarray())


def test_few_shapes_serve_many_batches():
    assert sorted({round_up(n) for n in range(1, 65)}) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
    assert all(round_up(n) >= n for n in range(1, 999))
    matrix = scipy.sparse.random(640, 1000, 0.02, "csr", random_state=1)
    column = column_of(matrix).as_rows()
    order = np.random.default_rng(0).permutation(640)
    shapes = {column.take(order[i : i + 32]).values.shape for i in range(0, 640, 32)}
    assert len(shapes) == 1
    assert isinstance(column[:100].take(np.arange(4)), SparseRows)
