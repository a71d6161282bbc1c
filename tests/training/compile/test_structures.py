"""Losses, metrics, weights and targets nested like the outputs; names and order of the results."""

import itertools
from typing import NamedTuple

import keras
import numpy as np
import pytest

import cornu
from cornu.core.graph.tensor import Tensor
from cornu.training.compile.outputs import Outputs


class Pair(NamedTuple):
    u: object
    v: object


# Structures of up to three outputs.
STRUCTURES = {
    "one": lambda a, b, c: a,
    "list of one": lambda a, b, c: [a],
    "dict of one": lambda a, b, c: {"k": a},
    "list": lambda a, b, c: [a, b],
    "tuple": lambda a, b, c: (a, b),
    "named tuple": lambda a, b, c: Pair(a, b),
    "dict": lambda a, b, c: {"z": a, "y": b},
    "nested list": lambda a, b, c: [a, [b, c]],
    "list in dict": lambda a, b, c: {"p": a, "q": [b, c]},
    "dict in dict": lambda a, b, c: {"p": a, "q": {"r": b, "s": c}},
    "dict in list": lambda a, b, c: [a, {"r": b, "s": c}],
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3)).astype("float32")
Y = {name: RNG.normal(size=(8, 1)).astype("float32") for name in "abc"}
WEIGHTS = {name: RNG.uniform(0.2, 1, size=8).astype("float32") for name in "abc"}
LOSSES = {"a": "mse", "b": "mae", "c": "mse"}
FACTORS = {"a": 1.0, "b": 0.5, "c": 2.0}
METRICS = {"a": ["mae"], "b": ["mse", "mae"], "c": []}


def build(library, structure, subclassed=False):
    def head(name, value):
        start = library.initializers.Constant(value)
        return library.layers.Dense(1, name=name, kernel_initializer=start)

    if subclassed:

        class Model(library.Model):
            def __init__(self):
                super().__init__()
                self.a, self.b, self.c = head("a", 0.1), head("b", 0.2), head("c", 0.3)

            def call(self, x):
                return STRUCTURES[structure](self.a(x), self.b(x), self.c(x))

        return Model()
    x = library.Input((3,))
    outputs = [head(name, 0.1 + 0.1 * i)(x) for i, name in enumerate("abc")]
    return library.Model(x, STRUCTURES[structure](*outputs))


def nest(structure, values):
    return STRUCTURES[structure](values["a"], values["b"], values["c"])


def flat(structure, values):
    number = len(cornu.tree.flatten(STRUCTURES[structure](1, 2, 3)))
    return [values[name] for name in "abc"[:number]]


def results(library, structure, subclassed, y, weights, **compiled):
    model = build(library, structure, subclassed)
    model.compile("sgd", **compiled, run_eagerly=True)
    logs = model.test_on_batch(X, y, sample_weight=weights, return_dict=True)
    listed = model.test_on_batch(X, y, sample_weight=weights)
    names = [metric.name for metric in model.metrics]
    return list(logs), list(logs.values()), list(np.atleast_1d(listed)), names


FORMS = {
    "nested": {"loss": nest, "metrics": nest},
    "weighted": {"loss": nest, "metrics": nest, "weighted_metrics": nest, "weights": nest},
    "flat": {"loss": flat, "loss_weights": flat, "y": flat, "weights": "array"},
    "one loss": {"loss": "mse", "weighted_metrics": nest, "weights": "array"},
    "weights only": {"loss": nest, "loss_weights": nest, "weighted_metrics": nest},
}
VALUES = {
    "loss": LOSSES,
    "loss_weights": FACTORS,
    "metrics": METRICS,
    "weighted_metrics": METRICS,
    "y": Y,
    "weights": WEIGHTS,
}


def arguments(form, structure):
    given = {"y": nest, **FORMS[form]}
    made = {k: f(structure, VALUES[k]) if callable(f) else f for k, f in given.items()}
    weights = made.pop("weights", None)
    return made.pop("y"), WEIGHTS["a"] if isinstance(weights, str) else weights, made


CASES = list(itertools.product(FORMS, STRUCTURES, (False, True)))


@pytest.mark.parametrize(
    ("form", "structure", "subclassed"),
    [
        pytest.param(*case, marks=() if i % 5 == 0 else pytest.mark.slow)
        for i, case in enumerate(CASES)
    ],
)
def test_arguments_of_compile_mean_what_they_mean_in_keras(form, structure, subclassed):
    y, weights, compiled = arguments(form, structure)
    try:
        theirs = results(keras, structure, subclassed, y, weights, **compiled)
    except (KeyError, TypeError, ValueError):
        theirs = None
    ours = results(cornu, structure, subclassed, y, weights, **compiled)
    assert sorted(ours[1]) == sorted(ours[2])
    # Keras overwrites results with equal names, which subclassed models without names have.
    if theirs is None or len(set(theirs[3])) < len(theirs[3]):
        assert len(set(ours[3])) == len(ours[3])
        return
    assert ours[0] == theirs[0]
    assert ours[3] == theirs[3]
    np.testing.assert_allclose(ours[1], theirs[1], 1e-5)
    if len(theirs[2]) == len(theirs[1]):  # else it lists the metrics with equal names twice
        np.testing.assert_allclose(ours[2], theirs[2], 1e-5)


def outputs(structure, names=None):
    return Outputs(cornu.tree.map(lambda _: Tensor((None, 1), "float32"), structure), names)


@pytest.mark.parametrize(
    ("structure", "value", "expected"),
    [
        ([1, [2, 3]], ["a", ["b", "c"]], {0: "a", 1: "b", 2: "c"}),
        ([1, [2, 3]], ("a", ("b", None)), {0: "a", 1: "b"}),
        ([1, [2, 3]], ["a", "b", "c"], {0: "a", 1: "b", 2: "c"}),
        ([1, [2, 3]], {"z": "c"}, {2: "c"}),
        ({"p": 1, "q": [2, 3]}, {"q": [None, "c"]}, {2: "c"}),
        ({"p": 1, "q": [2, 3]}, {"x": "a", "z": "c"}, {0: "a", 2: "c"}),
        ({"p": 1, "q": {"r": 2, "s": 3}}, {"q": {"s": "c"}}, {2: "c"}),
        ({"p": 1, "q": {"r": 2, "s": 3}}, ["a", ["b", "c"]], {0: "a", 1: "b", 2: "c"}),
    ],
)
def test_entries_are_found_in_every_structure(structure, value, expected):
    given = outputs(structure, ["x", "y", "z"])
    assert given.spread(value, "loss") == [expected.get(i) for i in range(3)]


def test_targets_of_the_outputs_with_a_loss():
    model = build(cornu, "nested list")
    model.compile("sgd", ["mse", [None, "mse"]])
    expected = model.evaluate(X, [Y["a"], [Y["b"], Y["c"]]], verbose=0)
    assert model.evaluate(X, [Y["a"], Y["c"]], verbose=0) == expected
    model.compile("sgd", {"b": "mae"}, metrics={"b": ["mse"]})
    assert len(model.evaluate(X, Y["b"], verbose=0)) == 2


class TwoOutputs(cornu.Model):
    def __init__(self, arrange):
        super().__init__()
        self.arrange = arrange
        self.first, self.second = (cornu.layers.Dense(n, name=f"dense_{n}") for n in (2, 1))

    def call(self, x):
        return self.arrange(self.first(x), self.second(x))


def as_dict(a, b):
    return {"a": a, "b": b}


def as_list(a, b):
    return [a, b]


def two_outputs(arrange, subclassed):
    model = TwoOutputs(arrange)
    if subclassed:
        return model
    inputs = cornu.Input((3,))
    return cornu.Model(inputs, model.call(inputs))


@pytest.mark.parametrize("subclassed", [False, True])
@pytest.mark.parametrize(
    ("arrange", "loss"),
    [(as_dict, {"a": "mse"}), (as_list, ["mse", None]), (as_dict, ["mse", None])],
)
def test_targets_may_be_only_those_of_outputs_with_a_loss(arrange, loss, subclassed):
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    model = two_outputs(arrange, subclassed)
    for targets in (y, [y], (y,), *([{"a": y}] if arrange is as_dict else [])):
        model.compile("sgd", loss)
        expected = np.mean(np.asarray(model.first(x) if subclassed else model.layers[1](x)) ** 2)
        assert np.isclose(model.evaluate(x, targets, verbose=0), expected)
    for wrong in ({"b": y[:, :1]}, {"other": y}, [y, y, y]):
        model.compile("sgd", loss)
        with pytest.raises(ValueError, match="no target|no output|has 2 outputs"):
            model.evaluate(x, wrong, verbose=0)


def test_one_loss_of_several_outputs():
    class Both(cornu.losses.Loss):
        def call(self, y_true, y_pred):
            (t, u), (p, q) = y_true, y_pred
            return cornu.ops.mean((t - p) * (u - q), axis=-1)

    model = build(cornu, "list in dict")
    model.compile("sgd", {"p": "mse", "q": Both()})
    y = nest("list in dict", Y)
    logs = model.fit(X, y, batch_size=8, verbose=0).history
    assert list(logs) == ["loss", "p_loss", "q_loss"]
    predictions = model.predict(X)
    assert [p.shape for p in predictions["q"]] == [(8, 1), (8, 1)]
    loss = model.evaluate(X, y, verbose=0, return_dict=True)["q_loss"]
    (t, u), (p, q) = y["q"], predictions["q"]
    np.testing.assert_allclose(loss, np.mean((t - p) * (u - q)), 1e-5)
    with pytest.raises(ValueError, match=r"Output .* no target"):
        model.fit(X, {"p": Y["a"], "q": [Y["b"], None]}, verbose=0)


def test_several_losses_of_one_output_add_up():
    model = build(cornu, "list")
    model.compile("sgd", {"a": ["mse"], "b": ["mse", "mae"]})
    logs = model.evaluate(X, [Y["a"], Y["b"]], verbose=0, return_dict=True)
    assert list(logs) == ["a_loss", "b_loss", "b_loss_1", "loss"]
    np.testing.assert_allclose(
        logs["loss"], logs["a_loss"] + logs["b_loss"] + logs["b_loss_1"], 1e-6
    )


@pytest.mark.parametrize("library", [cornu, keras])
def test_metrics_are_not_renamed_and_results_are_distinct(library):
    metric = library.metrics.MeanAbsoluteError(name="m")
    model = build(library, "list")
    lists = [["mae", metric], ["mse", "mse"]]
    model.compile("sgd", ["mse", "mse"], metrics=lists, weighted_metrics=[["mae"], ["mse"]])
    logs = model.evaluate(X, [Y["a"], Y["b"]], verbose=0, return_dict=True)
    parts = ["a_loss", "a_m", "a_mae", "a_weighted_mae", "b_loss", "b_mse", "b_mse_1"]
    assert list(logs) == [*parts, "b_weighted_mse", "loss"]
    assert metric.name == "m"


@pytest.mark.parametrize(("given", "name"), [("Accuracy", "Accuracy"), ("acc", "acc")])
def test_accuracy_follows_the_shapes_in_any_case(given, name):
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[given])
    logs = model.evaluate(X, np.zeros(8, "int32"), verbose=0, return_dict=True)
    expected = np.mean(np.argmax(model.predict(X), axis=-1) == 0)
    np.testing.assert_allclose(logs[name], expected)


def test_functions_have_the_names_that_keras_gives_them():
    def MyMetric(y, p):
        return abs(y - p)

    model = build(cornu, "one")
    model.compile("sgd", "mse", metrics=[MyMetric, lambda y, p: y - p])
    logs = model.evaluate(X, Y["a"], verbose=0, return_dict=True)
    assert list(logs) == ["lambda", "loss", "my_metric"]


def test_compile_metrics_is_a_metric_of_a_custom_step():
    class Model(cornu.Model):
        def train_step(self, data):
            x, y = data

            def loss_of():
                return self.compute_loss(x, y, self(x, training=True))

            loss, grads = cornu.value_and_grad(loss_of, self.trainable_variables)()
            self.optimizer.apply(grads, self.trainable_variables)
            y_pred = self(x, training=True)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    x = cornu.Input((3,))
    model = Model(x, cornu.layers.Dense(1)(x))
    model.compile("sgd", "mse", metrics=["mae", cornu.metrics.MeanSquaredError(name="squares")])
    assert [metric.name for metric in model.metrics] == ["loss", "compile_metrics"]
    logs = model.fit(X, Y["a"], batch_size=4, epochs=2, verbose=0).history
    assert list(logs) == ["mae", "squares", "loss"]
    assert logs["squares"][1] < logs["squares"][0]
    assert list(model.metrics[-1].result()) == ["mae", "squares"]


def test_metrics_that_the_model_owns_count_once():
    class Model(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = cornu.layers.Dense(1)
            self.errors = cornu.metrics.MeanAbsoluteError(name="errors")

        def call(self, x):
            return self.dense(x)

    model = Model()
    model.compile("sgd", "mse", metrics=[model.errors])
    logs = model.fit(X, Y["a"], batch_size=4, verbose=0).history
    assert list(logs) == ["errors", "loss"]
    expected = np.mean(np.abs(Y["a"] - model.predict(X)))
    np.testing.assert_allclose(model.evaluate(X, Y["a"], verbose=0)[1], expected, 1e-5)


def test_losses_and_metrics_of_a_compiled_sub_model_are_its_own():
    inner = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1)])
    inner.compile("sgd", "mae", metrics=["mae"])
    inner.evaluate(X, Y["a"], verbose=0)
    model = cornu.Sequential([cornu.Input((3,)), inner])
    model.compile("sgd", "mse")
    assert list(model.fit(X, Y["a"], verbose=0).history) == ["loss"]
    assert [metric.name for metric in model.metrics] == ["loss"]


@pytest.mark.parametrize(("units", "shape"), [(1, (8, 1)), (3, (8,)), (3, (8, 1)), (3, (8, 3))])
def test_crossentropy_follows_the_shapes(units, shape):
    labels = np.random.default_rng(0).integers(0, min(units, 2) + 1, 8)
    y = np.eye(3, dtype="float32")[labels] if shape == (8, 3) else labels.reshape(shape)
    ends = []
    for library in (cornu, keras):
        start = library.initializers.Constant(0.1)
        activation = "sigmoid" if units == 1 else "softmax"
        dense = library.layers.Dense(units, activation, kernel_initializer=start)
        model = library.Sequential([library.Input((3,)), dense])
        model.compile("sgd", "crossentropy", metrics=["accuracy"], run_eagerly=True)
        ends.append(model.test_on_batch(X, y))
    np.testing.assert_allclose(ends[0], ends[1], 1e-5)
