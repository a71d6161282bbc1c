"""Every row of the table of layers: arguments of Keras 1, equal to the Keras 3 class."""

import json
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import layers as modern
from cornu.dialects.keras1 import load
from cornu.legacy.keras1.class_mapping import OldClass, parse_signature
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS
from cornu.legacy.layers.activations import ParametricSoftplus, SReLU
from cornu.legacy.layers.dense import Highway, MaxoutDense
from cornu.legacy.layers.locally_connected import LocallyConnected1D, LocallyConnected2D

K = load()
ERA = K.layers
SPELLINGS = {row.old_name: vars(ERA)[row.old_name] for rows in LAYERS.values() for row in rows}
SIGNATURES = json.loads((Path(__file__).parent / "keras1_signatures.json").read_text())

LAST, FIRST = "channels_last", "channels_first"

# For each row: as the era wrote it, as it is written today, and the shape of an input.
EXAMPLES = {
    "Dense": (
        lambda k: k.Dense(3, "uniform", "tanh", None, "l2", bias=False, input_dim=4),
        lambda m: m.Dense(3, "tanh", False, kernel_regularizer="l2"),
        (2, 4),
    ),
    "Activation": (lambda k: k.Activation("relu"), lambda m: m.Activation("relu"), (2, 4)),
    "Dropout": (lambda k: k.Dropout(0.5), lambda m: m.Dropout(0.5), (2, 4)),
    "SpatialDropout1D": (
        lambda k: k.SpatialDropout1D(0.5),
        lambda m: m.SpatialDropout1D(0.5),
        (2, 3, 4),
    ),
    "SpatialDropout2D": (
        lambda k: k.SpatialDropout2D(0.5, "th"),
        lambda m: m.SpatialDropout2D(0.5, FIRST),
        (2, 3, 4, 5),
    ),
    "SpatialDropout3D": (
        lambda k: k.SpatialDropout3D(0.5),
        lambda m: m.SpatialDropout3D(0.5),
        (2, 3, 4, 5, 2),
    ),
    "Masking": (lambda k: k.Masking(0.5), lambda m: m.Masking(0.5), (2, 3, 4)),
    "Reshape": (lambda k: k.Reshape((2, 6)), lambda m: m.Reshape((2, 6)), (2, 3, 4)),
    "Permute": (lambda k: k.Permute((2, 1)), lambda m: m.Permute((2, 1)), (2, 3, 4)),
    "Flatten": (lambda k: k.Flatten(), lambda m: m.Flatten(), (2, 3, 4)),
    "RepeatVector": (lambda k: k.RepeatVector(3), lambda m: m.RepeatVector(3), (2, 4)),
    "Lambda": (
        lambda k: k.Lambda(lambda x: 2 * x, lambda shape: shape),
        lambda m: m.Lambda(lambda x: 2 * x),
        (2, 4),
    ),
    "ActivityRegularization": (
        lambda k: k.ActivityRegularization(0.1, l2=0.2),
        lambda m: m.ActivityRegularization(0.1, 0.2),
        (2, 4),
    ),
    "TimeDistributedDense": (
        lambda k: k.TimeDistributedDense(3, activation="relu", input_dim=4, input_length=5),
        lambda m: m.TimeDistributed(m.Dense(3, "relu")),
        (2, 5, 4),
    ),
    "Convolution1D": (
        lambda k: k.Convolution1D(3, 2, "normal", "relu", None, "same", 2),
        lambda m: m.Conv1D(3, 2, 2, "same", activation="relu"),
        (2, 7, 4),
    ),
    "AtrousConvolution1D": (
        lambda k: k.AtrousConvolution1D(3, 2, atrous_rate=3),
        lambda m: m.Conv1D(3, 2, dilation_rate=3),
        (2, 7, 4),
    ),
    "Convolution2D": (
        lambda k: k.Convolution2D(3, 2, 1, subsample=(2, 1), bias=False),
        lambda m: m.Conv2D(3, (2, 1), (2, 1), use_bias=False),
        (2, 5, 6, 4),
    ),
    "AtrousConvolution2D": (
        lambda k: k.AtrousConvolution2D(3, 2, 1, atrous_rate=(2, 1)),
        lambda m: m.Conv2D(3, (2, 1), dilation_rate=(2, 1)),
        (2, 5, 6, 4),
    ),
    "Deconvolution2D": (
        lambda k: k.Deconvolution2D(3, 2, 2, (None, 10, 12, 3), subsample=(2, 2)),
        lambda m: m.Conv2DTranspose(3, 2, 2),
        (2, 5, 6, 4),
    ),
    "SeparableConvolution2D": (
        lambda k: k.SeparableConvolution2D(3, 2, 1, depth_multiplier=2, border_mode="same"),
        lambda m: m.SeparableConv2D(3, (2, 1), padding="same", depth_multiplier=2),
        (2, 5, 6, 4),
    ),
    "Convolution3D": (
        lambda k: k.Convolution3D(3, 2, 1, 2, subsample=(1, 2, 1)),
        lambda m: m.Conv3D(3, (2, 1, 2), (1, 2, 1)),
        (2, 4, 5, 6, 2),
    ),
    "UpSampling1D": (lambda k: k.UpSampling1D(3), lambda m: m.UpSampling1D(3), (2, 3, 4)),
    "UpSampling2D": (
        lambda k: k.UpSampling2D((1, 2), "th"),
        lambda m: m.UpSampling2D((1, 2), FIRST),
        (2, 3, 4, 5),
    ),
    "UpSampling3D": (lambda k: k.UpSampling3D(), lambda m: m.UpSampling3D(), (1, 2, 3, 4, 2)),
    "ZeroPadding1D": (
        lambda k: k.ZeroPadding1D({"left_pad": 1}),
        lambda m: m.ZeroPadding1D((1, 0)),
        (2, 3, 4),
    ),
    "ZeroPadding2D": (
        lambda k: k.ZeroPadding2D((1, 2, 3, 4)),
        lambda m: m.ZeroPadding2D(((1, 2), (3, 4))),
        (2, 3, 4, 5),
    ),
    "ZeroPadding3D": (
        lambda k: k.ZeroPadding3D((1, 0, 2), dim_ordering="th"),
        lambda m: m.ZeroPadding3D((1, 0, 2), data_format=FIRST),
        (1, 2, 3, 4, 2),
    ),
    "Cropping1D": (lambda k: k.Cropping1D((0, 1)), lambda m: m.Cropping1D((0, 1)), (2, 3, 4)),
    "Cropping2D": (
        lambda k: k.Cropping2D(((0, 1), (1, 0))),
        lambda m: m.Cropping2D(((0, 1), (1, 0))),
        (2, 3, 4, 5),
    ),
    "Cropping3D": (lambda k: k.Cropping3D(), lambda m: m.Cropping3D(), (1, 3, 4, 5, 2)),
    "MaxPooling1D": (
        lambda k: k.MaxPooling1D(3, 1, "same"),
        lambda m: m.MaxPooling1D(3, 1, "same"),
        (2, 5, 4),
    ),
    "AveragePooling1D": (
        lambda k: k.AveragePooling1D(pool_length=3, stride=2),
        lambda m: m.AveragePooling1D(3, 2),
        (2, 5, 4),
    ),
    "MaxPooling2D": (lambda k: k.MaxPooling2D(), lambda m: m.MaxPooling2D(), (2, 4, 5, 3)),
    "AveragePooling2D": (
        lambda k: k.AveragePooling2D((2, 3), (1, 1), "same", "th"),
        lambda m: m.AveragePooling2D((2, 3), (1, 1), "same", FIRST),
        (2, 4, 5, 3),
    ),
    "MaxPooling3D": (lambda k: k.MaxPooling3D(), lambda m: m.MaxPooling3D(), (1, 4, 5, 4, 3)),
    "AveragePooling3D": (
        lambda k: k.AveragePooling3D(),
        lambda m: m.AveragePooling3D((2, 2, 2)),
        (1, 4, 5, 4, 3),
    ),
    "GlobalMaxPooling1D": (
        lambda k: k.GlobalMaxPooling1D(),
        lambda m: m.GlobalMaxPooling1D(),
        (2, 3, 4),
    ),
    "GlobalAveragePooling1D": (
        lambda k: k.GlobalAveragePooling1D(),
        lambda m: m.GlobalAveragePooling1D(),
        (2, 3, 4),
    ),
    "GlobalMaxPooling2D": (
        lambda k: k.GlobalMaxPooling2D("th"),
        lambda m: m.GlobalMaxPooling2D(FIRST),
        (2, 3, 4, 5),
    ),
    "GlobalAveragePooling2D": (
        lambda k: k.GlobalAveragePooling2D(),
        lambda m: m.GlobalAveragePooling2D(),
        (2, 3, 4, 5),
    ),
    "GlobalMaxPooling3D": (
        lambda k: k.GlobalMaxPooling3D(),
        lambda m: m.GlobalMaxPooling3D(),
        (2, 3, 4, 5, 2),
    ),
    "GlobalAveragePooling3D": (
        lambda k: k.GlobalAveragePooling3D("tf"),
        lambda m: m.GlobalAveragePooling3D(),
        (2, 3, 4, 5, 2),
    ),
    "Embedding": (
        lambda k: k.Embedding(1, 3, "normal", 4, mask_zero=True),
        lambda m: m.Embedding(1, 3, mask_zero=True),
        (2, 4),
    ),
    "SimpleRNN": (
        lambda k: k.SimpleRNN(3, return_sequences=True, input_dim=4, consume_less="mem"),
        lambda m: m.SimpleRNN(3, return_sequences=True),
        (2, 5, 4),
    ),
    "GRU": (
        lambda k: k.GRU(3, "normal", "uniform", "relu", "sigmoid", go_backwards=True),
        lambda m: m.GRU(3, "relu", "sigmoid", reset_after=False, go_backwards=True),
        (2, 5, 4),
    ),
    "LSTM": (
        lambda k: k.LSTM(3, inner_activation="sigmoid", dropout_W=0.5, dropout_U=0.5),
        lambda m: m.LSTM(3, dropout=0.5, recurrent_dropout=0.5),
        (2, 5, 4),
    ),
    "BatchNormalization": (
        lambda k: k.BatchNormalization(0.01, 0, 1, 0.5),
        lambda m: m.BatchNormalization(axis=1, epsilon=0.01, momentum=0.5),
        (2, 3, 4),
    ),
    "GaussianNoise": (lambda k: k.GaussianNoise(0.5), lambda m: m.GaussianNoise(0.5), (2, 4)),
    "GaussianDropout": (lambda k: k.GaussianDropout(0.5), lambda m: m.GaussianDropout(0.5), (2, 4)),
    "LeakyReLU": (lambda k: k.LeakyReLU(alpha=0.1), lambda m: m.LeakyReLU(0.1), (2, 4)),
    "PReLU": (
        lambda k: k.PReLU("one", shared_axes=[1]),
        lambda m: m.PReLU("ones", shared_axes=[1]),
        (2, 3, 4),
    ),
    "ELU": (lambda k: k.ELU(0.5), lambda m: m.ELU(0.5), (2, 4)),
    "ThresholdedReLU": (
        lambda k: k.ThresholdedReLU(0.2),
        lambda m: m.ReLU(threshold=0.2),
        (2, 4),
    ),
    "MaxoutDense": (lambda k: k.MaxoutDense(3, 2), lambda m: MaxoutDense(3, 2), (2, 4)),
    "Highway": (lambda k: k.Highway("one", "tanh"), lambda m: Highway("tanh"), (2, 4)),
    "ParametricSoftplus": (
        lambda k: k.ParametricSoftplus(0.3, shared_axes=[1]),
        lambda m: ParametricSoftplus(0.3, shared_axes=[1]),
        (2, 3, 4),
    ),
    "SReLU": (lambda k: k.SReLU("one"), lambda m: SReLU("ones"), (2, 3, 4)),
    "LocallyConnected1D": (
        lambda k: k.LocallyConnected1D(3, 2, subsample_length=2),
        lambda m: LocallyConnected1D(3, 2, 2),
        (2, 5, 4),
    ),
    "LocallyConnected2D": (
        lambda k: k.LocallyConnected2D(3, 2, 1, dim_ordering="th"),
        lambda m: LocallyConnected2D(3, (2, 1), data_format=FIRST),
        (2, 3, 4, 5),
    ),
    "ConvLSTM2D": (
        lambda k: k.ConvLSTM2D(2, 3, 1, inner_activation="sigmoid", return_sequences=True),
        lambda m: m.ConvLSTM2D(2, (3, 1), return_sequences=True),
        (1, 2, 4, 4, 3),
    ),
    "Wrapper": (None, None, None),
    "TimeDistributed": (
        lambda k: k.TimeDistributed(k.Dense(3), input_shape=(5, 4)),
        lambda m: m.TimeDistributed(m.Dense(3)),
        (2, 5, 4),
    ),
    "Bidirectional": (
        lambda k: k.Bidirectional(k.SimpleRNN(3), "sum"),
        lambda m: m.Bidirectional(m.SimpleRNN(3), "sum"),
        (2, 5, 4),
    ),
}


def test_every_row_has_an_example():
    assert set(EXAMPLES) == set(SPELLINGS)


@pytest.mark.parametrize("name", SPELLINGS)
def test_signatures_are_those_of_keras_1(name):
    own = [
        p
        for p in SPELLINGS[name].__signature__.parameters.values()
        if p.kind == p.POSITIONAL_OR_KEYWORD
    ]
    ours = [p.name if p.default is p.empty else [p.name, p.default] for p in own]
    assert json.loads(json.dumps(ours)) == SIGNATURES[name]


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example[0]])
def test_a_keras_1_layer_is_the_current_layer(name):
    old, new, shape = EXAMPLES[name]
    ours, theirs = old(ERA), new(modern)
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")
    outputs = ours(x), theirs(x)
    theirs.set_weights([v.numpy() for v in ours.weights])
    outputs = ours(x), theirs(x)
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-6, atol=1e-6)
    assert isinstance(ours, type(theirs))
    assert isinstance(ours, SPELLINGS[name])
    assert isinstance(ours, ERA.Layer)
    for word in ("padding", "strides", "data_format", "dilation_rate", "rate", "axis"):
        assert vars(ours).get(word) == vars(theirs).get(word)


@pytest.mark.parametrize("name", SPELLINGS)
def test_unknown_arguments_are_rejected(name):
    with pytest.raises(TypeError, match=f"{name} of Keras 1 has no argument 'nonsense'.*\n.*name"):
        SPELLINGS[name](nonsense=1)


def test_errors_translate_keras_3_arguments():
    with pytest.raises(TypeError, match="Keras 1 calls it 'output_dim'"):
        ERA.Dense(units=3)
    with pytest.raises(TypeError, match="Keras 1 calls it 'border_mode'"):
        ERA.Convolution2D(8, 3, 3, padding="same")
    with pytest.raises(TypeError, match="missing a required argument: 'nb_col'"):
        ERA.Convolution2D(8, 3)
    with pytest.raises(TypeError, match="too many positional"):
        ERA.Dropout(0.5, None, None, 1)


def test_values_that_keras_1_did_not_have():
    with pytest.raises(ValueError, match="no initialization 'glorot'. Did you mean"):
        ERA.Dense(3, init="glorot")
    with pytest.raises(ValueError, match="no activation 'gelu'"):
        ERA.Activation("gelu")
    with pytest.raises(ValueError, match="'valid' or 'same'"):
        ERA.Convolution2D(3, 3, 3, border_mode="full")
    with pytest.raises(ValueError, match="'tf' or 'th'. Received: 'channels_last'"):
        ERA.MaxPooling2D(dim_ordering="channels_last")
    with pytest.raises(ValueError, match="mode must be 0, 1 or 2"):
        ERA.BatchNormalization(mode=3)


def test_aliases_have_the_positions_of_keras_1():
    for alias, name in ALIASES["convolutional"].items():
        assert vars(ERA)[alias] is vars(ERA)[name]
    assert ERA.Conv2D(8, 3, 2).kernel_size == (3, 2)


def test_names_count_from_one_by_the_lower_case_class():
    cornu.utils.clear_session()
    assert [ERA.Dense(1).name, ERA.Dense(1).name] == ["dense_1", "dense_2"]
    assert ERA.MaxPooling2D().name == "maxpooling2d_1"
    assert ERA.Dense(1, name="own").name == "own"
    assert ERA.Input((3,)).name == "input_1"


def test_the_default_ordering_can_be_set():
    backend = K.backend
    assert backend.image_dim_ordering() == "tf"
    assert ERA.Convolution2D(3, 3, 3).data_format == LAST
    backend.set_image_dim_ordering("th")
    try:
        assert ERA.Convolution2D(3, 3, 3).data_format == FIRST
        assert ERA.Convolution2D(3, 3, 3, dim_ordering="tf").data_format == LAST
        assert ERA.Flatten().data_format == ERA.MaxPooling1D().data_format == LAST
    finally:
        backend.set_image_dim_ordering("tf")


def test_hard_sigmoid_is_that_of_keras_1():
    x = np.array([-3.0, -1.0, 0.0, 0.5, 2.4, 3.0], "float32")
    expected = [0.0, 0.3, 0.5, 0.6, 0.98, 1.0]
    np.testing.assert_allclose(K.activations.hard_sigmoid(x), expected, rtol=1e-6)
    np.testing.assert_allclose(ERA.LSTM(2).recurrent_activation(x), expected, rtol=1e-6)
    assert abs(float(modern.Activation("hard_sigmoid")(x)[1]) - 0.3) > 0.03


def test_gates_are_initialized_separately():
    layer = ERA.LSTM(40, input_dim=40)
    layer.build((None, None, 40))
    kernel, recurrent, bias = [v.numpy() for v in layer.weights]
    limit = np.sqrt(6 / 80)
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    for block in np.split(recurrent, 4, axis=-1):
        np.testing.assert_allclose(block @ block.T, 1.21 * np.eye(40), atol=1e-5)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 40))


def test_user_initial_weights():
    def ramp(shape, name=None):
        return K.backend.variable(np.arange(np.prod(shape)).reshape(shape), name=name)

    for init in (ramp, lambda shape, name: K.initializations.normal(shape, scale=0.5, name=name)):
        layer = ERA.Dense(3, init=init, input_dim=2)
        layer.build((None, 2))
        assert layer.kernel.shape == (2, 3)
    layer = ERA.Dense(3, init=ramp, input_dim=2)
    layer.build((None, 2))
    assert layer.get_weights()[0].tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match=r"an array of shape \(2, 3\). Received shape \(3, 2\)"):
        ERA.Dense(3, weights=[np.ones((3, 2)), np.ones(3)]).build((None, 2))


def test_rows_of_an_embedding_are_dropped_whole():
    layer = ERA.Embedding(50, 8, init="one", dropout=0.5)
    assert isinstance(layer, ERA.Embedding)
    x = np.arange(50).reshape(2, 25)
    rows = np.asarray(layer(x, training=True)).reshape(50, 8)
    assert set(rows.ravel()) == {0.0, 2.0}
    assert (rows == rows[:, :1]).all()
    assert (np.asarray(layer(x)) == 1).all()


def test_a_subclass_of_a_translated_layer_takes_keras_1_arguments():
    class Twice(ERA.Dense):
        def __init__(self, output_dim, **kwargs):
            super().__init__(output_dim, "one", **kwargs)

        def call(self, x, mask=None):
            return 2 * super().call(x)

    layer = Twice(3, bias=False, input_dim=2)
    assert isinstance(layer, ERA.Dense)
    assert issubclass(Twice, ERA.Dense)
    assert np.asarray(layer(np.ones((1, 2)))).tolist() == [[4, 4, 4]]
    with pytest.raises(TypeError, match="no argument 'units'"):
        ERA.Layer(units=3)


def test_a_signature_equals_its_string():
    assert str(parse_signature("a, <B>, b=(1, 2)", "c=None")) == (
        "(a, border_mode='valid', subsample=(1, 1), b=(1, 2), *, c=None)"
    )
    assert all(isinstance(spelling, OldClass) for spelling in SPELLINGS.values())
