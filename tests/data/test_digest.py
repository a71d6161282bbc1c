"""Digests of data: every changed value, row, column, dtype or order is found."""

import ml_dtypes
import numpy as np
import pytest

from cornu.data import digest_rows
from cornu.data.lazy_columns import Mapped
from tests.timing import passes_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(70_001, 41)).astype("float32")  # more than one part is hashed


def changed(change):
    other = ROWS.copy()
    change(other)
    return other


def swap(array, one, other):
    array[[one, other]] = array[[other, one]]


CHANGES = {
    "one value": lambda: changed(lambda a: a.__setitem__((12_345, 40), 0.5)),
    "the last bit of one value": lambda: changed(
        lambda a: a.view("uint32").__setitem__((54_321, 3), a.view("uint32")[54_321, 3] ^ 1)
    ),
    "two rows swapped": lambda: changed(lambda a: swap(a, 100, 101)),
    "two distant rows swapped": lambda: changed(lambda a: swap(a, 5, 69_000)),
    "one column shifted": lambda: changed(lambda a: a.__setitem__((..., 7), np.roll(a[:, 7], 1))),
    "two columns swapped": lambda: changed(lambda a: swap(a.T, 0, 1)),
    "rows reversed": lambda: ROWS[::-1],
    "one row fewer": lambda: ROWS[:-1],
    "one column fewer": lambda: ROWS[:, :-1],
    "another dtype": lambda: ROWS.astype("float64"),
    "another shape": lambda: ROWS.T.reshape(ROWS.shape),
    "zero with another sign": lambda: changed(lambda a: a.__setitem__((0, 0), -0.0)),
    "NaN": lambda: changed(lambda a: a.__setitem__((0, 0), np.nan)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_found(change):
    assert digest_rows(CHANGES[change]()) != digest_rows(ROWS)


def test_equal_data_has_equal_digests():
    expected = digest_rows(ROWS)
    assert digest_rows(ROWS.copy()) == digest_rows(np.asfortranarray(ROWS)) == expected
    assert digest_rows(np.repeat(ROWS, 2, axis=1)[:, ::2]) == expected  # not contiguous


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a > 0,
        lambda a: a.astype(ml_dtypes.bfloat16),
        lambda a: a.astype(ml_dtypes.float8_e5m2),
        lambda a: a.astype("complex64"),
        lambda a: (a * 100).astype("int64").astype(str),
        lambda a: (a * 100).astype("int64").astype(str).astype(object),
        lambda a: (a * 100).astype("int64").astype("M8[D]"),
        lambda a: a[:0],
        lambda a: a[:, :0],
        lambda a: a[0, 0],
    ],
)
def test_every_dtype_and_shape_has_a_digest(make):
    few = RNG.normal(size=(20, 3)).astype("float32")
    array = np.asarray(make(few))
    assert digest_rows(array) == digest_rows(
        np.array(array.tolist(), array.dtype).reshape(array.shape)
    )
    if array.size > 1:
        other = array.copy()
        other[-1, -1] = other[0, 0] if other[-1, -1] != other[0, 0] else other[0, 1]
        assert digest_rows(other) != digest_rows(array) or np.array_equal(other, array)


def mapped(folder, rows, change=None):
    path = folder / "rows.npy"
    array = np.lib.format.open_memmap(path, "w+", "float32", rows.shape)
    array[:] = rows
    if change is not None:
        change(array)
    array.flush()
    return Mapped(array)


def test_rows_in_files_are_read_completely_up_to_a_size(tmp_path, monkeypatch):
    first = digest_rows(mapped(tmp_path, ROWS))
    second = digest_rows(mapped(tmp_path, ROWS, lambda a: a.__setitem__((60_000, 0), 9)))
    assert first != second
    monkeypatch.setattr("cornu.data.digest._MAX_COLUMN", 1 << 20)
    first = digest_rows(mapped(tmp_path, ROWS))
    assert first == digest_rows(mapped(tmp_path, ROWS))
    for change in (
        lambda a: a.__setitem__(..., a[::-1].copy()),
        lambda a: a.__imul__(2),
        lambda a: a.__setitem__((..., 3), 0),
        lambda a: a.__setitem__(-1, 0),
        lambda a: a.__setitem__(slice(0, None, 16), 0),
        lambda a: a.__setitem__(slice(30_000, 31_000), 0),
    ):
        assert digest_rows(mapped(tmp_path, ROWS, change)) != first


def test_a_gigabyte_is_hashed_in_seconds():
    array = np.zeros(64 << 20, "uint8")
    # A second at 64 MB/s; usually at more than 1 GB/s.
    assert passes_of(lambda: digest_rows(array), 400) < 400
