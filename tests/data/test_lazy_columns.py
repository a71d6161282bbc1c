"""Lazy columns read only the rows of a batch."""

from __future__ import annotations

import mmap

import h5py
import numpy as np
import pytest
import scipy.sparse
from datasets import Dataset

import cornu
from cornu.data import adapt
from cornu.data.lazy_columns import Column, Mapped, column_of
from cornu.data.sources.huggingface import Table, TableColumn
from tests.data.many import LABELS, X

ROWS = [5, 3, 3, 20, 0]


def mapped(folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


def stored(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["x"] = X
    return h5py.File(folder / "x.h5", "r")["x"]


COLUMNS = {
    "memmap": lambda folder: column_of(mapped(folder)),
    "view of a memmap": lambda folder: column_of(np.asarray(mapped(folder))[:, :]),
    "raw memmap": lambda folder: column_of(
        np.memmap(mapped(folder).filename, "float32", "r", 128, X.shape)
    ),
    "h5py": lambda folder: column_of(stored(folder)),
    "scipy": lambda folder: column_of(scipy.sparse.csc_matrix(X)),
    "datasets": lambda folder: TableColumn(Table(Dataset.from_dict({"x": X})), ["x"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_are_those_of_the_array(name, tmp_path):
    column = COLUMNS[name](tmp_path)
    assert isinstance(column, Column) and column.shape == X.shape and column.dtype == "float32"
    assert column.ndim == 2 and len(column) == len(X)
    for part, expected in (
        (column, X),
        (column[4:24], X[4:24]),
        (column[4:24][2:], X[6:24]),
        (column[::-1], X[::-1]),
        (column[np.array([9, 7] * 12)], X[[9, 7] * 12]),
        (column[LABELS > 0], X[LABELS > 0]),
        (column[4:][::2][np.array([1, 0])], X[4:][::2][[1, 0]]),
    ):
        assert part.shape == expected.shape
        assert np.array_equal(part, expected)
        assert np.array_equal(part.range(0, 2), expected[:2])
        rows = [row for row in ROWS if row < len(expected)]
        read = part.take(np.array(rows))
        assert type(read) is np.ndarray and np.array_equal(read, expected[rows])


def test_arrays_in_memory_are_not_lazy_columns():
    assert column_of(X) is None and column_of([1.0]) is None
    assert column_of(np.array(["a"])) is None


def test_only_the_rows_of_a_batch_are_read(tmp_path, monkeypatch):
    """A file far larger than what may be allocated: holes in it cost nothing."""
    shape = (1 << 20, 1 << 12)
    big = np.memmap(tmp_path / "big", "float64", "w+", shape=shape)  # 32 GiB
    big[3], big[70_000] = 3.0, 7.0
    read = []
    inner = Column.take

    def take(self, positions):
        rows = inner(self, positions)
        read.append(rows.shape)
        return rows

    monkeypatch.setattr(Column, "take", take)
    source = adapt(big, np.arange(shape[0]), None, 4, shuffle=True, seed=1)
    assert not source.resident
    assert source.preview()[0].shape == (4, shape[1])
    x, y, _ = next(source.batches(0))
    assert x.dtype == "float32" and np.array_equal(x, big[y].astype("float32"))
    x, _, _ = next(adapt(big, None, None, 8).batches(0))
    assert x[3, 0] == 3.0 and not x[4].any()
    assert read == [(4, shape[1])] * 2 + [(8, shape[1])]


def test_a_sparse_matrix_is_never_dense_as_a_whole(monkeypatch):
    matrix = scipy.sparse.random_array(
        (1_000_000, 100_000), density=1e-8, format="coo", rng=np.random.default_rng(0)
    )  # 800 GB if it were dense
    made = []
    dense = scipy.sparse.csr_array.toarray
    monkeypatch.setattr(
        scipy.sparse.csr_array, "toarray", lambda m: made.append(m.shape) or dense(m)
    )
    model = cornu.Sequential([cornu.Input((100_000,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    y = np.zeros((1_000_000, 1), "float32")
    model.fit(matrix, y, batch_size=16, steps_per_epoch=2, verbose=0)
    assert made and set(made) == {(16, 100_000)}


def test_rows_of_tables_are_read_once_for_all_columns(monkeypatch):
    reads = []
    table = Dataset.from_dict({"a": range(28), "b": X[:, 1], "y": LABELS})
    inner = Dataset.__getitem__

    def counted(self, key):
        reads.append(key)
        return inner(self, key)

    source = adapt(table, None, None, 8, shuffle=True, seed=2)
    assert sorted(source.structure[0]) == ["a", "b"]
    monkeypatch.setattr(Dataset, "__getitem__", counted)
    for x, y, _ in source.batches(0):
        assert np.array_equal(y, LABELS[x["a"]]) and np.array_equal(x["b"], X[x["a"], 1])
    assert len(reads) == source.steps == 4


def test_wrong_columns_are_rejected():
    with pytest.raises(TypeError, match="Column 'x' contains strings, not numbers"):
        adapt(Dataset.from_dict({"x": ["a", "b"], "y": [0, 1]}))
    with pytest.raises(ValueError, match="Column 'x' is ragged"):
        list(adapt(Dataset.from_dict({"x": [[1, 2], [3]], "y": [0, 1]})).batches())
    with pytest.raises(ValueError, match="has no column 'z'"):
        adapt(Dataset.from_dict({"x": [1.0], "y": [0]}), "z")
    with pytest.raises(ValueError, match="The data is empty: it has 0 rows"):
        adapt(Dataset.from_dict({"x": [], "y": []}))
    with pytest.raises(TypeError, match=r"DatasetDict with the splits train: .*dataset\['train'\]"):
        from datasets import DatasetDict

        adapt(DatasetDict(train=Dataset.from_dict({"x": [1.0]})))
    with pytest.raises(ValueError, match="must have two axes"):
        adapt(scipy.sparse.coo_array(X[:, 0]))


@pytest.mark.skipif(not hasattr(mmap, "MADV_RANDOM"), reason="of systems that take advice")
def test_the_system_is_advised_of_the_order_of_reads(tmp_path, monkeypatch):
    received = []

    class Mapping:
        def madvise(self, advice):
            received.append(advice)

    monkeypatch.setattr("cornu.data.lazy_columns._mapping", lambda array: Mapping())
    small = Mapped(np.memmap(tmp_path / "small", "float32", "w+", shape=(8, 4)))
    large = Mapped(np.memmap(tmp_path / "large", "float32", "w+", shape=(8, 5000)))
    for column in (small, large):
        column.take(np.array([4, 1, 2]))
        column.take(np.arange(2, 5))
    assert received == [mmap.MADV_RANDOM, mmap.MADV_NORMAL]
