"""Convolutional LSTM layers: states, shapes, dropout, files and errors."""

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from tests.conformance.faults import fault

X = np.random.default_rng(0).normal(size=(2, 4, 5, 6, 3)).astype("float32")


def test_time_steps_may_be_unknown():
    frames = cornu.Input((None, 5, 6, 3))
    layer = layers.ConvLSTM2D(2, 3, strides=2, padding="same", return_sequences=True)
    model = cornu.Model(frames, layer(frames))
    assert model.output_shape == (None, None, 3, 3, 2)
    assert model(X).shape == (2, 4, 3, 3, 2) and model(X[:, :1]).shape == (2, 1, 3, 3, 2)


@pytest.mark.parametrize("options", [{"stateful": True}, {"return_state": True}])
def test_a_sequence_may_be_processed_in_pieces(options):
    whole = layers.ConvLSTM2D(2, 3)
    expected = whole(X)
    pieces = layers.ConvLSTM2D(2, 3, **options)
    pieces.build(X.shape)
    for variable, value in zip(pieces.cell.weights, whole.get_weights(), strict=True):
        variable.assign(value)
    if "stateful" in options:
        pieces(X[:, :2])
        after = pieces(X[:, 2:])
        pieces.reset_state()
        np.testing.assert_allclose(pieces(X), expected, atol=1e-6)
    else:
        _, *states = pieces(X[:, :2])
        after, *_ = pieces(X[:, 2:], initial_state=states)
    np.testing.assert_allclose(after, expected, atol=1e-6)


def test_unrolled_steps_compute_the_same():
    one, other = (layers.ConvLSTM1D(2, 2, unroll=unroll, seed=1) for unroll in (False, True))
    x = X[:, :, 0]
    one(x)
    other(x)
    other.set_weights(one.get_weights())
    np.testing.assert_allclose(one(x), other(x), atol=1e-6)
    assert other.get_config()["unroll"] is True


def test_dropout_is_the_same_in_all_steps_and_differs_between_gates():
    layer = layers.ConvLSTM1D(1, 1, dropout=0.5, recurrent_dropout=0.5, use_bias=False)
    layer(X[:, :, 0])
    cell = layer.cell
    masks = cell.get_dropout_mask(X[:, 0, 0])
    assert len(masks) == 4 and {mask.shape for mask in masks} == {(2, 6, 3)}
    assert not (np.asarray(masks[0]) == np.asarray(masks[1])).all()
    cell.reset_dropout_mask()
    # Without a bias and with an input of zeros, nothing remains that dropout could change.
    zeros = layer(np.zeros((2, 4, 6, 3), "float32"), training=True)
    assert not np.asarray(zeros).any()
    assert not np.allclose(layer(X[:, :, 0], training=True), layer(X[:, :, 0]))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_bidirectional(data_format):
    x = X if data_format == "channels_last" else np.moveaxis(X, -1, 2)
    inner = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True, data_format=data_format)
    layer = layers.Bidirectional(inner, merge_mode="sum")
    y = np.asarray(layer(x))
    forward, backward = layer.forward_layer(x), layer.backward_layer(x)
    np.testing.assert_allclose(y, forward + np.flip(backward, 1), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("writer", "reader"), [(cornu, keras), (keras, cornu)])
def test_files_are_exchanged_with_keras(writer, reader, tmp_path):
    frames = writer.Input((4, 5, 6, 3))
    x = writer.layers.ConvLSTM2D(2, (2, 3), dilation_rate=(1, 2), return_sequences=True)(frames)
    inner = writer.layers.ConvLSTM2D(2, 2, recurrent_activation="hard_sigmoid")
    model = writer.Model(frames, writer.layers.Bidirectional(inner)(x))
    path = str(tmp_path / "model.keras")
    model.save(path)
    np.testing.assert_allclose(reader.models.load_model(path)(X), model(X), atol=1e-5)


def test_config_is_that_of_keras():
    options = {"filters": 2, "kernel_size": 2, "strides": 2, "dropout": 0.5, "seed": 3}
    ours, theirs = (k.layers.ConvLSTM2D(**options).get_config() for k in (cornu, keras))
    names = ("kernel_size", "strides", "dilation_rate", "padding", "data_format", "unroll", "seed")
    assert ours.keys() == theirs.keys()
    assert all(ours[name] == theirs[name] for name in names)


def test_outputs_at_masked_steps_repeat_or_are_zero():
    mask = np.array([[True, False, True, False], [False, True, True, True]])
    repeating, zero = (
        layers.ConvLSTM1D(2, 2, return_sequences=True, zero_output_for_mask=zero, seed=1)
        for zero in (False, True)
    )
    y = np.asarray(repeating(X[:, :, 0], mask=mask))
    zero.build((2, 4, 6, 3))
    zero.set_weights(repeating.get_weights())
    np.testing.assert_array_equal(y[0, 1], y[0, 0])
    np.testing.assert_allclose(zero(X[:, :, 0], mask=mask), y * mask[..., None, None], atol=1e-6)


@fault("layers.ConvLSTM1D", "layers.ConvLSTM2D", "layers.ConvLSTM3D")
def test_masked_steps_change_nothing():
    mask = np.array([[True, False, True, True]] * 2)
    layer = layers.ConvLSTM2D(2, 2)
    expected = layer(X[:, [0, 2, 3]])
    np.testing.assert_allclose(layer(X, mask=mask), expected, atol=1e-6)
    with pytest.raises(ValueError, match="Incompatible shapes for broadcasting"):
        keras.layers.ConvLSTM2D(2, 2)(X, mask=mask)


def test_training_lowers_the_loss():
    frames = cornu.Input((4, 5, 6, 3))
    x = layers.ConvLSTM2D(2, 3, padding="same")(frames)
    model = cornu.Model(frames, layers.Conv2D(3, 1)(x))
    model.compile(cornu.optimizers.Adam(0.03), "mse")
    losses = model.fit(X[:, :, ::-1], X[:, 3], epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({}, (2, 5, 6, 3), "Sequences of images have the shape"),
        ({}, (2, 4, None, 6, 3), "spatial sizes must be known"),
        ({"kernel_size": 7}, (2, 4, 5, 6, 3), "the kernel is larger than the input"),
        ({"strides": 2, "dilation_rate": 2}, (2, 4, 5, 6, 3), "cannot both be greater than 1"),
        ({"padding": "causal"}, (2, 4, 5, 6, 3), "unknown `padding` 'causal'"),
        ({"filters": 0}, (2, 4, 5, 6, 3), "filters must be a positive integer"),
    ],
)
def test_errors(options, shape, message):
    with pytest.raises(ValueError, match=message):
        layer = layers.ConvLSTM2D(**{"filters": 2, "kernel_size": 2, **options})
        layer(cornu.Input(shape[1:], batch_size=shape[0]))


def test_initial_states_of_another_shape():
    layer = layers.ConvLSTM2D(2, 2)
    with pytest.raises(ValueError, match=r"expected initial states of shape \('batch', 4, 5, 2\)"):
        layer(X, initial_state=[np.zeros((2, 5, 6, 2), "float32")] * 2)
