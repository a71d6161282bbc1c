"""flatten: nested models are replaced by their layers."""

import runpy
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings

import cornu
from cornu import Input, Model, layers, ops
from cornu.inspect.outline import outline
from cornu.layers import Dense
from tests.models.test_outputs_of import CHOICES, build_random_model

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def unit(x):
    return layers.ReLU()(Dense(4)(x))


def inner(name="inner"):
    def stage(x):
        return unit(unit(x))

    x = Input((4,), name="pixels")
    return Model(x, stage(x), name=name)


def paths(model):
    return [item.path for item in outline(model).walk()][1:]


def test_no_model_is_left_and_nothing_changes():
    x = Input((4,), name="x")
    part = inner()
    middle = cornu.Sequential([Input((4,)), part, Dense(4, name="last")], name="middle")
    model = Model(x, part(unit(middle(x))))
    flat = model.flatten()
    assert not any(isinstance(layer, Model) for layer in flat.layers)
    assert np.array_equal(flat(X), model(X))
    assert {id(w) for w in flat.weights} == {id(w) for w in model.weights}
    assert flat.input_names == ["x"] and flat.output_shape == model.output_shape


def test_models_become_blocks_and_paths_stay():
    part = inner()

    def head(x):
        return part(unit(x))

    x = Input((4,), name="x")
    model = Model(x, Dense(1, name="top")(head(x)))
    assert paths(model.flatten()) == [
        *["x", "head", "head/unit", "head/unit/dense_2", "head/unit/re_lu_2", "head/inner"],
        *["head/inner/stage", "head/inner/stage/unit", "head/inner/stage/unit/dense"],
        *["head/inner/stage/unit/re_lu", "head/inner/stage/unit_1"],
        *["head/inner/stage/unit_1/dense_1", "head/inner/stage/unit_1/re_lu_1", "top"],
    ]
    assert set(paths(model.flatten())) < set(paths(model))
    places = {item.path: item.place for item in outline(model.flatten()).walk()}
    assert "test_flatten.py:" in places["head/inner"]


def test_flattening_in_a_function_adds_no_block():
    def run():
        x = Input((4,), name="x")
        ids = layers.Masking()(ops.expand_dims(x, -1))
        model = Model(x, layers.LSTM(2)(cornu.Sequential([layers.Dropout(0.5)])(ids)))
        return model, model.flatten()

    model, flat = run()
    assert paths(flat) == [
        "x",
        "expand_dims",
        "masking",
        "sequential",
        "sequential/dropout",
        "lstm",
        "lstm/lstm_cell",
    ]


def test_names_that_are_taken_get_those_of_the_models_before_them():
    def part(name):
        x = Input((4,))
        return Model(x, Dense(4, name="dense")(x), name=name)

    x = Input((4,), name="x")
    model = Model(x, Dense(4, name="dense")(part("b")(part("a")(x))))
    flat = model.flatten()
    assert [flat._graph_.layer_names[id(layer)] for layer in flat.layers] == [
        "x", "a_dense", "b_dense", "dense",
    ]  # fmt: skip
    assert flat.get_layer("dense") is model.get_layer("dense")
    copy = Model.from_config(flat.get_config())
    assert [layer.name for layer in copy.layers] == ["x", "a_dense", "b_dense", "dense"]


def test_the_phase_of_a_call_reaches_the_layers_inside():
    x = Input((4,))
    body = cornu.Sequential([Input((4,)), layers.Dropout(0.5), layers.BatchNormalization()])
    frozen = Model(x, body(x, training=False))
    before = [w.numpy() for w in frozen.weights]
    assert np.array_equal(frozen.flatten()(X, training=True), frozen(X, training=True))
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, frozen.weights, strict=True))
    live = Model(x, body(x))
    assert not np.array_equal(live.flatten()(X, training=True), frozen(X))


def test_masks_go_through():
    ids = Input((5,), dtype="int32")
    x = Input((5, 3))
    body = Model(x, layers.Dropout(0.2)(x * 1.0 + layers.ReLU()(x)), name="body")
    top = cornu.Sequential([Input((5, 3)), layers.LSTM(2)])
    model = Model(ids, top(layers.Embedding(7, 3, mask_zero=True)(ids)))
    value = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 6, 0]])
    assert np.array_equal(model.flatten()(value), model(value))
    longer = np.array([[1, 2, 0, 0, 5], [3, 4, 5, 6, 1]])
    assert np.array_equal(model.flatten()(longer), model(longer))
    assert body.flatten()(np.ones((1, 5, 3))).shape == (1, 5, 3)


def test_a_mask_that_is_given_to_the_model_goes_through():
    x, m = Input((5, 3)), Input((5,), dtype="bool")
    top = cornu.Sequential([Input((5, 3)), layers.LSTM(2)])
    model = Model([x, m], top(x, mask=m))
    value = [np.random.default_rng(1).normal(size=(2, 5, 3)), np.array([[1, 1, 0, 0, 0]] * 2, bool)]
    assert np.array_equal(model.flatten()(value), model(value))
    assert not np.allclose(model(value), top(value[0]))


def test_casts_and_axes_of_inner_inputs_stay():
    i = Input((4,), dtype="int32")
    inner = Model(i, ops.cast(i, "float32") * 2, name="whole_numbers")
    x = Input((4,))
    model = Model(x, inner(x * 3))
    assert np.array_equal(model.flatten()(X), model(X))
    one = Input((1,))
    column = Model(one, Dense(2)(one))
    y = Input(())
    assert np.array_equal(Model(y, column(y)).flatten()(X[0]), Model(y, column(y))(X[0]))


def test_several_inputs_and_outputs_in_dicts():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    inner = Model({"a": a, "b": b}, {"sum": a + b, "same": a}, name="inner")
    x, y = Input((4,), name="x"), Input((4,), name="y")
    out = inner({"b": x, "a": y})
    model = Model([x, y], {"out": Dense(2)(out["sum"]), "same": out["same"]})
    value = [X, 2 * X]
    flat, whole = model.flatten()(value), model(value)
    assert all(np.array_equal(flat[name], whole[name]) for name in whole)


def test_models_that_override_call_are_not_flattened():
    class Doubling(Model):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs, training, mask)

    i = Input((4,))
    x = Input((4,))
    model = Model(x, Doubling(i, Dense(4)(i), name="twice")(x))
    flat = model.flatten()
    assert "twice" in [layer.name for layer in flat.layers]
    assert np.array_equal(flat(X), model(X))


def test_a_layer_that_is_trained_within_a_frozen_model():
    part = inner()
    x = Input((4,))
    model = Model(x, part(x))
    part.trainable = False
    assert not model.flatten().trainable_variables
    part.layers[1].trainable = True
    trained = [v.path for v in model.trainable_variables]
    assert trained and [v.path for v in model.flatten().trainable_variables] == trained


def test_models_without_a_functional_graph_are_rejected():
    class Net(Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="cannot be flattened"):
        Net().flatten()
    with pytest.raises(ValueError, match="not built yet"):
        cornu.Sequential([Dense(2)]).flatten()


def test_grad_cam_across_a_nested_model():
    image = Input((6, 6, 1))
    h = layers.Conv2D(3, 3, activation="relu", name="conv")(image)
    backbone = Model(image, layers.MaxPooling2D()(h), name="backbone")
    x = Input((6, 6, 1))
    pooled = layers.GlobalAveragePooling2D()(backbone(x))
    model = Model(x, Dense(2, name="top", kernel_initializer="ones")(pooled))
    flat = model.flatten()
    features = flat.outputs_of("backbone/conv")
    rest = Model(features.output, flat.output)
    value = np.random.default_rng(0).normal(size=(1, 6, 6, 1)).astype("float32")
    maps = features(value)
    assert np.allclose(rest(maps), model(value), atol=1e-6)
    gradient = jax.grad(lambda m: rest(m)[0, 1])(maps)
    # Each of the four windows passes a quarter of the gradient on to its largest element.
    assert gradient.shape == (1, 4, 4, 3)
    assert np.isclose(gradient.sum(axis=(1, 2)), 1.0).all()


def test_the_example_shows_what_to_inspect():
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "gradcam.py"))
    heat = example["main"](count=32, size=12, epochs=1)
    assert heat.shape == (4, 6, 6) and (heat >= 0).all() and heat.max() > 0


@settings(max_examples=12, deadline=None, derandomize=True)
@given(CHOICES, CHOICES)
def test_random_nested_models_stay_equal_to_the_bit(first, second):
    i = Input((4,))
    part = Model(i, build_random_model(first, i)[-1], name="part")
    x = Input((4,))
    model = Model(x, part(build_random_model(second, part(x))[-1]))
    assert np.array_equal(model.flatten()(X), model(X))
