"""Layers of Keras 1 with given and with initialized weights."""

import numpy as np

from tests.dialects.keras1_case import numbers, predicted, recurrent_weights

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


RANDOM_CASES = {}  # cases whose numbers are statistics of random ones: equal by some percent only


def random_case(function):
    RANDOM_CASES[function.__name__] = function
    return function


@case
def dense(keras):
    layer = keras.layers.Dense(3, "normal", "softplus", [numbers(4, 3), numbers(3)], input_dim=4)
    return predicted(keras, layer, numbers(5, 4))


@case
def time_distributed_dense(keras):
    weights = [numbers(4, 3), numbers(3)]
    layer = keras.layers.TimeDistributedDense(3, weights=weights, input_dim=4, input_length=6)
    return predicted(keras, layer, numbers(2, 6, 4))


@case
def time_distributed(keras):
    inner = keras.layers.Dense(3, weights=[numbers(4, 3), numbers(3)])
    layer = keras.layers.TimeDistributed(inner, input_shape=(6, 4))
    return predicted(keras, layer, numbers(2, 6, 4))


@case
def convolution_1d(keras):
    for border in ("valid", "same"):
        yield predicted(
            keras,
            keras.layers.Convolution1D(
                3,
                4,
                weights=[numbers(4, 1, 2, 3), numbers(3)],
                border_mode=border,
                subsample_length=2,
                input_dim=2,
                input_length=9,
            ),
            numbers(2, 9, 2),
        )


@case
def atrous_convolution(keras):
    yield predicted(
        keras,
        keras.layers.AtrousConvolution1D(
            3, 2, weights=[numbers(2, 1, 2, 3), numbers(3)], atrous_rate=2, input_shape=(9, 2)
        ),
        numbers(2, 9, 2),
    )
    yield predicted(
        keras,
        keras.layers.AtrousConvolution2D(
            3,
            2,
            3,
            weights=[numbers(2, 3, 2, 3), numbers(3)],
            atrous_rate=(2, 2),
            input_shape=(9, 8, 2),
        ),
        numbers(2, 9, 8, 2),
    )


@case
def convolution_2d(keras):
    for border in ("valid", "same"):
        yield predicted(
            keras,
            keras.layers.Convolution2D(
                4,
                2,
                3,
                "normal",
                "relu",
                [numbers(2, 3, 2, 4), numbers(4)],
                border,
                (2, 1),
                "tf",
                input_shape=(7, 8, 2),
            ),
            numbers(2, 7, 8, 2),
        )


@case
def convolution_2d_th(keras):
    layer = keras.layers.Conv2D(
        4,
        2,
        3,
        weights=[numbers(4, 2, 2, 3), numbers(4)],
        dim_ordering="th",
        input_shape=(2, 7, 8),
    )
    return predicted(keras, layer, numbers(2, 2, 7, 8))


@case
def convolution_3d(keras):
    yield predicted(
        keras,
        keras.layers.Convolution3D(
            3, 2, 3, 2, weights=[numbers(2, 3, 2, 2, 3), numbers(3)], input_shape=(4, 5, 6, 2)
        ),
        numbers(2, 4, 5, 6, 2),
    )
    yield predicted(
        keras,
        keras.layers.Convolution3D(
            3,
            2,
            3,
            2,
            weights=[numbers(3, 2, 2, 3, 2), numbers(3)],
            dim_ordering="th",
            input_shape=(2, 4, 5, 6),
        ),
        numbers(2, 2, 4, 5, 6),
    )


@case
def deconvolution_2d(keras):
    shapes = [
        ("valid", (1, 1), (3, 3), 6),
        ("valid", (2, 2), (3, 3), 9),
        ("valid", (2, 2), (3, 3), 10),
        ("same", (2, 2), (3, 3), 8),
        ("same", (2, 2), (3, 3), 7),
        ("same", (2, 2), (4, 4), 8),
        ("same", (2, 2), (4, 4), 7),
        ("same", (3, 3), (2, 2), 12),
    ]
    for border, strides, kernel, size in shapes:
        yield predicted(
            keras,
            keras.layers.Deconvolution2D(
                5,
                *kernel,
                (2, size, size, 5),
                weights=[numbers(*kernel, 2, 5), numbers(5)],
                border_mode=border,
                subsample=strides,
                input_shape=(4, 4, 2),
            ),
            numbers(2, 4, 4, 2),
        )


@case
def separable_convolution_2d(keras):
    layer = keras.layers.SeparableConvolution2D(
        3,
        3,
        2,
        weights=[numbers(3, 2, 2, 2), numbers(1, 1, 4, 3), numbers(3)],
        depth_multiplier=2,
        border_mode="same",
        input_shape=(5, 6, 2),
    )
    return predicted(keras, layer, numbers(2, 5, 6, 2))


@case
def pooling(keras):
    layers = keras.layers
    for kind in (layers.MaxPooling1D, layers.AveragePooling1D):
        yield predicted(keras, kind(2, 1, "same", input_shape=(5, 3)), numbers(2, 5, 3))
    for kind in (layers.MaxPooling2D, layers.AveragePooling2D):
        layer = kind((2, 3), (2, 1), "same", input_shape=(5, 6, 3))
        yield predicted(keras, layer, numbers(2, 5, 6, 3))
        layer = kind(dim_ordering="th", input_shape=(3, 5, 6))
        yield predicted(keras, layer, numbers(2, 3, 5, 6))
    for kind in (layers.MaxPooling3D, layers.AveragePooling3D):
        yield predicted(keras, kind(input_shape=(4, 5, 6, 2)), numbers(2, 4, 5, 6, 2))
    for kind in (layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D):
        yield predicted(keras, kind(input_shape=(4, 5)), numbers(2, 4, 5))
    for kind in (layers.GlobalMaxPooling2D, layers.GlobalAveragePooling2D):
        yield predicted(keras, kind("th", input_shape=(3, 4, 5)), numbers(2, 3, 4, 5))


@case
def resizing(keras):
    layers = keras.layers
    sequence, image, image_th = numbers(2, 4, 3), numbers(2, 4, 5, 3), numbers(2, 3, 4, 5)
    volume = numbers(1, 4, 5, 6, 2)
    for layer, x in (
        (layers.UpSampling1D(3, input_shape=(4, 3)), sequence),
        (layers.UpSampling2D((2, 3), input_shape=(4, 5, 3)), image),
        (layers.UpSampling2D((2, 3), "th", input_shape=(3, 4, 5)), image_th),
        (layers.UpSampling3D(input_shape=(4, 5, 6, 2)), volume),
        (layers.ZeroPadding1D(2, input_shape=(4, 3)), sequence),
        (layers.ZeroPadding1D((1, 2), input_shape=(4, 3)), sequence),
        (layers.ZeroPadding1D({"right_pad": 2}, input_shape=(4, 3)), sequence),
        (layers.ZeroPadding2D((1, 2), input_shape=(4, 5, 3)), image),
        (layers.ZeroPadding2D((1, 2, 3, 4), input_shape=(4, 5, 3)), image),
        (layers.ZeroPadding2D({"top_pad": 1, "right_pad": 2}, input_shape=(4, 5, 3)), image),
        (layers.ZeroPadding3D((1, 0, 2), input_shape=(4, 5, 6, 2)), volume),
        (layers.Cropping1D((1, 2), input_shape=(4, 3)), sequence),
        (layers.Cropping2D(((1, 0), (2, 1)), "th", input_shape=(3, 4, 5)), image_th),
        (layers.Cropping3D(input_shape=(4, 5, 6, 2)), volume),
    ):
        yield predicted(keras, layer, x)


@case
def reshaping(keras):
    layers = keras.layers
    x = numbers(2, 3, 4, 5)
    yield predicted(keras, layers.Flatten(input_shape=(3, 4, 5)), x)
    yield predicted(keras, layers.Reshape((5, -1), input_shape=(3, 4, 5)), x)
    yield predicted(keras, layers.Permute((3, 1, 2), input_shape=(3, 4, 5)), x)
    yield predicted(keras, layers.RepeatVector(3, input_shape=(4,)), numbers(2, 4))
    function = layers.Lambda(lambda x, by: x * by, arguments={"by": 3.0}, input_shape=(4,))
    yield predicted(keras, function, numbers(2, 4))


@case
def activations(keras):
    layers = keras.layers
    x = np.linspace(-4, 4, 30, dtype="float32").reshape(3, 10)
    for name in ("hard_sigmoid", "softmax", "softsign", "elu", "relu", "sigmoid"):
        yield predicted(keras, layers.Activation(name, input_shape=(10,)), x)
    yield predicted(keras, layers.LeakyReLU(0.1, input_shape=(10,)), x)
    yield predicted(keras, layers.PReLU(weights=[numbers(10)], input_shape=(10,)), x)
    yield predicted(keras, layers.ELU(0.5, input_shape=(10,)), x)
    yield predicted(keras, layers.ThresholdedReLU(0.7, input_shape=(10,)), x)


@case
def batch_normalization(keras):
    x = numbers(6, 4)
    given = [numbers(4), numbers(4, seed=1), numbers(4, seed=2), numbers(4, seed=3) + 2]
    for mode in (0, 1, 2):
        layer = keras.layers.BatchNormalization(0.01, mode, -1, weights=given, input_shape=(4,))
        yield predicted(keras, layer, x)


@case
def batch_normalization_trained(keras):
    for mode in (0, 1, 2):
        layer = keras.layers.BatchNormalization(mode=mode, momentum=0.7, input_shape=(4,))
        model = keras.models.Sequential([layer])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        for step in range(3):
            model.train_on_batch(numbers(6, 4, seed=step), numbers(6, 4, seed=9))
        yield from model.get_weights()
        yield model.predict(numbers(6, 4))


@case
def recurrent(keras):
    layers = keras.layers
    x = 3 * numbers(2, 7, 3)
    for kind, gates in ((layers.SimpleRNN, 1), (layers.GRU, 3), (layers.LSTM, 4)):
        weights = recurrent_weights(gates, 3, 5)
        kwargs = {"weights": weights, "input_dim": 3, "input_length": 7}
        yield predicted(keras, kind(5, **kwargs), x)
        kwargs.update(return_sequences=True, go_backwards=True)
        yield predicted(keras, kind(5, inner_init="uniform", **kwargs), x)
        fused = [np.concatenate(weights[i::3], -1) for i in range(3)]
        kwargs["weights"] = fused
        yield predicted(keras, kind(5, consume_less="gpu", **kwargs), x)


@case
def bidirectional(keras):
    layers = keras.layers
    weights = recurrent_weights(4, 3, 5) + [-w for w in recurrent_weights(4, 3, 5)]
    for mode in ("concat", "sum", "ave"):
        inner = layers.LSTM(5, return_sequences=mode != "sum")
        layer = layers.Bidirectional(inner, mode, weights, input_shape=(7, 3))
        yield predicted(keras, layer, numbers(2, 7, 3))


@case
def embedding_with_mask(keras):
    layers = keras.layers
    first = layers.Embedding(6, 3, input_length=5, mask_zero=True, weights=[numbers(6, 3)])
    last = layers.LSTM(4, weights=recurrent_weights(4, 3, 4))
    x = np.array([[1, 2, 3, 0, 0], [5, 0, 4, 1, 0], [0, 0, 1, 1, 1]])
    return predicted(keras, first, x, last)


@case
def merging(keras):
    layers = keras.layers
    a, b = layers.Input((4,)), layers.Input((4,))
    c, d = layers.Input((3, 4)), layers.Input((2, 4))
    flat, deep = [numbers(5, 4), numbers(5, 4, seed=1)], [numbers(5, 3, 4), numbers(5, 2, 4)]
    for mode in ("sum", "mul", "concat", "ave", "max", "dot", "cos"):
        output = layers.merge([a, b], mode=mode)
        yield keras.models.Model(input=[a, b], output=output).predict(flat)
    output = layers.merge([c, d], mode="dot", dot_axes=2)
    yield keras.models.Model(input=[c, d], output=output).predict(deep)
    output = layers.merge([c, d], mode="concat", concat_axis=1)
    yield keras.models.Model(input=[c, d], output=output).predict(deep)
    output = layers.merge([a, b], mode=lambda x: x[0] - x[1], output_shape=(4,))
    yield keras.models.Model(input=[a, b], output=output).predict(flat)


def begun(keras, layer):
    """Returns the standard deviations of two matrices, and the sum of all vectors."""
    weights = keras.models.Sequential([layer]).get_weights()
    spreads = [(w.std(), np.quantile(np.abs(w), 0.99)) for w in weights if w.ndim > 1]
    return np.array(
        [*spreads[0], *spreads[1 % len(spreads)], sum(w.sum() for w in weights if w.ndim == 1)]
    )


@random_case
def initializations(keras):
    layers = keras.layers
    for init in (
        *("uniform", "normal", "lecun_uniform", "glorot_uniform", "glorot_normal"),
        *("he_uniform", "he_normal"),
    ):
        yield begun(keras, layers.Dense(300, init=init, input_dim=200))
        yield begun(keras, layers.Convolution1D(64, 5, init=init, input_shape=(9, 100)))
        for ordering, shape in (("tf", (9, 9, 64)), ("th", (64, 9, 9))):
            kwargs = {"init": init, "dim_ordering": ordering, "input_shape": shape}
            yield begun(keras, layers.Convolution2D(128, 3, 3, **kwargs))
            whole = (None, 11, 11, 128) if ordering == "tf" else (None, 128, 11, 11)
            yield begun(keras, layers.Deconvolution2D(128, 3, 3, whole, **kwargs))
            yield begun(keras, layers.SeparableConvolution2D(128, 7, 7, **kwargs))
            kwargs["input_shape"] = (*shape[:1], 9, *shape[1:])
            yield begun(keras, layers.Convolution3D(64, 3, 3, 3, **kwargs))
        yield begun(keras, layers.Embedding(300, 100, init=init))
    for init in ("orthogonal", "identity", "one"):
        yield begun(keras, layers.Dense(300, init=init, input_dim=300))
    for fused in ("cpu", "gpu"):
        kwargs = {"input_dim": 150, "consume_less": fused}
        yield begun(keras, layers.SimpleRNN(200, **kwargs))
        for layer in (
            layers.GRU(200, **kwargs),
            layers.LSTM(200, **kwargs),
            layers.LSTM(200, forget_bias_init="zero", **kwargs),
        ):
            found = begun(keras, layer)
            # 1.2.2 forgot `inner_init` on its way to separate gates, unlike the versions before.
            yield found if fused == "gpu" else found[[0, 1, 4]]
