"""FeatureSpace: against Keras, on tables of every library, in models, saved."""

import warnings

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.core.state.scope import intercept_calls
from cornu.layers import (
    CategoryEncoding,
    Dense,
    Discretization,
    Normalization,
    Pipeline,
    StringLookup,
    TextVectorization,
)
from cornu.layers.preprocessing import base
from cornu.layers.preprocessing.feature_space.vectors import encoded_vectors
from cornu.utils import FeatureSpace, PyDataset
from tests.processes import run_program
from tests.sampling import slow_except

_RNG = np.random.default_rng(0)
TABLE = {
    "float": _RNG.normal(size=70).astype("float32"),
    "rescaled": _RNG.normal(size=70).astype("float32"),
    "normalized": _RNG.normal(3.0, 2.0, 70).astype("float32"),
    "bins": _RNG.normal(size=70).astype("float32"),
    "integers": _RNG.integers(100, 105, 70),
    "strings": _RNG.choice(["red", "green", "blue"], 70),
    "hashed": _RNG.integers(0, 10**6, 70),
    "words": _RNG.choice(["a", "b", "c", "d"], 70),
}
NUMBERS = {k: v for k, v in TABLE.items() if k not in ("strings", "words")}


def _everything(k, output_mode="concat", **kwargs):
    space = k.utils.FeatureSpace
    features = {
        "float": "float",
        "rescaled": space.float_rescaled(scale=2.0, offset=-1.0),
        "normalized": "float_normalized",
        "bins": "float_discretized",
        "integers": space.integer_categorical(max_tokens=5, num_oov_indices=2),
        "strings": "string_categorical",
        "hashed": "integer_hashed",
        "words": space.string_hashed(num_bins=3),
    }
    crosses = [("integers", "strings"), space.cross(("words", "hashed"), crossing_dim=7)]
    return space(
        features, output_mode, crosses=crosses, num_discretization_bins=6, hashing_dim=9, **kwargs
    )


def _indices(k):
    space = k.utils.FeatureSpace
    features = {
        "bins": space.float_discretized(4, output_mode="int"),
        "integers": space.integer_categorical(output_mode="int"),
        "strings": space.string_categorical(output_mode="int"),
        "words": space.string_hashed(5, output_mode="int"),
        "normalized": "float_normalized",
    }
    crosses = [space.cross(("strings", "integers"), crossing_dim=10, output_mode="int")]
    return space(features, output_mode="dict", crosses=crosses)


def _texts(k):
    space = k.utils.FeatureSpace
    layer = k.layers.TextVectorization(output_mode="count")
    return space({"strings": space.feature("string", layer, "float")})


@pytest.mark.parametrize("make", slow_except([_indices, _everything, _texts], 1))
def test_it_encodes_as_keras_does(make):
    pytest.importorskip("tensorflow")
    ours, theirs = make(cornu), make(keras)
    table = {name: TABLE[name] for name in ours.features}
    ours.adapt(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras converts int64 to int32 aloud
        theirs.adapt(table)
    few = {name: x[:5] for name, x in table.items()}
    one = {name: x[3].item() if hasattr(x[3], "item") else x[3] for name, x in table.items()}
    for data in (table, few, one):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs({k: np.asarray(v) for k, v in data.items()})
        _equal(ours(data), expected)


def _equal(ours, theirs):
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, y in theirs.items():
            _equal(ours[name], y)
    else:
        assert ours.shape == tuple(theirs.shape)
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-5)


class Parts(PyDataset):
    """The table in batches (x, y), by number."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if not 0 <= index < 3:
            raise IndexError(index)
        part = slice(32 * index, 32 * index + 32)
        return {name: x[part] for name, x in TABLE.items()}, np.zeros(len(TABLE["float"][part]))


def _tables():
    yield {name: x.tolist() for name, x in TABLE.items()}
    yield pytest.importorskip("pandas").DataFrame(TABLE)
    yield pytest.importorskip("polars").DataFrame(TABLE)
    yield (x for x, _ in (Parts()[i] for i in range(3)))
    yield Parts()
    data = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(TABLE)
    yield data
    yield data.batch(32)
    yield data.map(lambda x: (x, 0))


def test_tables_of_all_libraries():
    space = _everything(cornu)
    space.adapt(TABLE)
    expected = np.asarray(space(TABLE))
    for table in _tables():
        other = _everything(cornu)
        other.adapt(table)
        np.testing.assert_allclose(other(TABLE), expected, rtol=1e-6, err_msg=str(type(table)))
        if isinstance(table, dict) or hasattr(table, "columns"):
            np.testing.assert_array_equal(space(table), expected)


@pytest.mark.slow
def test_mapped_over_a_dataset():
    tf = pytest.importorskip("tensorflow")
    for make in (_everything, _indices):
        space = make(cornu)
        space.adapt(TABLE)
        whole = space(TABLE)
        data = tf.data.Dataset.from_tensor_slices(TABLE)
        batches = list(data.batch(32).map(space))
        rows = list(data.take(2).map(space))
        if isinstance(whole, dict):
            for name, y in whole.items():
                joined = np.concatenate([np.asarray(batch[name]) for batch in batches])
                np.testing.assert_array_equal(joined, y)
        else:
            np.testing.assert_array_equal(np.concatenate(batches), whole)
            np.testing.assert_array_equal(np.stack(rows), whole[:2])


def test_models_that_begin_behind_it_and_before_it():
    space = _everything(cornu)
    space.adapt(TABLE)
    encoded = space.get_encoded_features()
    outputs = Dense(1)(encoded)
    training = cornu.Model(encoded, outputs)
    training.compile("sgd", "mse")
    training.fit(space(TABLE), np.zeros((70, 1)), verbose=0)
    whole = cornu.Model(space.get_inputs(), outputs)
    expected = training.predict(space(TABLE), verbose=0)
    for data in (TABLE, space.numbers(TABLE)):
        np.testing.assert_allclose(whole.predict(data, verbose=0), expected, rtol=1e-5)


def test_numeric_features_work_in_a_model():
    space = FeatureSpace(
        {"normalized": "float_normalized", "integers": "integer_categorical"}, name="space"
    )
    space.adapt(NUMBERS)
    kinds = {"normalized": "float32", "integers": "int32"}
    inputs = {name: cornu.Input((), dtype=kind) for name, kind in kinds.items()}
    model = cornu.Model(inputs, space(inputs))
    np.testing.assert_allclose(model({k: NUMBERS[k] for k in kinds}), space(NUMBERS), rtol=1e-6)


@pytest.mark.parametrize("make", slow_except([_indices, _everything, _texts], 1))
def test_saved_and_loaded(make, tmp_path):
    space = make(cornu)
    space.adapt(TABLE)
    space.save(tmp_path / "space.keras")
    loaded = cornu.models.load_model(tmp_path / "space.keras")
    assert type(loaded) is FeatureSpace
    _equal(loaded(TABLE), space(TABLE))


def test_loaded_in_a_program_that_only_loads(tmp_path):
    space = FeatureSpace({"normalized": "float_normalized"})
    space.adapt(TABLE)
    space.save(tmp_path / "space.keras")
    program = (
        "import sys; from cornu.saving.model_files import load_model; import cornu.models\n"
        "print(load_model(sys.argv[1])({'normalized': [3.0]}).shape)"
    )
    done = run_program(program, tmp_path / "space.keras", strict=False)
    assert done.stdout.strip() == "(1, 1)"


def test_saved_before_it_has_learned(tmp_path):
    _everything(cornu).save(tmp_path / "space.keras")
    loaded = cornu.models.load_model(tmp_path / "space.keras")
    with pytest.raises(RuntimeError, match="has not been adapted yet"):
        loaded(TABLE)
    loaded.adapt(TABLE)
    assert loaded(TABLE).shape[0] == 70


def test_archives_cannot_cause_other_files_to_be_opened(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("key")
    space = FeatureSpace({"strings": "string_categorical"})
    space.adapt(TABLE)
    config = space.get_config()
    config["features"]["strings"]["config"]["preprocessor"]["config"]["vocabulary"] = str(secret)
    with pytest.raises(ValueError, match="files named by a config are not opened"):
        FeatureSpace.from_config(config)


def test_adapting_again_forgets():
    space = FeatureSpace({"strings": "string_categorical", "normalized": "float_normalized"})
    space.adapt(TABLE)
    assert space(TABLE).shape == (70, 5)
    space.adapt({"strings": ["x", "x"], "normalized": [1.0, 3.0]})
    assert space({"strings": ["x"], "normalized": [3.0]}).tolist() == [[1.0, 0.0, 1.0]]


@pytest.mark.parametrize("make", [_indices, _everything])
def test_numpy_and_jax_compute_the_same(make):
    space = make(cornu)
    table = {name: TABLE[name] for name in space.features}
    space.adapt({name: x[:40] for name, x in table.items()})
    seen = []

    def see(op, node, call, args, kwargs):
        seen.append(op)
        return call(*args, **kwargs)

    for state in range(3):
        # Lists run all steps of a call, and intercepted layers compute with JAX.
        by_call = space({name: x.tolist() for name, x in table.items()})
        _equal(space(table), by_call)
        with intercept_calls(see):
            _equal(space(table), by_call)
        assert set(space.preprocessors.values()) <= set(seen)
        before = np.asarray(space(table)["normalized"] if make is _indices else space(table))
        if state == 0:
            space.preprocessors["normalized"].adapt_mean.assign([5.0])
        else:
            space.adapt(table)
        after = np.asarray(space(table)["normalized"] if make is _indices else space(table))
        assert (before.shape != after.shape or (before != after).any()) == (state < 2)


def test_vectors_are_written_in_place_if_they_are_rows_of_numpy():
    city = np.array([[1], [-1], [3], [0]])
    age = np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
    encoders = {"city": CategoryEncoding(3)}
    out = encoded_vectors({"age": age, "city": city, "more": age}, encoders)
    onehot = [[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert out.dtype == "float32"
    assert out.tolist() == [[a, *row, a] for a, row in zip([1, 2, 3, 4], onehot, strict=True)]
    for numbers in (
        {"age": jnp.asarray(age), "city": city},
        {"age": age, "city": np.concatenate([city, city], 1)},
        {"age": age.astype("float64"), "city": city},
        {"age": age[:1], "city": city},
        {"age": age[:, 0], "city": city},
    ):
        assert encoded_vectors(numbers, encoders) is None


def test_tables_of_one_shape_have_results_of_their_own():
    space = FeatureSpace({"plain": "float"})
    results = []
    for number in range(base._MANY + 3):
        column = np.full(5, number, "float32")
        with jax.disable_jit(number == base._MANY + 1):
            results.append(space({"plain": column}))
        column[:] = -1
    assert all(isinstance(x, jax.Array) for x in results)
    assert [x.tolist() for x in results] == [[[i]] * 5 for i in range(len(results))]


def test_what_has_nothing_to_learn_needs_no_data():
    given = {
        "float": FeatureSpace.float_discretized(None, bin_boundaries=[0.0]),
        "normalized": FeatureSpace.feature("float32", Normalization(mean=0, variance=1), "float"),
        "strings": FeatureSpace.feature("string", StringLookup(vocabulary=["red"]), "one_hot"),
        "words": "string_hashed",
    }
    space = FeatureSpace(given)
    expected = np.asarray(space(TABLE))
    assert expected.shape == (70, 2 + 1 + 2 + 32)
    space.adapt(TABLE)
    np.testing.assert_array_equal(space(TABLE), expected)


def test_layers_of_a_program():
    class Centered(cornu.Layer):
        def build(self, input_shape):
            self.middle = self.add_weight(name="middle", initializer="zeros", trainable=False)

        def adapt(self, data):
            self.build((None, 1))
            self.middle.assign(np.concatenate(data).mean())

        def call(self, x):
            return x - self.middle

    space = FeatureSpace({"float": FeatureSpace.feature("float32", Centered(), "float")})
    space.adapt({"float": [1.0, 3.0]})
    assert space({"float": [1.0, 3.0]}).tolist() == [[-1.0], [1.0]]
    colors = Pipeline([StringLookup(vocabulary=["red"]), CategoryEncoding(2, "one_hot")])
    space = FeatureSpace({"strings": FeatureSpace.feature("string", colors, "float")})
    assert space({"strings": ["red"]}).tolist() == [[0.0, 1.0]]


def test_preprocessing_layers_are_accessible():
    space = _everything(cornu)
    assert isinstance(space.preprocessors["normalized"], Normalization)
    assert isinstance(space.preprocessors["bins"], Discretization)
    assert set(space.crossers) == {"integers_X_strings", "words_X_hashed"}
    assert space.crosses[1].feature_names == ("words", "hashed")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"features": {}}, "a non-empty dict"),
        (
            {"features": {"a": "float_normalised"}},
            "(?s)unknown kind .*Did you mean 'float_normalized'",
        ),
        ({"features": {"a": "float"}, "output_mode": "sum"}, "'concat' or 'dict'"),
        (
            {"features": {"ab": "string_hashed"}, "crosses": [("ab", "abc")]},
            "unknown feature 'abc'",
        ),
        ({"features": {"a": "float", "b": "float"}, "crosses": [("a", "b")]}, "only indices"),
        ({"features": {"a": "float"}, "crosses": [("a",)]}, "at least two features"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        FeatureSpace(**arguments)


def test_features_that_cannot_be_encoded():
    feature = FeatureSpace.feature
    wrong = {
        "which cannot be concatenated": FeatureSpace.string_hashed(3, output_mode="int"),
        "returns float32": feature("float32", Normalization(mean=0, variance=1), "one_hot"),
        "an unknown number": feature(
            "string", TextVectorization(vocabulary=["a"], output_sequence_length=2), "one_hot"
        ),
    }
    for message, kind in wrong.items():
        with pytest.raises(ValueError, match=message):
            FeatureSpace({"words": kind})(TABLE)
    with pytest.raises(ValueError, match="output_mode of a feature must be one of"):
        feature("string", StringLookup(), "sum")
    with pytest.raises(TypeError, match="preprocessor of a feature must be a layer"):
        feature("string", len, "int")


def test_tables_that_do_not_fit():
    space = FeatureSpace({"normalized": "float_normalized"})
    with pytest.raises(RuntimeError, match=r"Call adapt\(table\) before"):
        space(TABLE)
    with pytest.raises(ValueError, match="(?s)no column 'normalized'.*'normalised'"):
        space.adapt({"normalised": [1.0]})
    with pytest.raises(TypeError, match="a dict of columns, a data frame, or an iterable"):
        space.adapt(3)
    with pytest.raises(ValueError, match="received no data"):
        space.adapt(iter([]))
    space.adapt(TABLE)
    with pytest.raises(TypeError, match="expects a dict of columns or a data frame"):
        space(np.zeros((2, 1)))
    space = FeatureSpace({"words": "string_hashed"})
    with pytest.raises(TypeError, match="expected strings, received a Tensor of int32"):
        space({"words": cornu.Input((1,), dtype="int32")})


def test_a_discretized_feature_has_the_width_of_its_bins_for_few_samples():
    tf = pytest.importorskip("tensorflow")
    table = {"x": np.arange(10, dtype="float32")}
    shapes = []
    for k in (cornu, keras):
        space = k.utils.FeatureSpace({"x": "float_discretized"}, "concat")
        space.adapt(tf.data.Dataset.from_tensor_slices(table))
        shapes.append(tuple(space({"x": table["x"][:4]}).shape))
    assert shapes == [(4, 32), (4, 32)]
