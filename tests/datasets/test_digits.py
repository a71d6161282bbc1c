"""The digits that ship with the library are complete, in a fixed order, and equal to the source."""

import doctest
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cornu.datasets import digits

FILE = Path(digits.__file__).with_name("digits.npz")


def test_shapes_types_and_ranges():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    for array, highest in ((x_train, 16), (x_test, 16), (y_train, 9), (y_test, 9)):
        assert array.dtype == np.uint8
        assert (array.min(), array.max()) == (0, highest)


def test_each_digit_is_in_both_parts():
    (_, y_train), (_, y_test) = digits.load_data()
    # 1797 images of ten digits: near 144 and 36 of each.
    assert np.bincount(y_train).min() > 120
    assert np.bincount(y_test).min() > 25


def test_content_and_order_are_fixed():
    # Results in the documentation and the benchmarks were measured on exactly these bytes.
    train, test = digits.load_data()
    content = b"".join(array.tobytes() for array in (*train, *test))
    assert hashlib.sha256(content).hexdigest() == (
        "1bc1d1c1cfa8ddf627d88c85caa245aa08d1cfee1e302437e9324b6a947d2079"
    )


def test_each_call_gives_arrays_of_its_own():
    (first, _), _ = digits.load_data()
    first[:] = 0
    (second, _), _ = digits.load_data()
    assert second.any()


def test_the_file_is_small_and_holds_no_objects():
    assert FILE.stat().st_size < 64 * 1024
    with zipfile.ZipFile(FILE) as archive:
        names = sorted(archive.namelist())
    assert names == ["x_test.npy", "x_train.npy", "y_test.npy", "y_train.npy"]


def test_the_example_runs():
    assert doctest.testmod(digits).attempted == 3


def test_the_images_are_those_of_the_source():
    source = pytest.importorskip("sklearn.datasets").load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    images = np.concatenate([x_train, x_test]).reshape(1797, 64)
    labels = np.concatenate([y_train, y_test])
    ours = sorted(zip(images.tolist(), labels.tolist(), strict=True))
    theirs = sorted(zip(source.data.tolist(), source.target.tolist(), strict=True))
    assert ours == theirs
