"""TextVectorization: its parts, functions of a program, files, and invalid arguments."""

import json
import re
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu.layers import TextVectorization
from cornu.layers.preprocessing.text.ngrams import CLEANINGS, split_at_spaces

TEXTS = ["The cat.", "The DOG, the cat!"]


def _adapted(**kwargs):
    layer = TextVectorization(**kwargs)
    layer.adapt(TEXTS)
    return layer


@cornu.saving.register_keras_serializable(package="tests")
def commas(texts):
    return [text.split(",") for text in texts]


@cornu.saving.register_keras_serializable(package="tests")
def shout(texts):
    return np.strings.upper(texts)


def test_functions_of_a_program_are_called_on_arrays_and_found_again():
    layer = _adapted(standardize=shout, split=commas)
    assert layer.get_vocabulary(False) == ["THE DOG", "THE CAT.", " THE CAT!"]
    copy = TextVectorization.from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(copy(TEXTS), layer(TEXTS))


def test_functions_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    layer = _adapted(standardize=tf.strings.lower, split=lambda x: tf.strings.split(x, ", "))
    assert layer.get_vocabulary(False) == ["the dog", "the cat.", "the cat!"]


def test_unsupported_return_values():
    with pytest.raises(
        TypeError, match=r"(?s)split must return a list of words.*Return a list of lists"
    ):
        _adapted(split=lambda texts: texts)
    with pytest.raises(TypeError, match="after standardize, expects strings"):
        _adapted(standardize=lambda texts: np.zeros(len(texts)))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"output_sequence_length": 4, "ngrams": 2},
        {"output_mode": "tf_idf", "max_tokens": 9, "pad_to_max_tokens": True},
        {"output_mode": "count", "ngrams": (2, 3), "split": "character"},
        {"standardize": None, "split": None, "output_mode": "multi_hot"},
    ],
)
def test_the_config_holds_what_was_learned(kwargs):
    layer = _adapted(**kwargs)
    config = json.loads(json.dumps(layer.get_config()))
    copy = TextVectorization.from_config(config)
    np.testing.assert_array_equal(copy(TEXTS), layer(TEXTS))
    assert json.loads(json.dumps(copy.get_config())) == config
    shape = layer.compute_output_shape((2,))
    assert shape == tuple(layer(TEXTS).shape)


def test_a_vector_for_each_word():
    layer = _adapted(output_mode="one_hot")
    y = np.asarray(layer(["cat", "the zebra"]))
    assert y.shape == (2, 2, 4) and y.sum(-1).tolist() == [[1, 0], [1, 1]]


def test_unsplit_texts_are_tokens():
    layer = _adapted(split=None)
    assert layer(TEXTS).shape == (2,) and layer(TEXTS[0]).shape == ()
    vectors = _adapted(split=None, output_mode="count")
    assert vectors(TEXTS).sum(-1).tolist() == [1, 1]
    fixed = _adapted(split=None, output_sequence_length=3)
    assert (np.asarray(fixed(TEXTS)) > 0).sum(-1).tolist() == [1, 1]


def test_only_ascii_is_lowered_as_in_tensorflow():
    layer = TextVectorization()
    layer.adapt(["ÉCOLE É\u00a0A \x1cb"])
    assert sorted(layer.get_vocabulary(False)) == sorted(["École", "É\u00a0a", "\x1cb"])


def test_nothing_at_all():
    layer = _adapted()
    assert layer([]).shape == (0, 0) and layer([""]).shape == (1, 0)
    assert _adapted(output_mode="count")([""]).tolist() == [[0.0] * 4]


@pytest.mark.parametrize(
    "kwargs, error, message",
    [
        ({"standardize": "upper"}, ValueError, "standardize must be one of"),
        ({"split": ","}, ValueError, "split must be one of"),
        ({"ngrams": 0}, ValueError, "ngrams must be a positive integer"),
        ({"ngrams": "ab"}, ValueError, "ngrams must be a positive integer"),
        ({"output_sequence_length": 0}, ValueError, "positive integer"),
        (
            {"output_mode": "count", "output_sequence_length": 3},
            ValueError,
            "requires output_mode='int'",
        ),
        ({"ragged": True}, NotImplementedError, "(?s)ragged=True.*padded with 0"),
        ({"sparse": True}, ValueError, "sparse=True"),
    ],
)
def test_arguments_that_do_not_fit(kwargs, error, message):
    with pytest.raises(error, match=message):
        TextVectorization(**kwargs)


def test_texts_that_do_not_fit():
    layer = _adapted()
    with pytest.raises(ValueError, match=r"texts of shape \(batch,\) or \(batch, 1\)"):
        layer([["a", "b"]])
    with pytest.raises(RuntimeError, match="has no vocabulary yet"):
        TextVectorization()(["a"])
    with pytest.raises(ValueError, match="constructed with a vocabulary"):
        TextVectorization(vocabulary=["a"]).adapt(TEXTS)
    with pytest.raises(TypeError, match="expected strings, received a Tensor of int32"):
        layer(cornu.Input((), dtype="int32"))


@given(
    st.text(max_size=60) | st.text(" \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2003aBé!,", max_size=40)
)
@settings(max_examples=200, deadline=None)
def test_texts_are_cleaned_and_split_as_by_a_table_and_an_expression(text):
    lower = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
    bare = dict.fromkeys(map(ord, string.punctuation), "")
    tables = {
        "lower": lower,
        "strip_punctuation": bare,
        "lower_and_strip_punctuation": lower | bare,
    }
    assert tables.keys() == CLEANINGS.keys()
    for name, table in tables.items():
        assert CLEANINGS[name].apply(text) == text.translate(table)
        assert CLEANINGS[name].apply(text + "\ud800A") == (text + "\ud800A").translate(table)
    assert split_at_spaces(text) == re.findall(r"[^ \t\n\v\f\r]+", text)


def test_unknown_words_leave_the_vocabulary_as_it_is():
    layer = TextVectorization(vocabulary=["a", "b"], output_sequence_length=4)
    assert layer(["c a", "", "b b b b b", "d e"]).tolist() == [
        [1, 2, 0, 0],
        [0, 0, 0, 0],
        [3, 3, 3, 3],
        [1, 1, 0, 0],
    ]
    assert layer.get_vocabulary() == ["", "[UNK]", "a", "b"]
    assert layer(["c"]).tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize("length", [None, 2, 5])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"split": None, "standardize": None},
        {"split": "character"},
        {"split": lambda texts: [text.split(",") for text in texts], "standardize": None},
        {"ngrams": 2},
    ],
    ids=["words", "given words", "characters", "empty words", "pairs"],
)
def test_indices_are_those_of_a_lookup_of_padded_words(options, length):
    vocabulary = ["a", "b", "a b", "b,a"]
    layer = TextVectorization(vocabulary=vocabulary, output_sequence_length=length, **options)
    for texts in (["a b z", "", "b,,a", "a  b b a A"], ["", ""], []):
        rows = layer._words(np.array(texts, object))
        width = length or max(map(len, rows), default=0)
        expected = [
            [["", "[UNK]", *vocabulary].index(w) if w in ["", *vocabulary] else 1 for w in row]
            for row in [(row + [""] * width)[:width] for row in rows]
        ]
        if layer._is_word_each:
            expected = [row[0] for row in expected]
        found = layer(np.array(texts, object))
        assert found.dtype == "int32" and np.asarray(found).tolist() == expected
