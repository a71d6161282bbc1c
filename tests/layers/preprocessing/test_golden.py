"""Every layer against Keras, which calls TensorFlow: all output modes, given and adapted."""

import itertools

import numpy as np
import pytest

from tests.layers.preprocessing.golden import compare
from tests.sampling import slow_except

pytest.importorskip("tensorflow")

STRINGS = np.array([["a", "z"], ["c", "b"], ["a", ""], ["b", "zz"]])
NUMBERS = np.array([[10, 99], [30, 0], [-5, 10]])
TEXTS = ["Hello, World's end!  a-b", "again hello\tthere\u00a0x Éa", "", "x"]
TABLE = np.random.default_rng(0).normal(1.0, 3.0, (200, 3)).astype("float32")
BLOCK = np.random.default_rng(1).normal(1.0, 3.0, (20, 3, 4)).astype("float32")
MODES = ("int", "one_hot", "multi_hot", "count")


@pytest.mark.parametrize("mode", slow_except(MODES, ["one_hot"]))
def test_string_lookup(mode):
    for oov, mask in itertools.product((1, 3), (None, "")):
        kwargs = {"output_mode": mode, "num_oov_indices": oov, "mask_token": mask}
        given = {"vocabulary": ["a", "b", "c"], **kwargs}
        compare(lambda k, w=given: k.layers.StringLookup(**w), STRINGS, STRINGS[:, :1], STRINGS[0])
        compare(lambda k, w=given: k.layers.StringLookup(salt=[3, 9], **w), STRINGS)
        learned = {"max_tokens": 6, "pad_to_max_tokens": True, **kwargs}
        compare(lambda k, w=learned: k.layers.StringLookup(**w), STRINGS, adapt=STRINGS)


@pytest.mark.parametrize("mode", slow_except(MODES, ["count"]))
def test_integer_lookup(mode):
    for oov, mask in itertools.product((1, 3), (None, 0)):
        kwargs = {"output_mode": mode, "num_oov_indices": oov, "mask_token": mask}
        given = {"vocabulary": [10, 20, 30], **kwargs}
        compare(lambda k, w=given: k.layers.IntegerLookup(**w), NUMBERS, NUMBERS[:, :1])
        farm = {"oov_method": "farmhash", "salt": 7 if mask is None else None, **given}
        compare(lambda k, w=farm: k.layers.IntegerLookup(**w), NUMBERS)
        compare(lambda k, w=kwargs: k.layers.IntegerLookup(**w), NUMBERS, adapt=NUMBERS)


def test_weights_of_terms():
    tf_idf = {"output_mode": "tf_idf"}
    padded = {"max_tokens": 9, "pad_to_max_tokens": True, **tf_idf}
    given = {"vocabulary": ["a", "b"], "idf_weights": [1, 2.5], **tf_idf}
    whole = {"vocabulary": ["[UNK]", "a", "b"], "idf_weights": [7, 1, 2.5], **tf_idf}
    compare(lambda k: k.layers.StringLookup(mask_token="", **tf_idf), STRINGS, adapt=STRINGS)
    compare(lambda k: k.layers.StringLookup(**padded), STRINGS, adapt=["a", "b", "a", "c"])
    compare(lambda k: k.layers.StringLookup(**given), STRINGS, STRINGS[0])
    compare(lambda k: k.layers.StringLookup(**whole), STRINGS)
    compare(lambda k: k.layers.IntegerLookup(**tf_idf), NUMBERS, adapt=NUMBERS)


def test_batches_of_one_axis_are_documents():
    class Batches:
        def __iter__(self):
            return iter([np.array(["a", "b"]), np.array(["a", "d", "d"])])

    compare(lambda k: k.layers.StringLookup(output_mode="tf_idf"), STRINGS, adapt=Batches())
    layer = compare(lambda k: k.layers.StringLookup(), STRINGS, adapt=Batches(), steps=1)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]


def test_positions_turned_back():
    kwargs = {"vocabulary": [10, 20, 30], "invert": True}
    indices = np.array([[1, 0], [7, 3]])
    for mask, oov in itertools.product((None, 0), (1, 2)):
        kwargs |= {"mask_token": mask, "num_oov_indices": oov}
        compare(lambda k, w=dict(kwargs): k.layers.IntegerLookup(**w), indices)


@pytest.mark.parametrize("mode", slow_except(MODES, ["int"]))
def test_hashing(mode):
    for mask, salt in itertools.product((None, 10), (None, 5, [1, 2])):
        kwargs = {"num_bins": 7, "output_mode": mode, "salt": salt, "mask_value": mask}
        inputs = (NUMBERS, NUMBERS[:, :1], NUMBERS.astype("float32") + 0.5)
        compare(lambda k, w=kwargs: k.layers.Hashing(**w), *inputs)
        kwargs = {**kwargs, "mask_value": mask and "a"}
        compare(lambda k, w=kwargs: k.layers.Hashing(**w), STRINGS, STRINGS[:, :1], STRINGS[0])


@pytest.mark.parametrize("mode", ["int", "one_hot"])
def test_hashed_crossing(mode):
    pairs = [(STRINGS[:, 0], np.arange(4)), (STRINGS[:, :1], STRINGS[:, 1:])]
    pairs += [(np.arange(4), np.arange(-4, 0), np.full(4, 7))]
    compare(lambda k: k.layers.HashedCrossing(6, output_mode=mode), *pairs)


@pytest.mark.parametrize("mode", slow_except(["int", "multi_hot", "count", "tf_idf"], ["tf_idf"]))
def test_text_vectorization(mode):
    cleanings = ["lower", "strip_punctuation", "lower_and_strip_punctuation", None, np.char.upper]
    for cleaning, ngrams in itertools.product(cleanings, (None, 2, (2, 3))):
        kwargs = {"output_mode": mode, "standardize": cleaning, "ngrams": ngrams}
        inputs = (TEXTS, np.array(TEXTS)[:, None], "hello again")
        compare(lambda k, w=kwargs: k.layers.TextVectorization(**w), *inputs, adapt=TEXTS)
    kwargs = {"output_mode": mode, "split": "character", "max_tokens": 8}
    compare(lambda k: k.layers.TextVectorization(**kwargs), TEXTS, adapt=TEXTS)
    kwargs = {"output_mode": mode, "split": None}
    compare(lambda k: k.layers.TextVectorization(**kwargs), STRINGS, adapt=STRINGS)


def test_lengths_of_texts():
    for kwargs, data in (
        ({"output_sequence_length": 3}, TEXTS),
        ({"split": None}, TEXTS),
        ({"split": None, "output_sequence_length": 3}, STRINGS),
    ):
        compare(lambda k, w=kwargs: k.layers.TextVectorization(**w), data, adapt=data)


@pytest.mark.parametrize("mode", slow_except(MODES, ["multi_hot"]))
def test_discretization(mode):
    kwargs = {"num_bins": 5, "output_mode": mode}
    inputs = (TABLE, TABLE[:, :1], TABLE[:, 0])
    compare(lambda k: k.layers.Discretization(epsilon=0.05, **kwargs), *inputs, adapt=TABLE)
    batches = [TABLE[:70], TABLE[70:90], TABLE[90:]]
    compare(lambda k: k.layers.Discretization(epsilon=0.02, **kwargs), TABLE, adapt=batches)
    compare(lambda k: k.layers.Discretization([-1.0, 0, 0.5], output_mode=mode), *inputs)


@pytest.mark.parametrize("mode", slow_except(MODES[1:], 1))
def test_category_encoding(mode):
    inputs = (np.array([[1, 2], [3, 3], [9, -1]]), np.array([1, 2]), np.array([[1], [2]]))
    compare(lambda k: k.layers.CategoryEncoding(5, output_mode=mode), *inputs)


@pytest.mark.parametrize("axis", slow_except([-1, None, [1, 2], 2], 2))
@pytest.mark.parametrize("invert", slow_except([False, True], 1))
def test_normalization(axis, invert):
    axis = tuple(axis) if isinstance(axis, list) else axis
    for data in (BLOCK, [BLOCK[:7], BLOCK[7:9], BLOCK[9:]]):
        compare(lambda k: k.layers.Normalization(axis, invert=invert), BLOCK, adapt=data)


def test_normalization_by_given_statistics():
    three, four = [1.0, 2.0, 3.0], [1.0, 4.0, 0.0]
    compare(lambda k: k.layers.Normalization(mean=three, variance=four), TABLE)
    compare(lambda k: k.layers.Normalization(mean=1.0, variance=4.0), TABLE)
    compare(lambda k: k.layers.Normalization((1, 2), mean=[1] * 4, variance=[2] * 4), BLOCK)
