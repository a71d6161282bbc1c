"""Data of every library, in layers and in adapt()."""

import numpy as np
import pytest

from cornu import Variable
from cornu.layers import (
    Discretization,
    Hashing,
    IntegerLookup,
    Normalization,
    Rescaling,
    StringLookup,
    TextVectorization,
)
from cornu.utils import PyDataset

STRINGS = ["b", "a", "b"]


def _libraries(values):
    """The same column in every installed library."""
    yield values
    yield tuple(values)
    yield np.array(values)
    yield np.array(values, object)
    if isinstance(values[0], str):
        yield np.array(values, np.dtypes.StringDType())
        yield [value.encode() for value in values]
        yield np.array(values, "S")
    pandas = pytest.importorskip("pandas")
    yield pandas.Series(values)
    yield pytest.importorskip("polars").Series(values)
    yield pytest.importorskip("tensorflow").constant(values)
    if not isinstance(values[0], str):
        yield pytest.importorskip("torch").tensor(values)


def test_strings_of_all_libraries():
    layer = StringLookup(vocabulary=["a", "b"])
    hashing = Hashing(9)
    for column in _libraries(STRINGS):
        assert layer(column).tolist() == [2, 1, 2], type(column)
        assert hashing(column).tolist() == hashing(STRINGS).tolist(), type(column)
        learned = StringLookup()
        learned.adapt(column)
        assert learned.get_vocabulary() == ["[UNK]", "b", "a"], type(column)


def test_numbers_of_all_libraries():
    for column in _libraries([5, 7, 5]):
        learned = IntegerLookup()
        learned.adapt(column)
        assert learned.get_vocabulary() == [-1, 5, 7], type(column)
        assert learned(column).tolist() == [1, 2, 1], type(column)
        assert Rescaling(2)(column).tolist() == [10, 14, 10], type(column)


def test_a_variable_is_read():
    assert Rescaling(2.0)(Variable([1.0])).tolist() == [2.0]


class Batches(PyDataset):
    """Two batches (x, y), by number."""

    def __init__(self, *batches):
        super().__init__()
        self.parts = batches

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        return self.parts[index], np.zeros(len(self.parts[index]))


def test_adapting_to_batches():
    x = np.random.default_rng(0).normal(3.0, 2.0, (10, 2))
    sources = [
        lambda: Batches(x[:4], x[4:]),
        lambda: ((part, None) for part in (x[:4], x[4:])),
        lambda: pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(x).batch(3),
        lambda: pytest.importorskip("pandas").DataFrame(x),
        lambda: pytest.importorskip("polars").DataFrame(x),
    ]
    for source in sources:
        layer = Normalization()
        layer.adapt(source())
        np.testing.assert_allclose(layer.mean[0], x.mean(0), rtol=1e-6)
        np.testing.assert_allclose(layer.variance[0], x.var(0), rtol=1e-6)
    layer = TextVectorization()
    layer.adapt(Batches(np.array(["a b"]), np.array(["b c"])))
    assert layer.get_vocabulary(False) == ["b", "c", "a"]


def test_steps_stop_endless_data():
    def endless():
        while True:
            yield np.array([[1.0], [3.0]])

    normalization, bins, others = Normalization(), *(Discretization(num_bins=3) for _ in range(2))
    normalization.adapt(endless(), steps=2)
    assert normalization.mean.tolist() == [[2.0]]
    bins.adapt(endless(), steps=3)
    others.adapt([[[1.0], [3.0]]] * 3)
    assert bins.bin_boundaries == others.bin_boundaries


@pytest.mark.parametrize(
    "layer, data, error, message",
    [
        (
            StringLookup(),
            [None, "a"],
            TypeError,
            "Received an element None .*Replace missing values",
        ),
        (StringLookup(), [float("nan"), "a"], TypeError, "Replace missing values"),
        (StringLookup(), [1, 2], TypeError, "Received an element 1 .*str"),
        (
            StringLookup(),
            np.array([1, 2]),
            TypeError,
            "expects strings. Received: numbers of dtype",
        ),
        (StringLookup(), [["a"], ["b", "c"]], ValueError, "is ragged"),
        (StringLookup(), iter([]), ValueError, "adapt.. received no data"),
        (StringLookup(), object(), TypeError, "an array or an iterable of batches"),
        (IntegerLookup(), ["a"], TypeError, "expects integers. Received: .*StringLookup"),
        (IntegerLookup(), np.array([1.5]), TypeError, "expects integers. Received: 1.5"),
        (Normalization(), np.zeros((0, 2)), ValueError, "passed to adapt.. is empty"),
        (Normalization(), np.zeros(4), ValueError, r"x\[:, None\]"),
        (Discretization(num_bins=2), [[np.nan]], ValueError, "NaN"),
    ],
)
def test_bad_data(layer, data, error, message):
    with pytest.raises(error, match=f"(?s){message}"):
        layer.adapt(data)


def test_strings_instead_of_numbers():
    with pytest.raises(TypeError, match="expected numbers, received strings"):
        Rescaling(2.0)(["a"])
