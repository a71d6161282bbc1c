"""Layers within the pipelines of tf.data and Grain."""

import numpy as np
import pytest

from cornu.layers import (
    CategoryEncoding,
    Hashing,
    IntegerLookup,
    Normalization,
    Pipeline,
    StringLookup,
    TextVectorization,
)

TEXTS = np.array(["a b", "b c b", "d"])


def _mapped(layer, *arrays):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(2)
    if len(arrays) > 1:
        data = data.map(lambda *x: layer(x))
    else:
        data = data.map(layer)
    spec = data.element_spec
    parts = [part.numpy() for part in data]
    for part in parts:
        assert spec.dtype.name == part.dtype.name
        assert spec.shape.is_compatible_with(part.shape) and spec.shape[1:] == part.shape[1:]
    return np.concatenate(parts)


def test_mapped_over_tensorflows_data():
    texts = TextVectorization(output_sequence_length=3)
    texts.adapt(TEXTS)
    counts = TextVectorization(output_mode="count")
    counts.adapt(TEXTS)
    numbers = Normalization()
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]], "float32")
    numbers.adapt(x)
    lookup = IntegerLookup(vocabulary=[1, 2], output_mode="multi_hot")
    pipeline = Pipeline([lookup])
    colors = StringLookup(vocabulary=["a", "b"])
    ids = np.array([[1, 2], [2, 2], [9, 9]])
    for layer, data in (
        (texts, TEXTS),
        (counts, TEXTS),
        (numbers, x),
        (lookup, ids),
        (pipeline, ids),
        (CategoryEncoding(10), ids),
        (Hashing(4), np.array([["a"], ["b"], ["c"]])),
        (colors, np.array([["a"], ["b"], ["c"]])),
    ):
        np.testing.assert_allclose(_mapped(layer, data), layer(data), rtol=1e-6)


def test_outputs_of_unknown_length():
    tf = pytest.importorskip("tensorflow")
    layer = TextVectorization()
    layer.adapt(TEXTS)
    data = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(layer)
    assert data.element_spec.shape.as_list() == [None, None]
    assert [part.shape.as_list() for part in data] == [[2, 3], [1, 1]]


def test_strings_turned_back_in_a_dataset():
    tf = pytest.importorskip("tensorflow")
    layer = StringLookup(vocabulary=["a", "b"], invert=True)
    data = tf.data.Dataset.from_tensor_slices(np.array([2, 1, 0])).batch(3).map(layer)
    assert next(iter(data)).numpy().tolist() == [b"b", b"a", b"[UNK]"]


def test_tensors_without_a_known_number_of_axes():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_generator(lambda: [[1.0]], tf.float32)
    with pytest.raises(ValueError, match="rank of an input is unknown"):
        data.map(CategoryEncoding(3))


def test_mapped_over_grains_data():
    grain = pytest.importorskip("grain")
    layer = StringLookup(vocabulary=["a", "b"])
    data = grain.MapDataset.source([["a", "z"], ["b", "b"]]).map(layer)
    assert [part.tolist() for part in data] == [[1, 0], [2, 2]]
