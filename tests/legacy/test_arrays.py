"""Weights of Keras 2 in the order and layout of today."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.legacy.arrays import convert_arrays, in_old_order
from cornu.legacy.optimizer_state import StoredLayer, convert_state
from cornu.legacy.source import parse_version
from cornu.models import model_from_json

KERAS_2 = parse_version("2.2.4")


def built(layer, *shape):
    layer.build((None, *shape))
    return layer


@pytest.mark.parametrize("kind, gates", [(layers.LSTM, 4), (layers.GRU, 3)])
def test_cudnn_layers_are_converted(kind, gates):
    layer = built(kind(3), 5, 2)
    rng = np.random.default_rng(0)
    kernel, recurrent = rng.normal(size=(2, 3 * gates)), rng.normal(size=(3, 3 * gates))
    biases = rng.normal(size=(2, 3 * gates))
    stored = [
        np.concatenate(
            # `transform_kernels(kernels, lambda k: k.T.reshape(k.shape, order="C"))`
            [part.T.reshape(part.shape) for part in np.split(kernel, gates, axis=1)],
            axis=1,
        ),
        np.concatenate([part.T for part in np.split(recurrent, gates, axis=1)], axis=1),
        biases.ravel(),
    ]
    found = convert_arrays(layer, stored, KERAS_2, "'a'")
    np.testing.assert_array_equal(found[0], kernel)
    np.testing.assert_array_equal(found[1], recurrent)
    np.testing.assert_array_equal(found[2], biases.sum(0) if kind is layers.LSTM else biases)
    if kind is layers.GRU:
        with pytest.raises(ValueError, match="reset_after=True"):
            convert_arrays(built(kind(3, reset_after=False), 5, 2), stored, KERAS_2, "'a'")


def test_plain_arrays_are_unchanged():
    layer = built(layers.LSTM(3), 5, 2)
    arrays = [np.ones(v.shape) for v in in_old_order(layer)]
    for a, b in zip(convert_arrays(layer, arrays, KERAS_2, "'a'"), arrays, strict=True):
        assert a is b


@pytest.mark.parametrize(
    "make, shape, kernels",
    [
        (lambda: layers.Conv1D(2, 3), (6, 2), 1),
        (lambda: layers.Conv2D(2, 3), (6, 6, 2), 1),
        (lambda: layers.Conv3D(2, 2), (4, 4, 4, 1), 1),
        (lambda: layers.Conv2DTranspose(2, 3), (6, 6, 2), 1),
        (lambda: layers.ConvLSTM2D(2, 3), (2, 6, 6, 1), 2),
        (lambda: layers.Dense(2), (3,), 0),
    ],
)
def test_kernels_of_theano_run_backwards(make, shape, kernels):
    layer = built(make(), *shape)
    arrays = [np.random.default_rng(0).normal(size=v.shape) for v in in_old_order(layer)]
    found = convert_arrays(layer, arrays, parse_version("2.2.4", "theano"), "'a'")
    for i, (new, old) in enumerate(zip(found, arrays, strict=True)):
        turned = np.flip(old, tuple(range(old.ndim - 2))) if i < kernels else old
        np.testing.assert_array_equal(new, turned)


def test_nested_models_have_what_is_trained_first():
    inner = cornu.Sequential(
        [
            cornu.Input((6, 2)),
            layers.BatchNormalization(),
            layers.Bidirectional(layers.LSTM(2)),
            layers.Dense(1),
        ]
    )
    variables = in_old_order(inner)
    assert [v.trainable for v in variables] == [True] * 10 + [False] * 2
    arrays = [np.full(v.shape, float(i)) for i, v in enumerate(variables)]
    # One of the LSTMs comes from CuDNN, with two biases.
    arrays[4] = np.concatenate([np.zeros(8), np.full(8, 4.0)])
    found = convert_arrays(inner, arrays, KERAS_2, "'a'")
    for i, (array, variable) in enumerate(zip(found, variables, strict=True)):
        np.testing.assert_array_equal(array, np.full(variable.shape, float(i)))


def test_another_number_of_arrays_is_refused():
    layer = built(layers.Dense(2, name="d"), 3)
    with pytest.raises(
        ValueError, match=r"'d' has 2 weights in files of Keras 2.2.4, 'a' .* has 1"
    ):
        convert_arrays(layer, [np.ones((3, 2))], KERAS_2, "'a'")


def test_the_state_of_an_optimizer_must_match():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    optimizer = cornu.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    stored = [StoredLayer(model.layers[0], model.get_weights(), ["kernel:0", "bias:0"])]
    shapes = [(), (3, 2), (2,), (3, 2), (2,), (1,), (1,)]
    arrays = {f"Variable_{i}:0": np.ones(shape) for i, shape in enumerate(shapes)}
    values = convert_state(optimizer, arrays, stored, KERAS_2, by_weight=False)
    assert values is not None and len(values) == 5
    for wrong in (shapes[:-1], shapes[:3], [(), (2, 3), *shapes[2:]]):
        arrays = {f"Variable_{i}:0": np.ones(shape) for i, shape in enumerate(wrong)}
        assert convert_state(optimizer, arrays, stored, KERAS_2, by_weight=False) is None


def test_a_model_with_a_cudnn_layer_is_an_lstm_with_sigmoid():
    config = {"name": "l", "units": 2, "batch_input_shape": [None, 3, 2], "stateful": False}
    entry = {"class_name": "CuDNNLSTM", "config": config}
    text = {"class_name": "Sequential", "config": [entry], "keras_version": "2.2.4"}
    layer = model_from_json(json.dumps(text)).layers[0]
    assert isinstance(layer, layers.LSTM)
    assert layer.recurrent_activation is cornu.activations.sigmoid
