"""Layers within the pipelines of tf.data and Grain."""

import numpy as np
import pytest

from cornu import layers, tree
from cornu.layers import (
    CategoryEncoding,
    Hashing,
    IntegerLookup,
    Normalization,
    Pipeline,
    StringLookup,
    TextVectorization,
)
from cornu.layers.preprocessing.base import DatasetLayer
from tests.layers.preprocessing.test_image_base import IMAGES, RANDOM, make_all
from tests.sampling import slow_except

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


SIGNALS = np.sin(np.arange(800.0)).reshape(4, 200, 1).astype("float32")
IDS = np.array([[1, 2], [2, 2], [9, 9], [1, 1]])
WORDS = np.array([["a"], ["b"], ["a"], ["c"]])
# The layers that do not process images, and data for each; two arrays are a list of two inputs.
OTHERS = {
    "CategoryEncoding": (lambda: CategoryEncoding(10), IDS),
    "Discretization": (lambda: layers.Discretization(bin_boundaries=[0.0, 0.5]), SIGNALS[..., 0]),
    "HashedCrossing": (lambda: layers.HashedCrossing(4), (WORDS[:, 0], WORDS[::-1, 0])),
    "Hashing": (lambda: Hashing(4), WORDS),
    "IntegerLookup": (lambda: IntegerLookup(vocabulary=[1, 2]), IDS),
    "MelSpectrogram": (
        lambda: layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=4),
        SIGNALS[..., 0],
    ),
    "Normalization": (lambda: Normalization(mean=1.0, variance=4.0, axis=None), SIGNALS),
    "Pipeline": (lambda: Pipeline([layers.RandomFlip(seed=3), layers.Rescaling(0.5)]), IMAGES),
    "Rescaling": (lambda: layers.Rescaling(0.5, 1), IMAGES),
    "STFTSpectrogram": (lambda: layers.STFTSpectrogram(frame_length=32), SIGNALS),
    "StringLookup": (lambda: StringLookup(vocabulary=["a", "b"]), WORDS),
    "TextVectorization": (
        lambda: TextVectorization(vocabulary=["a", "b"], output_sequence_length=2),
        WORDS[:, 0],
    ),
}
EVERY = {**OTHERS, **{name: (make, IMAGES) for name, make in make_all().items()}}


def test_the_table_names_every_layer_that_may_be_mapped():
    kinds = {name: getattr(layers, name) for name in dir(layers)}
    named = {kinds[name] for name in EVERY}
    assert named == {
        kind for kind in kinds.values() if isinstance(kind, type) and issubclass(kind, DatasetLayer)
    }


def _check_against_loop(make, data):
    """Asserts that a mapped layer gives what the layer gives in a loop, with static shapes."""
    layer, eager = make(), make()
    mapped = data.map(lambda *x: layer(x[0] if len(x) == 1 else list(x)))
    parts = list(mapped)
    for element, part in zip(data, parts, strict=True):
        expected = eager(list(element) if isinstance(element, tuple) else element)
        specs = tree.leaves(mapped.element_spec)
        for y, result, spec in zip(tree.leaves(expected), tree.leaves(part), specs, strict=True):
            assert spec.dtype.name == result.dtype.name == y.dtype.name
            assert spec.shape.is_compatible_with(y.shape) and None not in spec.shape[1:]
            np.testing.assert_allclose(result, y, rtol=1e-5, atol=1e-5)


TYPICAL = ("RandomRotation", "Resizing", "MelSpectrogram", "STFTSpectrogram", "Pipeline")


@pytest.mark.parametrize("name", slow_except(EVERY, TYPICAL))
def test_mapped_as_in_a_loop(name):
    tf = pytest.importorskip("tensorflow")
    make, arrays = EVERY[name]
    rows = tf.data.Dataset.from_tensor_slices(arrays)
    _check_against_loop(make, rows.batch(2))
    if arrays is IMAGES:
        _check_against_loop(make, rows)
    if name in RANDOM:
        same = rows.batch(2).map(lambda x: make()(x, training=False))
        flags = rows.batch(2).map(lambda x: make()(x, False))
        for one, other in zip(same, flags, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", slow_except(make_all(), ["RandomFlip"]))
def test_dicts_mapped_as_in_a_loop(name):
    tf = pytest.importorskip("tensorflow")
    masks = (IMAGES[..., :1] > 128).astype("int32")
    data = {"images": IMAGES, "labels": np.eye(4, dtype="float32"), "segmentation_masks": masks}
    _check_against_loop(EVERY[name][0], tf.data.Dataset.from_tensor_slices(data).batch(2))


def test_each_element_has_its_own_numbers():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensors(IMAGES[0] * 0 + 100).repeat(40)
    for calls in (None, 4):
        layer = layers.RandomBrightness(0.3, seed=1)
        changed = data.map(layer, num_parallel_calls=calls)
        assert len({float(image[0, 0, 0]) for image in changed}) == 40


def test_images_of_different_sizes():
    tf = pytest.importorskip("tensorflow")
    sizes = tf.TensorSpec((None, None, 3), "uint8")
    data = tf.data.Dataset.from_generator(
        lambda: (np.full((n, 9, 3), n, "uint8") for n in (5, 7)), output_signature=sizes
    )
    resized = data.map(layers.Resizing(4, 6))
    assert resized.element_spec == tf.TensorSpec((4, 6, 3), "uint8")
    assert [int(image[0, 0, 0]) for image in resized] == [5, 7]


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
