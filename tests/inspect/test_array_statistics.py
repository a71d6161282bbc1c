"""statistics: how the numbers inside a model are distributed."""

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.inspect import Statistics, statistics
from cornu.layers import Dense
from cornu.training.step.program import counters

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype("float32")
Y = RNG.normal(size=(6, 1)).astype("float32")


def unit(x):
    return layers.ReLU()(Dense(5)(x))


def functional_model():
    i = Input((4,))
    part = Model(i, unit(i), name="part")
    x = Input((4,))
    model = Model(x, Dense(1, name="top")(layers.BatchNormalization(name="norm")(part(x))))
    model.compile("sgd", "mse")
    return model


class Net(Model):
    def __init__(self):
        super().__init__(name="net")
        self.first, self.last = Dense(4, name="first"), Dense(1, name="last")

    def call(self, x):
        return self.last(self.first(self.first(x)))


def close(row, array):
    array = np.asarray(array)
    measures = [array.mean(), array.std(), array.min(), array.max(), (array == 0).mean()]
    return np.allclose([row.mean, row.std, row.min, row.max, row.zeros], measures, atol=1e-5)


def test_outputs_and_weights_by_path():
    model = functional_model()
    table = statistics(model, X)
    assert isinstance(table, Statistics) and len(table) == len(list(table))
    outputs, weights = table.of("output"), table.of("weight")
    assert list(outputs) == ["part", "part/unit/dense", "part/unit/re_lu", "norm", "top"]
    assert close(outputs["part/unit/re_lu"], model.outputs_of("re_lu")(X))
    assert outputs["part/unit/re_lu"].shape == (6, 5)
    assert close(outputs["top"], model(X))
    assert list(weights) == [
        *["part/unit/dense/kernel", "part/unit/dense/bias", "norm/gamma", "norm/beta"],
        *["norm/moving_mean", "norm/moving_variance", "top/kernel", "top/bias"],
    ]
    assert close(weights["top/kernel"], model.get_layer("top").kernel.numpy())
    assert table.of("output gradient") == {} and table[0] is table.rows[0]
    with pytest.raises(ValueError, match="must be one of output"):
        table.of("outputs")


def test_gradients_by_weights_and_outputs():
    model = functional_model()
    table = model.statistics(X, Y)
    features = model.outputs_of("norm")
    rest = Model(features.output, model.output)
    values = features(X)

    def loss():
        return jnp.mean((model(X, training=False) - Y) ** 2)

    _, gradients = cornu.value_and_grad(loss, model.trainable_variables)()
    found = table.of("weight gradient")
    assert len(found) == len(gradients) == 6
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        row = next(row for path, row in found.items() if path.endswith("/".join(
            variable.path.split("/")[-2:]
        )))  # fmt: skip
        assert close(row, gradient)
    by_output = table.of("output gradient")
    slope = 2 * (rest(values) - Y) / 6
    assert close(by_output["top"], slope)
    assert close(by_output["norm"], slope @ model.get_layer("top").kernel.numpy().T)


def test_nothing_of_the_model_changes():
    model = functional_model()
    before = [w.numpy() for w in model.weights]
    model.statistics(X, Y, training=True)
    assert all(np.array_equal(a, w.numpy()) for a, w in zip(before, model.weights, strict=True))


def test_training_and_prediction_differ():
    model = functional_model()
    normed = model.statistics(X, Y, training=True, what="norm").of("output")["norm"]
    assert abs(normed.mean) < 1e-5
    assert abs(model.statistics(X, Y, what="norm").of("output")["norm"].mean) > 1e-3


def test_subclassed_models_and_several_calls():
    net = Net()
    net.compile("sgd", "mse")
    table = net.statistics(X, Y)
    assert list(table.of("output")) == ["first", "first@1", "last"]
    assert list(table.of("output gradient")) == ["first", "first@1", "last"]
    once = net.first(X)
    assert close(table.of("output")["first@1"], net.first(once))
    assert list(table.of("weight gradient")) == [
        "first/kernel", "first/bias", "last/kernel", "last/bias",
    ]  # fmt: skip


def test_only_some_layers():
    model = functional_model()
    assert {row.path for row in model.statistics(X, what="**/re_lu")} == {"part/unit/re_lu"}
    with pytest.raises(ValueError, match="has no layer 'tip'"):
        model.statistics(X, what="tip")


def test_non_finite_values_are_counted_and_excluded():
    model = cornu.Sequential([Input((2,)), layers.Lambda(lambda x: 1 / x, name="inverse")])
    row = model.statistics(np.array([[1.0, 0.0], [2.0, 4.0]])).of("output")["inverse"]
    assert row.nonfinite == 0.25 and (row.min, row.max) == (0.25, 1.0)
    assert np.isclose(row.mean, np.mean([1, 0.5, 0.25])) and row.counts.sum() == 3
    none = model.statistics(np.zeros((2, 2))).of("output")["inverse"]
    assert np.isnan(none.mean) and none.nonfinite == 1 and none.counts.sum() == 0
    assert "100%" in str(model.statistics(np.zeros((2, 2))))


def test_histograms_and_percentiles():
    model = cornu.Sequential([Input((1,)), layers.Identity(name="same")])
    values = RNG.normal(size=(500, 1)).astype("float32")
    row = model.statistics(values).of("output")["same"]
    counts, edges = np.histogram(values, len(row.counts))
    assert np.allclose(row.edges, edges, atol=1e-6) and np.abs(counts - row.counts).sum() <= 4
    for q in (1, 25, 50, 90):
        assert abs(row.percentile(q) - np.percentile(values, q)) < edges[1] - edges[0]
    assert len(row.bars) == 12 and "█" in row.bars
    constant = model.statistics(np.full((4, 1), 3.0)).of("output")["same"]
    assert constant.counts[0] == 4 and constant.std == 0 and constant.percentile(50) == 3


def test_several_outputs_integers_and_recurrent_layers():
    x = Input((3,), dtype="int32", name="ids")
    h = layers.Embedding(5, 2, name="embed")(x)
    sequence, state = layers.SimpleRNN(2, return_sequences=True, return_state=True, name="rnn")(h)
    model = Model(x, [sequence, state])
    table = model.statistics(np.array([[1, 2, 3]]))
    assert list(table.of("output")) == ["embed", "rnn[0]", "rnn[1]"]


def test_the_function_is_compiled_once():
    model = functional_model()
    model.statistics(X, Y)
    keys = model.trainer.programs.step_keys
    traces = counters["traces"]
    model.statistics(X, Y)
    assert model.trainer.programs.step_keys == keys and counters["traces"] == traces
    assert sum(isinstance(key, tuple) and key[0] == "statistics" for key in keys) == 1


def test_the_table_as_text_and_as_html():
    table = functional_model().statistics(X, Y)
    text = str(table)
    for word in (
        "in prediction",
        "part/unit/dense",
        "kernel gradient",
        "output gradient",
        "NaN/Inf",
    ):
        assert word in text
    assert sum(line.count("│") > 4 for line in text.splitlines()) == len(table) + 5
    page = table._repr_html_()
    assert "part/unit/dense" in page and "kernel gradient" in page and repr(table) == text


def test_targets_need_a_loss():
    model = Model(x := Input((4,)), Dense(1)(x))
    with pytest.raises(RuntimeError, match="must be compiled before statistics"):
        model.statistics(X, Y)
    with pytest.raises(ValueError, match="expects the shape"):
        functional_model().statistics(X[:, :2])
