"""Models with inputs of strings: the first part runs on the host, the rest is compiled."""

import os
import sys

import numpy as np
import pytest

import cornu
from cornu import inspect, layers, ops
from cornu.data.strings import arrays_with_strings
from cornu.models.string_inputs import split_graph

TEXTS = ["the cat sat", "a dog barks loudly", "the dog sat", "cat"] * 8
LABELS = np.array([0, 1, 1, 0] * 8, "float32")
TABLE = {"city": ["Rome", "Oslo", "Rome", "Paris"] * 8, "age": np.linspace(18, 80, 32)}


def vectorizer(**kwargs):
    layer = layers.TextVectorization(**kwargs)
    layer.adapt(TEXTS)
    return layer


def text_model(cls=cornu.Model, shape=(), **kwargs):
    cornu.utils.set_random_seed(3)
    text = cornu.Input(shape, dtype="string", name="text")
    x = vectorizer(**kwargs)(text)
    x = layers.Embedding(20, 4, mask_zero=True, name="embedding")(x)
    model = cls(text, layers.Dense(1, activation="sigmoid")(layers.GRU(4)(x)))
    model.compile("adam", "binary_crossentropy")
    return model


def two_steps(model, inputs):
    """Returns the compiled part of a model as a model of its own, and the vectorized texts."""
    part = cornu.Model(model.get_layer("embedding").input, model.output)
    part.compile("adam", "binary_crossentropy")
    return part, np.asarray(model.layers[1](inputs))


def fit(model, data, loss="binary_crossentropy", **kwargs):
    cornu.utils.set_random_seed(5)
    model.compile("adam", loss)
    return model.fit(data, LABELS, epochs=2, batch_size=8, verbose=0, **kwargs).history


def predictions(model, data):
    return model.predict(data, verbose=0)


def test_training_equals_vectorizing_first_bit_by_bit(tmp_path):
    model, other = text_model(), text_model()
    part, numbers = two_steps(other, TEXTS)
    histories = [fit(m, x, validation_split=0.25) for m, x in ((model, TEXTS), (part, numbers))]
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(predictions(model, TEXTS), predictions(part, numbers))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predictions(loaded, TEXTS), predictions(model, TEXTS))
    config = model.get_config()
    assert config["layers"][0]["config"]["dtype"] == "string"
    assert cornu.Model.from_config(config)(TEXTS[:2]).shape == (2, 1)
    clone = cornu.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(predictions(clone, TEXTS), predictions(model, TEXTS))


def test_every_method_takes_strings():
    model = text_model()
    expected = predictions(model, TEXTS)
    np.testing.assert_allclose(model(TEXTS), expected, rtol=1e-6)
    np.testing.assert_allclose(model(np.array(TEXTS)[:, None]), expected, rtol=1e-6)
    np.testing.assert_allclose(model({"text": TEXTS}), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(TEXTS), expected, rtol=1e-6)
    model.run_eagerly = True
    np.testing.assert_allclose(model(TEXTS), expected, rtol=1e-5)
    model.run_eagerly = False
    loss = model.evaluate(TEXTS, LABELS, verbose=0)
    assert loss == pytest.approx(float(model.test_on_batch(TEXTS, LABELS)))
    assert loss == pytest.approx(float(model.train_on_batch(TEXTS, LABELS)))
    assert "TextVectorization" in str(
        model.summary(print_fn=lambda line: None) or "TextVectorization"
    )
    assert "text_vectorization" in str(cornu.utils.model_to_dot(model))


def test_a_model_may_be_cut_before_and_behind_the_boundary():
    model = text_model()
    ids = cornu.Model(model.input, model.layers[1].output)
    np.testing.assert_array_equal(predictions(ids, TEXTS), model.layers[1](TEXTS))
    vectors = cornu.Model(model.input, model.get_layer("embedding").output)
    rest = cornu.Model(model.get_layer("embedding").input, model.output)
    assert vectors(TEXTS[:2]).shape == (2, 4, 4)
    np.testing.assert_array_equal(
        predictions(rest, predictions(ids, TEXTS)), predictions(model, TEXTS)
    )


def test_sequential_models(tmp_path):
    stack = [layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    declared = cornu.Sequential([cornu.Input((1,), dtype="string"), vectorizer(), *stack])
    expected = np.asarray(declared(TEXTS))
    built_by_data = cornu.Sequential([vectorizer(), *stack])
    np.testing.assert_array_equal(built_by_data(TEXTS), expected)
    trained = cornu.Sequential([vectorizer(), *stack])
    trained.compile("sgd", "mse")
    trained.fit(TEXTS, LABELS, verbose=0)
    trained.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predictions(loaded, TEXTS), predictions(trained, TEXTS))
    inside = cornu.Input((), dtype="string")
    outer = cornu.Model(inside, cornu.Sequential([vectorizer(), *stack])(inside))
    np.testing.assert_allclose(outer(TEXTS), trained(TEXTS), rtol=1e-6)


class Classifier(cornu.Model):
    def __init__(self, vocabulary=None):
        super().__init__()
        self.vectorize = layers.TextVectorization(vocabulary=vocabulary)
        self.embed = layers.Embedding(20, 4, mask_zero=True)
        self.dropout = layers.Dropout(0.5)
        self.recurrent, self.head = layers.GRU(3), layers.Dense(1)

    def call(self, inputs, training=None):
        x = self.dropout(self.embed(self.vectorize(inputs["text"])))
        x = self.recurrent(x) + (1.0 if training else 0.0)
        return self.head(x) * ops.cast(inputs["factor"], "float32")


def test_models_that_define_call(tmp_path):
    model = Classifier(vectorizer().get_vocabulary())
    data = {"text": TEXTS, "factor": np.ones((32, 1))}
    first = model(data)
    np.testing.assert_array_equal(model.predict(data, verbose=0), first)
    assert (np.asarray(model(data, training=True)) != np.asarray(first)).any()
    before = model.get_weights()
    fit(model, data, loss="mse")
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    model.save_weights(tmp_path / "model.weights.h5")
    other = Classifier(vectorizer().get_vocabulary())
    other(data)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(predictions(other, data), predictions(model, data))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(
        tmp_path / "model.keras", custom_objects={"Classifier": Classifier}
    )
    np.testing.assert_array_equal(predictions(loaded, data), predictions(model, data))
    inputs = {"text": cornu.Input((), dtype="string"), "factor": cornu.Input((1,))}
    outer = cornu.Model(inputs, model(inputs))
    np.testing.assert_allclose(predictions(outer, data), predictions(model, data), rtol=1e-5)


def test_nested_models_and_a_shared_vectorizer(tmp_path):
    shared = vectorizer()
    text = cornu.Input((), dtype="string", name="text")
    x = layers.Embedding(20, 4, mask_zero=True, name="words")(shared(text))
    encoder = cornu.Model(text, x, name="encoder")
    a, b = (cornu.Input((1,), dtype="string", name=name) for name in "ab")
    c, n = cornu.Input((), dtype="string", name="c"), cornu.Input((2,), name="n")
    # The masks of the nested model pass through the boundary.
    parts = [layers.GRU(3)(encoder(a)), layers.GRU(3)(encoder(b)), layers.Dense(3)(n)]
    parts.append(layers.GRU(3)(layers.Embedding(20, 4, mask_zero=True)(shared(c))))
    model = cornu.Model(
        {"a": a, "b": b, "c": c, "n": n}, layers.Dense(1)(layers.concatenate(parts))
    )
    model.compile("sgd", "mse")
    data = {"a": TEXTS, "b": TEXTS[::-1], "c": TEXTS, "n": np.ones((32, 2))}
    weights = [np.array(w) for w in model.get_weights()]
    model.fit(data, LABELS, verbose=0)
    changes = zip(model.get_weights(), weights, strict=True)
    assert all((np.asarray(new) != old).any() for new, old in changes)
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    expected = predictions(model, data)
    np.testing.assert_array_equal(predictions(loaded, data), expected)
    np.testing.assert_allclose(predictions(model.flatten(), data), expected, rtol=1e-5)
    longer = {name: [*values, "a b c d e f g"] for name, values in data.items() if name != "n"}
    longer["n"] = np.ones((33, 2))
    # Padding to a longer text does not change the result, because it is masked.
    np.testing.assert_allclose(predictions(model, longer)[:32], expected, rtol=1e-5)


def test_all_layers_of_strings_and_host_layers_before_them():
    word, number = cornu.Input((1,), dtype="string"), cornu.Input((1,))
    bins = layers.Discretization(bin_boundaries=[20.0, 40.0])(number)
    features = [
        layers.CategoryEncoding(4, "one_hot")(
            layers.StringLookup(vocabulary=["Rome", "Oslo"])(word)
        ),
        layers.Hashing(5, output_mode="one_hot")(word),
        layers.HashedCrossing(6, output_mode="one_hot")([word, bins]),
        layers.Pipeline([layers.StringLookup(vocabulary=["Rome"]), layers.CategoryEncoding(3)])(
            word
        ),
    ]
    model = cornu.Model([word, number], features)
    cities, ages = np.array(TABLE["city"]), TABLE["age"].astype("float32")[:, None]
    found = predictions(model, [cities, ages])
    column, ids = cities[:, None], layers.Discretization(bin_boundaries=[20.0, 40.0])(ages)
    expected = [
        layers.CategoryEncoding(4, "one_hot")(
            layers.StringLookup(vocabulary=["Rome", "Oslo"])(column)
        ),
        layers.Hashing(5, output_mode="one_hot")(column),
        layers.HashedCrossing(6, output_mode="one_hot")([column, np.asarray(ids)]),
    ]
    for one, other in zip(found, expected, strict=False):
        np.testing.assert_array_equal(one, other)
    assert found[3].shape == (32, 3)


def test_feature_space(tmp_path):
    features = cornu.utils.FeatureSpace(
        {"city": "string_categorical", "age": "float_normalized", "zip": "string_hashed"},
        crosses=[("city", "zip")],
    )
    table = {**TABLE, "zip": [str(i % 7) for i in range(32)]}
    features.adapt(table)
    cornu.utils.set_random_seed(1)
    outputs = layers.Dense(1)(features.get_encoded_features())
    model = cornu.Model(features.get_inputs(), outputs)
    ids = cornu.Model(features.get_inputs(), list(model_inputs(model)))
    part = cornu.Model(ids.outputs, outputs)
    start, histories = model.get_weights(), []
    for one, data in ((model, table), (part, predictions(ids, table))):
        outputs.node.op.set_weights(start[-2:])
        histories.append(fit(one, data, loss="mse"))
    assert histories[0] == histories[1]
    found = predictions(model, table)
    np.testing.assert_array_equal(found, predictions(part, predictions(ids, table)))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(predictions(loaded, table), found)
    # A call of the FeatureSpace itself runs on the host, also for its numbers.
    inputs = {name: cornu.Input((1,), dtype="string") for name in ("city", "zip")}
    inputs["age"] = cornu.Input((1,))
    whole = cornu.Model(inputs, features(inputs))
    np.testing.assert_allclose(predictions(whole, table), features(table), rtol=1e-6)


def model_inputs(model):
    """Returns the Tensors between the host part of a model and the compiled part."""
    host = model.functional_graph.device_graph
    return host.input_tensors


def test_large_results_are_computed_for_each_batch(monkeypatch):
    eager = text_model(output_sequence_length=4)
    history = fit(eager, TEXTS)
    monkeypatch.setattr(split_graph, "_KEPT_BYTES", 0)
    lazy = text_model(output_sequence_length=4)
    found = fit(lazy, TEXTS)
    np.testing.assert_allclose(found["loss"], history["loss"], rtol=1e-6)
    monkeypatch.setattr(split_graph, "_KEPT_BYTES", 2**30)
    monkeypatch.setattr(split_graph, "_ROWS", 5)
    in_parts = text_model(output_sequence_length=4)
    assert fit(in_parts, TEXTS) == history


def test_a_custom_step_passes_its_inputs_to_the_model():
    class Custom(cornu.Model):
        def train_step(self, data):
            x, y = data
            assert [array.shape for array in x.values()] == [(8, 4)]
            return super().train_step(data)

    model, plain = text_model(Custom), text_model()
    assert fit(model, TEXTS) == fit(plain, TEXTS)


def test_layers_may_be_adapted_after_the_model_was_built():
    layer = layers.TextVectorization()
    text = cornu.Input((), dtype="string")
    model = cornu.Model(text, layers.Embedding(20, 2)(layer(text)))
    with pytest.raises(RuntimeError, match=r"no vocabulary yet.\nCall adapt\(data\) first"):
        model.predict(TEXTS, verbose=0)
    layer.adapt(TEXTS)
    assert model.predict(TEXTS, verbose=0).shape == (32, 4, 2)


TEXT = cornu.Input((), dtype="string", name="text")
WRONG_CALLS = {
    "op": lambda: ops.add(TEXT, 1),
    "operator": lambda: TEXT + 1,
    "numpy function": lambda: np.maximum(TEXT, 1),
    "dense": lambda: layers.Dense(2)(TEXT),
    "layer with a spec of its own": lambda: layers.IntegerLookup()(TEXT),
    "normalization": lambda: layers.Normalization()(TEXT),
    "lambda": lambda: layers.Lambda(lambda x: x)(TEXT),
    "concatenate": lambda: layers.concatenate([TEXT, cornu.Input((), dtype="string")]),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_what_takes_numbers_refuses_strings_at_the_users_line(case):
    with pytest.raises(TypeError, match="expected numbers, received a Tensor of strings") as caught:
        WRONG_CALLS[case]()
    assert "test_string_inputs.py:" in str(caught.value)
    assert "TextVectorization, StringLookup or Hashing" in str(caught.value)


def test_what_takes_strings_refuses_numbers():
    for layer in (layers.TextVectorization(), layers.StringLookup(vocabulary=["a"])):
        with pytest.raises(TypeError, match=r"expected strings, received a Tensor of float32.\n.*"):
            layer(cornu.Input((1,)))
    with pytest.raises(TypeError, match=r"Apply it to the predictions"):
        layers.StringLookup(vocabulary=["a"], invert=True)(cornu.Input((1,), dtype="int32"))
    space = cornu.utils.FeatureSpace({"a": "string_hashed", "b": "float"})
    with pytest.raises(TypeError, match="column 'a' must consist of string, received a Tensor of"):
        space({"a": cornu.Input((1,)), "b": cornu.Input((1,), dtype="string")})
    with pytest.raises(TypeError, match="'text' consists of strings, which the compiled part"):
        cornu.Model(TEXT, TEXT)


def test_weights_before_strings_are_refused():
    number = cornu.Input((1,))
    trained = ops.cast(layers.Dense(1)(number), "int32")
    crossed = layers.HashedCrossing(4)([cornu.Input((1,), dtype="string"), trained])
    with pytest.raises(TypeError, match="the weights of 'dense.*cannot be trained"):
        cornu.Model([crossed.node.inputs[0], number], crossed)


def wrong_data():
    number = cornu.Input((2,), name="number")
    text = cornu.Input((1,), dtype="string", name="text")
    x = layers.Flatten()(layers.Embedding(20, 2)(vectorizer(output_sequence_length=3)(text)))
    model = cornu.Model(
        {"text": text, "number": number}, layers.Dense(1)(layers.concatenate([x, number]))
    )
    model.compile("sgd", "mse")
    return model, {"text": TEXTS, "number": np.ones((32, 2))}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": np.ones(32)}, "input 'text' expects strings; received float32"),
        ({"number": np.array([TEXTS, TEXTS]).T}, "input 'number' expects numbers"),
        ({"text": [*TEXTS[:-1], None]}, r"(?s)expects strings. Received an element None.*by ''"),
        ({"text": np.array([TEXTS, TEXTS]).T}, r"input 'text' expects the shape \(None, 1\)"),
        ({"text": TEXTS[:-1]}, "different numbers of rows"),
        ({"number": np.full((32, 2), np.nan)}, "'number' contains NaN"),
        ({"text": None}, "input 'text' is None"),
    ],
)
def test_wrong_data_is_refused(change, message):
    model, data = wrong_data()
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit({**data, **change}, LABELS, verbose=0)


def test_results_of_the_host_part_are_checked():
    text = cornu.Input((), dtype="string")
    model = cornu.Model(text, layers.Embedding(3, 2, name="small")(vectorizer()(text)))
    model.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match="'text_vectorization.*which feeds layer 'small'.*between 0 and 2"
    ):
        model.fit(TEXTS, np.zeros((32, 4, 2)), verbose=0)


class Subclass(cornu.Model):
    def __init__(self):
        super().__init__()
        self.parts = [vectorizer(output_sequence_length=4), *numeric_layers()]

    def call(self, x):
        for layer in self.parts:
            x = layer(x)
        return x


def numeric_layers():
    return [layers.Embedding(20, 3, name="embedding"), layers.Flatten(), layers.Dense(1)]


def sequential():
    text = cornu.Input((), dtype="string")
    return cornu.Sequential([text, vectorizer(output_sequence_length=4), *numeric_layers()])


def functional():
    model = sequential()
    return cornu.Model(model.inputs, model.outputs)


def nested():
    text = cornu.Input((), dtype="string")
    return cornu.Model(text, sequential()(text))


def subclass():
    model = Subclass()
    model(TEXTS)
    return model


# What each tool finds, where the layers of numbers are concerned.
TOOLS = {
    "cost": lambda model, x, y: inspect.cost(model).total.flops,
    "statistics": lambda model, x, y: sorted(
        row.shape for row in inspect.statistics(model, x) if row.kind == "weight"
    ),
    "statistics of gradients": lambda model, x, y: sum(
        row.kind == "weight gradient" for row in inspect.statistics(model, x, y)
    ),
    "profile": lambda model, x, y: inspect.profile(model, x, repeats=1).whole.flops,
    "outputs_of": lambda model, x, y: [
        array.shape for array in model.outputs_of("**embedding")(x).values()
    ],
    "outputs_of, predict": lambda model, x, y: [
        array.shape for array in model.outputs_of("**embedding").predict(x, verbose=0).values()
    ],
}


@pytest.mark.parametrize("make", [sequential, functional, nested, subclass])
def test_tools_see_the_layers_of_numbers_as_in_the_two_step_form(make):
    numbers = cornu.Sequential([cornu.Input((4,)), *numeric_layers()])
    model = make()
    labels = LABELS[:, None]
    codes = np.asarray(vectorizer(output_sequence_length=4)(TEXTS))
    for one in (numbers, model):
        one.compile("sgd", "mse")
    for name, tool in TOOLS.items():
        assert tool(model, np.array(TEXTS), labels) == tool(numbers, codes, labels), name


def test_models_without_strings_run_nothing_of_it():
    x = cornu.Input((3,))
    model = cornu.Model(x, layers.Dense(1)(x))
    model.compile("sgd", "mse")
    data = np.ones((64, 3), "float32"), np.ones((64, 1), "float32")
    model.fit(*data, batch_size=8, verbose=0)
    files = (os.path.dirname(split_graph.__file__), arrays_with_strings.__code__.co_filename)
    called = []

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(files):
            called.append(frame.f_code.co_qualname)

    sys.setprofile(note)
    try:
        model.fit(*data, batch_size=8, verbose=0)
        model.predict(data[0], verbose=0)
        model(data[0])
        model.fit(iter([data] * 3), verbose=0)
    finally:
        sys.setprofile(None)
    # Once for each call of `fit` and `predict`, whatever the number of steps.
    assert called == []
