"""Functional models: structures, names, sharing, nesting, errors."""

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.layers import Dense


def two_inputs():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    return Model({"a": a, "b": b}, Dense(1, name="out")(layers.Concatenate()([a * 1, b * 10])))


def test_dict_inputs_bind_by_name_in_any_order():
    model = two_inputs()
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 2)).astype("float32"), rng.normal(size=(4, 3)).astype("float32")
    first, second = model.predict({"a": a, "b": b}), model.predict({"b": b, "a": a})
    assert np.array_equal(first, second)
    with pytest.raises(ValueError, match="input 'b' is missing. Received the names"):
        model.predict({"a": a, "bb": b})
    with pytest.raises(ValueError, match="expected 2 inputs"):
        model.predict([a, b])


def test_list_inputs_take_dicts_by_input_name():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model([a, b], a - b)
    one, two = np.ones((1, 2), "float32"), np.full((1, 2), 3.0, "float32")
    assert model({"b": two, "a": one}).tolist() == [[-2.0, -2.0]]
    assert model([one, two]).tolist() == [[-2.0, -2.0]]


def test_nested_structures():
    a, b, c = (Input((2,), name=name) for name in "abc")
    model = Model({"x": [a, b], "y": {"z": c}}, {"sum": a + b + c, "parts": (a, c * 2)})
    one = np.ones((1, 2), "float32")
    out = model({"y": {"z": one}, "x": [one, one]})
    assert out["sum"].tolist() == [[3.0, 3.0]]
    assert out["parts"][1].tolist() == [[2.0, 2.0]]


def test_shared_layers_count_once():
    shared = Dense(3)
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], [shared(a), shared(b)])
    assert model.count_params() == 15 and len(model.weights) == 2
    with pytest.raises(AttributeError, match="was called 2 times"):
        _ = shared.output


def test_nested_models_share_weights():
    inner_in = Input((4,))
    inner = Model(inner_in, Dense(3)(inner_in), name="inner")
    x = Input((4,))
    outer = Model(x, Dense(1)(inner(x)))
    other = Input((4,))
    again = Model(other, inner(other))
    value = np.ones((2, 4), "float32")
    before = again.predict(value)
    inner.set_weights([w + 1 for w in inner.get_weights()])
    assert not np.allclose(again.predict(value), before)
    assert [w.path for w in outer.weights[:2]] == [w.path for w in inner.weights]
    assert outer.get_layer("inner") is inner


def test_a_model_cut_out_of_a_graph():
    x = Input((4,))
    h = Dense(3, activation="relu", name="hidden")(x)
    model = Model(x, Dense(2)(h))
    features = Model(model.input, model.get_layer("hidden").output)
    rest = Model(h, model.output)
    value = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    assert np.allclose(rest.predict(features.predict(value)), model.predict(value), atol=1e-6)
    assert features.count_params() + rest.count_params() == model.count_params()


def test_optional_inputs():
    a, b = Input((2,), name="a"), Input((2,), name="b", optional=True)

    class AddIf(cornu.Layer):
        def call(self, x, other):
            return x if other is None else x + other

    model = Model({"a": a, "b": b}, AddIf()(a, b))
    one = np.ones((1, 2), "float32")
    assert model({"a": one, "b": one}).tolist() == [[2.0, 2.0]]
    assert model({"a": one, "b": None}).tolist() == [[1.0, 1.0]]


def test_masks_travel_along_the_graph():
    ids = Input((None,), dtype="int32")
    x = layers.Embedding(5, 4, mask_zero=True)(ids)
    assert x.mask is not None
    pooled = layers.GlobalAveragePooling1D()(layers.Dropout(0.5)(x))
    model = Model(ids, pooled)
    table = model.get_weights()[0]
    out = model.predict(np.array([[1, 2, 0, 0]]))
    assert np.allclose(out[0], (table[1] + table[2]) / 2, atol=1e-6)


def test_masks_enter_a_nested_model_built_without_masks():
    inner_in = Input((None, 4))
    inner = Model(inner_in, layers.GlobalAveragePooling1D()(layers.ReLU()(inner_in)))
    ids = Input((None,), dtype="int32")
    embedding = layers.Embedding(5, 4, mask_zero=True)
    model = Model(ids, inner(embedding(ids)))
    table = np.maximum(embedding.get_weights()[0], 0)
    out = model.predict(np.array([[1, 2, 0, 0]]))
    assert np.allclose(out[0], (table[1] + table[2]) / 2, atol=1e-6)


def test_a_lost_mask_warns_with_the_layer():
    ids = Input((6,), dtype="int32")
    x = layers.Embedding(5, 4, mask_zero=True)(ids)
    with pytest.warns(UserWarning, match="'conv' received an input with a mask"):
        layers.Conv1D(2, 3, name="conv")(x)


def test_layers_come_in_the_order_of_keras():
    import keras

    def build(k):
        a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
        y = k.layers.Dense(3, name="d1")(b)
        x = k.layers.Dense(3, name="d2")(k.layers.Dense(4, name="d3")(a))
        z = k.layers.Concatenate(name="c")([x, y])
        late = k.layers.Dense(2, name="d4")(y)
        return k.Model([a, b], [k.layers.Dense(1, name="d5")(z), late])

    assert [la.name for la in build(cornu).layers] == [la.name for la in build(keras).layers]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda x: Model(x, Dense(3)), r"outputs is the layer 'dense', not a Tensor.*not called"),
        (lambda x: Model(x, [x, None]), r"outputs\[1\] must be a symbolic Tensor"),
        (lambda x: Model([x, x], x * 2), "input 'x' is passed twice"),
        (lambda x: Model(x, x + Input((2,), name="y")), "depend on Input 'y'"),
        (lambda x: Model(x), "outputs is missing"),
        (lambda x: Model(np.ones((1, 2)), x), "inputs must be a symbolic Tensor"),
        (lambda x: Dense(2)(Dense(2)), "Dense"),
    ],
)
def test_invalid_graphs_are_rejected(wrong, message):
    with pytest.raises((ValueError, TypeError), match="(?s)" + message):
        wrong(Input((2,), name="x"))


def test_asking_for_a_layer_that_is_not_there():
    x = Input((2,))
    model = Model(x, Dense(2, name="head")(x))
    with pytest.raises(ValueError, match="has no layer 'heat'. Did you mean 'head'"):
        model.get_layer("heat")
    with pytest.raises(ValueError, match="index 7 does not exist"):
        model.get_layer(index=7)


def test_a_wrong_input_shape_is_named():
    x = Input((4,), name="pixels")
    model = Model(x, Dense(2)(x))
    with pytest.raises(ValueError, match=r"input 'pixels' expects the shape \(None, 4\); received"):
        model(np.ones((3, 5), "float32"))
    with pytest.raises(ValueError, match="batch axis seems to be missing"):
        model(np.ones(4, "float32"))


def test_an_error_inside_a_graph_names_the_line_that_built_it():
    x = Input((None, 4), name="x")
    y = Input((None, 4), name="y")
    model = Model([x, y], layers.Add(name="sum")([x, y]))
    with pytest.raises(ValueError, match=r"In sum \(.*test_functional.py:\d+\), inputs of shape"):
        model([np.ones((1, 3, 4), "float32"), np.ones((1, 5, 4), "float32")])


def test_frozen_layers_inside():
    x = Input((4,))
    inner = Model(x, layers.BatchNormalization()(Dense(3)(x)))
    y = Input((4,))
    model = Model(y, Dense(1)(inner(y)))
    inner.trainable = False
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 6
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, inner.get_weights(), strict=True))
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_get_layer_by_block_path():
    def unit(x):
        return Dense(2, name="inside")(x)

    x = Input((2,))
    model = Model(x, Dense(1, name="after")(unit(x)))
    assert model.get_layer("unit/inside") is model.get_layer("inside")
    assert [child.name for child in model.blocks.children] == ["unit"]


def test_a_custom_call_receives_the_inputs_as_passed():
    class Named(Model):
        def call(self, inputs, training=None, mask=None):
            received.append(sorted(inputs))
            return super().call(inputs, training, mask)

    received = []
    a, b = Input((3,), name="a"), Input((3,), name="b")
    model = Named([a, b], Dense(2)(layers.concatenate([a, b])))
    model.compile("sgd", "mse")
    x = {"b": np.ones((8, 3), "float32"), "a": np.ones((8, 3), "float32")}
    model.fit(x, np.ones((8, 2)), verbose=0)
    model.predict(x)
    assert received and all(names == ["a", "b"] for names in received)


@pytest.mark.parametrize("axis", [0, -2])
def test_a_softmax_over_rows_does_not_see_padding(axis):
    x = Input((3,))
    model = Model(x, cornu.ops.softmax(x, axis=axis))
    rows = np.zeros((5, 3), "float32")
    np.testing.assert_allclose(model.predict(rows, batch_size=4)[4:], 1.0)
    assert Model(x, cornu.ops.softmax(x))._graph_.rowwise()


def test_operations_in_the_order_of_keras():
    x = Input((3,), name="x")
    y = cornu.ops.relu(Dense(2, name="a")(x) + 1.0)
    model = Model(x, [Dense(1, name="b")(y), y * 2])
    assert [op.name for op in model.operations] == ["x", "a", "add", "relu", "b", "multiply"]

    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.operations = ["a"]

    assert Own().operations == ["a"]
    with pytest.raises(AttributeError, match="only functional models have them"):
        cornu.Model().operations  # noqa: B018


def _kinds(outputs):
    return type(outputs).__name__ if isinstance(outputs, (list, tuple, dict)) else "array"


@pytest.mark.parametrize("wrap", [lambda y: [y], lambda y: (y,), lambda y: [[y]]])
def test_a_list_of_one_output_gives_the_output(wrap):
    x = Input((2,))
    model = Model(x, wrap(Dense(1)(x)))
    data = np.ones((4, 2), "float32")
    kind = "list" if isinstance(model.output[0], list) else "array"
    for outputs in (model(data), model.predict(data, verbose=0), model.predict_on_batch(data)):
        assert _kinds(outputs) == kind
    # Tensors keep the structure: `model(x)[0]` is the output in both libraries.
    assert _kinds(model(Input((2,)))) == _kinds(model.output)
    assert model.output_shape == (None, 1)
    model.compile("sgd", "mse", metrics=["mae"])
    for y in (np.ones((4, 1)), [np.ones((4, 1))]):
        model.fit(data, y, verbose=0)
        assert len(model.evaluate(data, y, verbose=0)) == 2
    if kind == "array":
        outer = Model(x, Dense(1)(model(x)[0]))
        assert outer(data).shape == (4, 1)
        assert cornu.Sequential([model, Dense(3)])(data).shape == (4, 3)


def test_one_shape_is_not_in_a_structure():
    x = Input((2,))
    assert Model([x], {"a": x * 1.0}).output_shape == Model([x], x * 1.0).input_shape == (None, 2)
    assert Model(x, [x * 1.0, x * 2.0]).output_shape == [(None, 2), (None, 2)]


def test_the_functional_graph_is_an_attribute():
    model = two_inputs()
    assert model.functional_graph.input_names == ["a", "b"]
    assert [layer.name for layer in model.functional_graph.layers][-1] == "out"
    assert Model(name="own").functional_graph is None


def test_keys_that_are_no_inputs_are_reported_once():
    a, b = np.ones((4, 2), "float32"), np.ones((4, 3), "float32")
    model = two_inputs()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="'c' in the data are not inputs.* inputs are 'a', 'b'"):
        model.predict({"a": a, "c": a, "b": b})
    model.fit({"a": a, "c": a, "b": b}, np.ones((4, 1)), verbose=0)  # reported before
    x, y = Input((2,), name="x"), Input((2,), name="y")
    for inputs, data in (
        ([x, y], {"x": a, "y": a, "z": a}),
        (x, {"x": a, "z": a}),
        ({"p": {"x": x}, "q": [y]}, {"p": {"x": a, "z": a}, "q": [a]}),
        ([{"x": x}, y], [{"x": a, "z": a}, a]),
    ):
        model = Model(inputs, x + y if inputs is not x else x * 1)
        with pytest.warns(UserWarning, match="'z' in the data are not inputs"):
            assert model(data).shape == (4, 2)


def test_layers_is_a_new_list():
    model, stack = two_inputs(), cornu.Sequential([Input((2,)), Dense(1), Dense(2)])
    for made in (model, stack):
        found = made.layers
        assert type(found) is list and found == made.layers
        found.reverse()
        assert found.pop() is made.layers[0] and len(found) == len(made.layers) - 1


@pytest.mark.parametrize("rowwise", [True, False])
def test_a_fixed_batch_size_takes_smaller_and_larger_batches(rowwise):
    x = Input((2,), batch_size=4)
    model = Model(x, Dense(1)(x if rowwise else layers.Lambda(lambda x: 2 * x)(x)))
    model.compile("sgd", "mse")
    data, y = np.ones((10, 2), "float32"), np.ones((10, 1), "float32")
    assert np.isfinite(model.fit(data, y, batch_size=4, verbose=0).history["loss"]).all()
    assert np.isfinite(model.evaluate(data, y, batch_size=4, verbose=0))
    assert model.predict(data, batch_size=4).shape == model(data).shape == (10, 1)
    with pytest.raises(ValueError, match=r"expects the shape \(None, 2\); received \(10, 3\)"):
        model.predict(np.ones((10, 3)))
