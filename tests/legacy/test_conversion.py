"""Configs of models of Keras 2 and tf.keras become configs of today."""

import json

import keras
import numpy as np
import pytest

import cornu
from cornu.legacy.conversion import convert_model
from cornu.legacy.source import parse_version
from cornu.models import model_from_json


def layer(kind, name, inbound=None, **config):
    entry = {"class_name": kind, "config": {"name": name, **config}}
    return entry if inbound is None else {**entry, "name": name, "inbound_nodes": inbound}


def source_input(name, *shape, dtype="float32"):
    return layer("InputLayer", name, [], batch_input_shape=[None, *shape], dtype=dtype)


def graph(layers, inputs, outputs, kind="Model"):
    config = {"name": "net", "layers": layers}
    ends = {
        "input_layers": [[n, 0, 0] for n in inputs],
        "output_layers": [[n, i, 0] for n, i in outputs],
    }
    return {"class_name": kind, "config": {**config, **ends}}


def build(config, version="2.2.4"):
    return model_from_json(json.dumps({**config, "keras_version": version}))


def test_a_sequential_is_a_list_with_the_shape_in_its_first_layer():
    first = layer("Dense", "a", units=3, batch_input_shape=[None, 4], activation="hard_sigmoid")
    config = {"class_name": "Sequential", "config": [first, layer("Dropout", "b", rate=0.5)]}
    model = build(config)
    assert model.input_names == ["a_input"] and model.output_shape == (None, 3)
    model.layers[0].kernel.assign(np.full((4, 3), 0.5))
    expected = np.clip(0.2 * 2 + 0.5, 0, 1)
    np.testing.assert_allclose(model.predict(np.ones((1, 4)))[0], expected, rtol=1e-6)


def test_a_sequential_takes_its_shape_from_the_first_layer_of_a_nested_one():
    first = layer("Dense", "a", units=3, batch_input_shape=[None, 4])
    inner = {"class_name": "Sequential", "config": {"name": "in", "layers": [first]}}
    model = build({"class_name": "Sequential", "config": {"name": "out", "layers": [inner]}})
    assert model.built and model.output_shape == (None, 3)


@pytest.mark.parametrize("start", [0, 1], ids=["keras", "tf.keras"])
def test_calls_of_a_nested_model_are_counted_from_0_or_1(start):
    inner = graph(
        [source_input("i", 2), layer("Dense", "d", [[["i", 0, 0, {}]]], units=2, use_bias=False)],
        ["i"],
        [("d", 0)],
    )
    nested = {**inner, "name": "net", "inbound_nodes": [[["x", 0, 0, {}]], [["net", start, 0, {}]]]}
    model = build(graph([source_input("x", 2), nested], ["x"], [("net", start + 1)]))
    model.layers[-1].set_weights([np.array([[2.0, 0.0], [0.0, 3.0]])])
    assert model.predict(np.ones((1, 2))).tolist() == [[4.0, 9.0]]


def test_initial_states_are_passed_by_name():
    states = [["x", 0, 0, {}], ["h", 0, 0, {}], ["c", 0, 0, {}]]
    model = build(
        graph(
            [
                *(source_input("x", 3, 2), source_input("h", 4), source_input("c", 4)),
                layer("LSTM", "lstm", [states], units=4, implementation=1),
            ],
            ["x", "h", "c"],
            [("lstm", 0)],
        )
    )
    assert model.layers[-1].recurrent_activation.__name__ == "hard_sigmoid"
    data = [np.zeros((1, 3, 2)), np.zeros((1, 4)), np.ones((1, 4))]
    assert np.abs(model.predict(data)).max() > 0


def op(kind, name, inbound, **config):
    return layer(kind, name, inbound, **config)


FUNCTION = "TFOpLambda"


@pytest.mark.parametrize(
    "node, expected",
    [
        (
            op(FUNCTION, "f", [["x", 0, 0, {"y": 3, "name": None}]], function="math.multiply"),
            [3, 6],
        ),
        (
            op(FUNCTION, "f", [["x", 0, 0, {"y": ["x", 0, 0]}]], function="__operators__.add"),
            [2, 4],
        ),
        (
            op(
                FUNCTION,
                "f",
                [["_CONSTANT_VALUE", -1, 5, {"y": ["x", 0, 0]}]],
                function="math.subtract",
            ),
            [4, 3],
        ),
        (
            op(
                FUNCTION,
                "f",
                [["x", 0, 0, {"axis": 1, "keepdims": True}]],
                function="math.reduce_mean",
            ),
            [1.5],
        ),
        (
            op(
                FUNCTION,
                "f",
                [[["x", 0, 0, {"axis": -1}], ["x", 0, 0, {"axis": -1}]]],
                function="concat",
            ),
            [1, 2, 1, 2],
        ),
        (op(FUNCTION, "f", [["x", 0, 0, {"shape": [-1, 1, 2]}]], function="reshape"), [[1, 2]]),
        (
            op(
                "SlicingOpLambda",
                "f",
                [
                    [
                        *("x", 0, 0),
                        {
                            "slice_spec": [
                                {"start": None, "stop": None, "step": None},
                                {"start": 1, "stop": None, "step": None},
                            ]
                        },
                    ]
                ],
                function="__operators__.getitem",
            ),
            [2],
        ),
        (
            op(
                "TensorFlowOpLayer",
                "f",
                [[["x", 0, 0, {}]]],
                node_def={"op": "Mul"},
                constants={"1": 2.0},
            ),
            [2, 4],
        ),
        (
            op(
                "TensorFlowOpLayer",
                "f",
                [[["x", 0, 0, {}]]],
                node_def={"op": "Mean", "attr": {"keep_dims": {"b": True}}},
                constants={"1": 1},
            ),
            [1.5],
        ),
    ],
)
def test_functions_of_tensorflow_are_ops(node, expected):
    model = build(graph([source_input("x", 2), node], ["x"], [("f", 0)], "Functional"), "2.4.0")
    np.testing.assert_allclose(model.predict(np.array([[1.0, 2.0]]))[0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "entry, message",
    [
        (
            layer("LSTM", "a", units=2, time_major=True),
            "LSTM 'a' of Keras 2.2.4 has time_major=True",
        ),
        (layer("InputLayer", "a", batch_input_shape=[None], ragged=True), "takes ragged tensors"),
        (
            layer("LocallyConnected1D", "a", filters=1, kernel_size=1, implementation=2),
            "implementation=2",
        ),
        (op(FUNCTION, "f", [], function="linalg.svd"), "Unknown class 'TFOpLambda'"),
        ({"class_name": "Dense"}, "must be a dict"),
        ({"class_name": 5, "config": {}}, "Expected the config of a layer"),
    ],
)
def test_what_has_no_equal_is_refused(entry, message):
    with pytest.raises(ValueError, match=message):
        build({"class_name": "Sequential", "config": [entry]})


@pytest.mark.parametrize("nodes", [5, [5], [[5]], [[["x"]]], [["x", 0, "a", {}]], {"a": 1}])
def test_damaged_calls_are_refused(nodes):
    damaged = layer("Dense", "d", nodes, units=2)
    with pytest.raises(ValueError):
        build(graph([source_input("x", 2), damaged], ["x"], [("d", 0)]))


def test_bytecode_is_never_run():
    code = ["4wEAAAAAAAAA", None, None]
    double = layer(
        "Lambda", "double", function=code, function_type="lambda", batch_input_shape=[None, 2]
    )
    text = json.dumps({"class_name": "Sequential", "config": [double], "keras_version": "2.2.4"})
    with pytest.raises(ValueError, match="custom_objects={'double': function}"):
        model_from_json(text)
    model = model_from_json(text, custom_objects={"double": lambda x: 2 * x})
    assert model.predict(np.ones((1, 2))).tolist() == [[2.0, 2.0]]


def test_the_judged_version_is_reported_once_and_can_be_overridden():
    config = {
        "class_name": "Sequential",
        "config": [layer("GRU", "g", units=2, batch_input_shape=[1, 2, 3])],
    }
    text = json.dumps(config)
    with pytest.warns(
        UserWarning, match="read as one of Keras 2.2.4, because its layers have"
    ) as seen:
        model = model_from_json(text)
    assert len(seen) == 1 and model.layers[0].reset_after is False
    assert model.layers[0].recurrent_activation.__name__ == "hard_sigmoid"
    later = model_from_json(text, keras_version="2.3.1")
    assert later.layers[0].recurrent_activation is cornu.activations.sigmoid


def test_classes_of_old_versions_are_saved_and_loaded(tmp_path):
    layers = [
        layer("LocallyConnected1D", "l", filters=2, kernel_size=2, batch_input_shape=[None, 4, 3]),
        layer("BatchNormalization", "b", axis=[2]),
        layer(
            "Activation",
            "a",
            activation="hard_sigmoid",
            activity_regularizer={"class_name": "L1L2", "config": {"l2": 0.1}},
        ),
    ]
    model = build({"class_name": "Sequential", "config": layers})
    model.save(tmp_path / "m.keras")
    loaded = cornu.models.load_model(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_allclose(loaded.predict(x), model.predict(x))
    assert [type(a) for a in loaded.layers] == [type(b) for b in model.layers]


def test_configs_of_keras_3_are_unchanged():
    config = json.loads(cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)]).to_json())
    assert convert_model(config, parse_version("3.15.1")) == config


@pytest.mark.parametrize("version", ["2.2.4", "2.21.0"])
def test_keras_reads_batch_normalization_of_old_versions(tmp_path, version):
    layers = [
        layer("Dense", "d", units=3, batch_input_shape=[None, 4]),
        layer("BatchNormalization", "b", axis=[1]),
    ]
    model = build({"class_name": "Sequential", "config": layers}, version)
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    model.save(tmp_path / "m.keras")
    x = np.ones((2, 4), "float32")
    theirs = keras.models.load_model(tmp_path / "m.keras").predict(x, verbose=0)
    np.testing.assert_allclose(theirs, model.predict(x), rtol=1e-6)
