"""IntegerLookup: in models, with integers of all sizes, and invalid arguments."""

import json

import numpy as np
import pytest

import cornu
from cornu.layers import Dense, Embedding, IntegerLookup

IDS = np.array([[101, 205], [205, 999]])


def _fixed(**kwargs):
    return IntegerLookup(vocabulary=[101, 205, 333], **kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"mask_token": 0, "num_oov_indices": 2},
        {"num_oov_indices": 3, "oov_method": "farmhash"},
        {"output_mode": "count"},
        {"output_mode": "tf_idf", "idf_weights": [1.0, 2.0, 3.0]},
        {"invert": True},
    ],
)
def test_a_compiled_model_gives_the_same(kwargs):
    layer = _fixed(**kwargs)
    inputs = cornu.Input((2,), dtype="int32")
    model = cornu.Model(inputs, layer(inputs))
    for x in (IDS, np.array([[0, 1], [3, -1]])):
        np.testing.assert_array_equal(model.predict(x, verbose=0), layer(x))


def test_it_learns_within_a_model_and_is_saved(tmp_path):
    layer = IntegerLookup(name="lookup")
    layer.adapt(IDS)
    inputs = cornu.Input((2,), dtype="int32")
    x = Embedding(layer.vocabulary_size(), 3)(layer(inputs))
    model = cornu.Model(inputs, Dense(1)(x))
    model.compile("sgd", "mse")
    model.fit(IDS, np.zeros((2, 2, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(IDS), model(IDS))
    assert loaded.get_layer("lookup").get_vocabulary() == layer.get_vocabulary()


def test_integers_beyond_32_bits():
    long = [2**40, -(2**50), 7]
    layer, back = IntegerLookup(vocabulary=long), IntegerLookup(vocabulary=long, invert=True)
    assert layer(np.array([7, 2**40, 2**40 + 2**32])).tolist() == [3, 1, 0]
    assert back(np.array([1, 2, 0])).tolist() == [2**40, -(2**50), -1]
    inputs = cornu.Input((1,), dtype="int32")
    model = cornu.Model(inputs, layer(inputs))
    assert model(np.array([[7], [0]])).tolist() == [[3], [0]]


def test_a_model_may_be_built_before_the_vocabulary_is_known():
    layer = IntegerLookup()
    inputs = cornu.Input((2,), dtype="int32")
    model = cornu.Model(inputs, layer(inputs))
    with pytest.raises(RuntimeError, match="has no vocabulary yet"):
        model(IDS)
    layer.adapt(IDS)
    np.testing.assert_array_equal(model(IDS), layer(IDS))
    with pytest.raises(RuntimeError, match="part of a compiled program"):
        layer.adapt(IDS + 1)


def test_symbolic_vectors_keep_their_size():
    layer = IntegerLookup(output_mode="count")
    with pytest.raises(RuntimeError, match="has no vocabulary yet"):
        layer(cornu.Input((2,)))
    layer.adapt(IDS)
    y = layer(cornu.Input((2,)))
    with pytest.raises(
        RuntimeError, match="built for vectors of size 4; .* requires vectors of size 6"
    ):
        layer.set_vocabulary([1, 2, 3, 4, 5])
    np.testing.assert_array_equal(layer(IDS).sum(-1), [2, 2])
    assert y.shape == (None, 4)


def test_a_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("5\n-7\n")
    layer = IntegerLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == [-1, 5, -7]
    path.write_text("5\nx\n")
    with pytest.raises(ValueError, match="not an integer: 'x'"):
        IntegerLookup(vocabulary=path)


def test_unknown_values_without_oov_indices():
    layer = _fixed(num_oov_indices=0)
    assert layer(np.array([205])).tolist() == [1]
    with pytest.raises(ValueError, match=r"(?s)not in the vocabulary.* Received: \[7, 8\].*Remove"):
        layer(np.array([205, 7, 8]))
    inputs = cornu.Input((1,), dtype="int32")
    assert cornu.Model(inputs, layer(inputs))(np.array([[7]])).tolist() == [[-1]]


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"max_tokens": 1}, "max_tokens must be >= 2"),
        ({"num_oov_indices": -1}, "must be an integer >= 0"),
        ({"pad_to_max_tokens": True}, "requires max_tokens"),
        ({"output_mode": "sum"}, "output_mode must be one of"),
        ({"invert": True, "output_mode": "count"}, "invert=True requires output_mode='int'"),
        ({"oov_method": "crc"}, "oov_method must be one of"),
        ({"salt": 3}, "salt requires oov_method='farmhash'"),
        ({"vocabulary_dtype": "int32"}, "vocabulary_dtype must be one of"),
        ({"vocabulary": []}, "vocabulary is empty"),
        ({"vocabulary": [1, 1, 2]}, r"repeated terms: \[1\]"),
        ({"vocabulary": [1, 0], "mask_token": 0}, r"mask_token 0 is at index 1.*\[0, -1\]"),
        ({"vocabulary": [1, -1], "invert": True}, "oov_token -1 is at index 1"),
        ({"vocabulary": [1, 2], "max_tokens": 2}, "has 3 terms, .* exceeds max_tokens=2"),
        ({"vocabulary": [1], "output_mode": "tf_idf"}, "requires idf_weights"),
        ({"vocabulary": [1], "idf_weights": [1.0]}, "does not accept idf_weights"),
        ({"idf_weights": [1.0], "output_mode": "tf_idf"}, "idf_weights requires a vocabulary"),
        (
            {"vocabulary": [1, 2], "idf_weights": [1.0], "output_mode": "tf_idf"},
            r"must have the shape \(2,\).* Received: \(1,\)",
        ),
    ],
)
def test_arguments_that_do_not_fit(kwargs, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        IntegerLookup(**kwargs)


def test_a_given_vocabulary_is_not_learned_over():
    with pytest.raises(ValueError, match="constructed with a vocabulary"):
        _fixed().adapt([1, 2])
    copy = IntegerLookup.from_config(json.loads(json.dumps(_fixed().get_config())))
    copy.adapt([1, 1, 2])
    assert copy.get_vocabulary() == [-1, 1, 2]


def test_special_tokens_are_neither_learned_nor_counted_twice():
    layer = IntegerLookup(mask_token=0, max_tokens=4)
    layer.adapt([0, -1, 5, 5, 6, 7, 7, 7])
    assert layer.get_vocabulary() == [0, -1, 7, 5]
    assert layer.get_vocabulary(include_special_tokens=False) == [7, 5]
    layer.set_vocabulary([0, -1, 9])
    assert layer.get_vocabulary() == [0, -1, 9] and layer.vocabulary_size() == 3
    with pytest.raises(ValueError, match="contains no terms"):
        IntegerLookup(mask_token=0).adapt([0, -1])
