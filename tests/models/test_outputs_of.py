"""outputs_of: what layers inside a model return."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu import Input, Model, layers, ops
from cornu.layers import Dense

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def unit(x):
    return layers.ReLU()(Dense(4)(x))


def nested():
    x = Input((4,))
    inner = Model(x, unit(unit(x)), name="inner")
    y = Input((4,))
    outer = Model(y, Dense(4, name="last")(inner(y)), name="outer")
    z = Input((4,), name="z")
    return Model(z, Dense(2, name="top")(outer(outer(z) + 1)))


class Net(Model):
    def __init__(self):
        super().__init__(name="net")
        self.first = Dense(4, name="first")
        self.shared = Dense(4, name="shared")
        self.never = Dense(4, name="never")
        self.body = nested()

    def call(self, x, training=None):
        x = self.shared(self.shared(self.first(x)))
        return self.body(x, training=training)


def test_sequential():
    model = cornu.Sequential([Input((4,)), Dense(3, name="a"), layers.ReLU(name="b"), Dense(1)])
    assert np.array_equal(model.outputs_of("b")(X), model[:2](X))
    assert list(model.outputs_of(["b", "a"])(X)) == ["a", "b"]
    assert np.array_equal(model.outputs_of(model[0])(X), model[:1](X))


def test_inputs_ops_and_blocks():
    x = Input((4,), name="x")
    h = unit(x) * 2
    model = Model(x, Dense(1)(h))
    assert np.array_equal(model.outputs_of("x")(X), X)
    assert np.array_equal(model.outputs_of("multiply")(X), Model(x, h)(X))
    assert np.array_equal(model.outputs_of("unit")(X), model.outputs_of("unit/re_lu")(X))


def test_a_block_returns_all_values_used_outside():
    def both(x):
        a = Dense(3, name="a")(x)
        return layers.ReLU(name="b")(a), a

    x = Input((4,))
    b, a = both(x)
    model = Model(x, layers.Add()([a, b]))
    found = model.outputs_of("both")(X)
    assert [np.array_equal(f, Model(x, t)(X)) for f, t in zip(found, (a, b), strict=True)] == [
        True, True,
    ]  # fmt: skip


def test_inside_of_nested_models_by_path_by_name_and_for_every_call():
    model = nested()
    outer = model.get_layer("outer")
    inner = outer.get_layer("inner")
    found = model.outputs_of("outer/inner/unit_1/re_lu_1")(X)
    assert list(found) == ["outer/inner/unit_1/re_lu_1", "outer/inner/unit_1/re_lu_1@1"]
    again = outer(X) + 1
    assert np.allclose(found["outer/inner/unit_1/re_lu_1"], inner(X), atol=1e-6)
    assert np.allclose(found["outer/inner/unit_1/re_lu_1@1"], inner(again), atol=1e-6)
    assert list(model.outputs_of("last")(X)) == ["outer/last", "outer/last@1"]
    assert list(model.outputs_of("outer")(X)) == ["outer", "outer@1"]
    assert list(model.outputs_of("inner/unit")(X)) == ["outer/inner/unit", "outer/inner/unit@1"]


def test_looking_leaves_no_trace_in_the_layers():
    model = nested()
    top = model.get_layer("top")
    before = top.output
    model.outputs_of("outer/inner/unit/dense")
    assert top.output is before


def test_a_feature_model_can_be_extended():
    x = Input((4,))
    model = Model(x, Dense(1)(unit(x)))
    features = model.outputs_of("re_lu")
    new = Model(features.input, Dense(2)(features.output))
    assert new(X).shape == (3, 2) and new.layers[1] is model.layers[1]


def test_subclassed_models_are_recorded():
    net = Net()
    whole = net(X)
    first = net.outputs_of("first")
    assert np.allclose(first(X), net.first(X), atol=1e-6)
    assert np.allclose(first.predict(X), net.first(X), atol=1e-6)
    found = net.outputs_of(["shared", "top", "inner/unit/dense"])(X)
    body = net.body.name
    inner = f"{body}/outer/inner/unit/dense"
    assert list(found) == ["shared", "shared@1", inner, f"{inner}@1", f"{body}/top"]
    assert np.allclose(found["shared@1"], net.shared(found["shared"]), atol=1e-6)
    assert np.allclose(found[f"{body}/top"], whole, atol=1e-6)


def test_a_subclassed_model_need_not_be_built():
    assert Net().outputs_of("first")(X).shape == (3, 4)


def test_recording_works_without_compiling():
    net = Net()
    net.compile(run_eagerly=True)
    features = net.outputs_of("first")
    features.compile(run_eagerly=True)
    assert np.allclose(features(X), net.first(X), atol=1e-6)


def test_the_phase_reaches_the_layers():
    x = Input((4,))
    model = Model(x, Dense(1)(layers.Dropout(0.5, name="drop")(x)))
    features = model.outputs_of("drop")
    assert np.array_equal(features(X), X) and not np.array_equal(features(X, training=True), X)


def test_unrecordable_outputs_raise():
    net = Net()
    net(X)
    with pytest.raises(ValueError, match="'never' was not called"):
        net.outputs_of("never")(X)
    assert np.allclose(net.outputs_of("top")(X), net(X), atol=1e-6)
    with pytest.raises(ValueError, match="has no part 'frist'. Did you mean 'first'"):
        net.outputs_of("frist")

    class Looped(Model):
        def __init__(self):
            super().__init__()
            self.step = Dense(4, name="step")

        def call(self, x):
            self.step(x)
            return ops.fori_loop(0, 3, lambda i, h: self.step.call(h), x)

    class Mapped(Looped):
        def call(self, x):
            return jax.vmap(lambda row: self.step(row[None])[0])(x)

    assert Looped().outputs_of("step")(X).shape == (3, 4)
    mapped = Mapped()
    mapped.step.build((None, 4))
    with pytest.raises(ValueError, match="runs inside a loop"):
        mapped.outputs_of("step")(X)


def test_gradients_go_through():
    x = Input((4,))
    model = Model(x, Dense(1)(unit(x)))
    features = model.outputs_of("dense")
    gradient = jax.grad(lambda value: features(value).sum())(X)
    assert gradient.shape == X.shape and np.abs(gradient).sum() > 0


def build_random_model(choices, x):
    """Builds a random model and returns the Tensor of each layer by name."""
    made = [x]
    for i, (kind, a, b) in enumerate(choices):
        left, right = made[a % len(made)], made[b % len(made)]
        layer = {
            "dense": lambda t, _, i=i: Dense(4, name=f"n{i}")(t),
            "relu": lambda t, _, i=i: layers.ReLU(name=f"n{i}")(t),
            "add": lambda t, u, i=i: layers.Add(name=f"n{i}")([t, u]),
            "norm": lambda t, _, i=i: layers.LayerNormalization(name=f"n{i}")(t),
        }[kind]
        made.append(layer(left, right))
    return made


CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["dense", "relu", "add", "norm"]), st.integers(0, 9), st.integers(0, 9)
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(CHOICES, st.integers(0, 9))
def test_outputs_of_equals_a_model_built_by_hand(choices, which):
    x = Input((4,))
    made = build_random_model(choices, x)
    model = Model(x, layers.Concatenate()([*made, made[-1]]))
    target = made[1 + which % (len(made) - 1)]
    by_hand = Model(x, target)
    assert np.array_equal(model.outputs_of(target.node.name)(X), by_hand(X))


class Composite(layers.Layer):
    """A layer that owns layers, a functional model, and one that is never called."""

    def __init__(self, shared=None):
        super().__init__(name="composite")
        self.first = Dense(4, name="first")
        self.shared = shared
        x = Input((4,), name="inner_x")
        self.body = Model(x, layers.ReLU(name="rectify")(unit(x) + 1), name="body")
        self.never = Dense(4, name="never")

    def call(self, x):
        x = self.body(self.first(x))
        return x if self.shared is None else self.shared(x)


def _composite():
    x = Input((4,), name="x")
    return Model(x, Dense(1, name="top")(Composite()(x)))


def _shared():
    x, shared = Input((4,), name="x"), Dense(4, name="shared")
    return Model(x, shared(Composite(shared)(shared(x))))


def _wrapped():
    x = Input((4, 4), name="x")
    h = layers.TimeDistributed(Dense(4, name="each"), name="wrapper")(x)
    h = layers.Bidirectional(layers.LSTM(2, name="lstm", return_sequences=True), name="both")(h)
    return Model(x, h)


def _cells():
    x = Input((4, 4), name="x")
    cells = [layers.LSTMCell(3, name="one"), layers.GRUCell(2, name="two")]
    return Model(x, layers.RNN(cells, name="rnn")(x))


def _in_sequential():
    return cornu.Sequential([Input((4,), name="x"), Composite(), Dense(1, name="top")])


def _strings():
    x = Input((), dtype="string", name="x")
    found = layers.StringLookup(vocabulary=["a", "b"], name="lookup")(x)
    h = layers.Embedding(4, 4, name="table")(found)
    return Model(x, Dense(1, name="top")(Composite()(h)))


BODY = (
    "composite/body composite/body/inner_x composite/body/unit composite/body/unit/dense "
    "composite/body/unit/re_lu composite/body/add composite/body/rectify"
).split()
# A model, its input, and the parts that have outputs; that of the model itself comes last.
MIXED = {
    "a composite layer": (_composite, X, ["x", "composite", "composite/first", *BODY, "top"]),
    "in a Sequential": (_in_sequential, X, ["x", "composite", "composite/first", *BODY, "top"]),
    "a shared layer": (
        _shared,
        X,
        ["x", "shared", "composite", "composite/first", "composite/shared", *BODY, "shared@1"],
    ),
    "wrappers": (
        _wrapped,
        X[:, None].repeat(4, 1),
        ["x", "wrapper", "wrapper/each", "both/forward_lstm", "both/backward_lstm", "both"],
    ),
    "cells of an RNN": (_cells, X[:, None].repeat(4, 1), ["x", "rnn"]),
    "strings": (
        _strings,
        np.array(["a", "b", "c"]),
        ["lookup", "table", "composite", "composite/first", *BODY, "top"],
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_a_pattern_gives_all_parts_that_have_outputs(name):
    build, x, expected = MIXED[name]
    model = build()
    features = model.outputs_of("*")
    found = features(x)
    assert sorted(found) == sorted(expected)
    assert np.allclose(found[expected[-1]], model(x), atol=1e-6)
    predicted = features.predict(x, verbose=0)
    for path, array in found.items():
        assert np.allclose(predicted[path], array, atol=1e-6), path


def test_parts_of_models_inside_of_layers_are_computed_from_their_inputs():
    model = _composite()
    composite = model.get_layer("composite")
    found = model.outputs_of("*")(X)
    before = composite.first(X)
    assert np.array_equal(found["x"], X)
    assert np.allclose(found["composite/body/inner_x"], before, atol=1e-6)
    block = composite.body.outputs_of("unit")(before)
    assert np.allclose(found["composite/body/unit"], block, atol=1e-6)
    assert np.allclose(found["composite/body/add"], block + 1, atol=1e-6)
    one = model.outputs_of("composite/body/add")(X)
    assert np.allclose(one, block + 1, atol=1e-6)
    for name in ("composite/never", ["composite/never", "*"]):
        with pytest.raises(ValueError, match="'composite/never' was not called"):
            model.outputs_of(name)(X)


def test_named_parts_inside_of_loops_raise():
    x = X[:, None].repeat(4, 1)
    model = _cells()
    with pytest.raises(ValueError, match="runs inside a loop"):
        model.outputs_of("rnn/*")(x)
    with pytest.raises(ValueError, match="runs inside a loop"):
        model.outputs_of("one")(x)


def test_strings_have_no_outputs():
    model = _strings()
    with pytest.raises(ValueError, match="strings"):
        model.outputs_of("x*")
    assert model.outputs_of("lookup")(np.array(["a", "c"])).tolist() == [1, 0]
