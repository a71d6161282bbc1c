"""Small programs in Keras 1, which run on Keras 1.2.2 itself and on cornu's dialect alike.

Each case takes the `keras` module and returns numbers. `scripts/make_keras1_reference.py` runs
them on the real one; the tests compare. Only what can be made exactly equal is here: weights are
given, nothing is drawn, and data is not shuffled.
"""

import warnings

import numpy as np

CASES = {}
DRAWN = {}  # cases whose numbers are statistics of random ones, and so equal by some percent only


def case(function):
    CASES[function.__name__] = function
    return function


def drawn(function):
    DRAWN[function.__name__] = function
    return function


def numbers(*shape, seed=0):
    return np.random.RandomState(seed + sum(shape)).uniform(-1, 1, shape).astype("float32")


def predicted(keras, layer, x, *more):
    model = keras.models.Sequential([layer, *more])
    model.compile("sgd", "mse")
    return model.predict(x)


# ------------------------------------------------------------------------------------------ layers


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


def recurrent_weights(count, inputs, units):
    given = []
    for gate in range(count):
        given += [
            numbers(inputs, units, seed=gate),
            numbers(units, units, seed=10 + gate),
            numbers(units, seed=20 + gate),
        ]
    return given


@case
def recurrent(keras):
    layers = keras.layers
    x = 3 * numbers(2, 7, 3)
    for kind, gates in ((layers.SimpleRNN, 1), (layers.GRU, 3), (layers.LSTM, 4)):
        weights = recurrent_weights(gates, 3, 5)
        words = {"weights": weights, "input_dim": 3, "input_length": 7}
        yield predicted(keras, kind(5, **words), x)
        words.update(return_sequences=True, go_backwards=True)
        yield predicted(keras, kind(5, inner_init="uniform", **words), x)
        fused = [np.concatenate(weights[i::3], -1) for i in range(3)]
        words["weights"] = fused
        yield predicted(keras, kind(5, consume_less="gpu", **words), x)


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


# ---------------------------------------------------------------------------------------- training


def trained(keras, optimizer, steps=4, loss="mse", **words):
    weights = [numbers(4, 3), numbers(3)]
    model = keras.models.Sequential([keras.layers.Dense(3, weights=weights, input_dim=4, **words)])
    model.compile(optimizer, loss)
    losses = [
        model.train_on_batch(numbers(6, 4, seed=step), numbers(6, 3, seed=step))
        for step in range(steps)
    ]
    return [*model.get_weights(), np.array(losses)]


@case
def optimizers(keras):
    kinds = keras.optimizers
    for name in ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam"):
        yield from trained(keras, name)
    for optimizer in (
        kinds.SGD(0.1, 0.9, 0.5, True),
        kinds.SGD(lr=0.5, clipnorm=0.1),
        kinds.SGD(lr=0.5, clipnorm=0.2, clipvalue=0.05),
        kinds.RMSprop(0.01, 0.8, 1e-2, 0.1),
        kinds.Adagrad(0.1, 1e-2, 0.1),
        kinds.Adadelta(0.9, 0.8, 1e-3, 0.1),
        kinds.Adam(0.01, 0.8, 0.9, 1e-3, decay=0.1),
        kinds.Adamax(0.01, 0.8, 0.9, 1e-3, decay=0.1),
        kinds.Nadam(0.01, 0.8, 0.9, 1e-3, schedule_decay=0.5),
    ):
        yield from trained(keras, optimizer)


@case
def penalties(keras):
    r = keras.regularizers
    for words in (
        {"W_regularizer": "l2", "b_regularizer": "l1"},
        {"W_regularizer": r.l1l2(0.02, 0.03)},
        {"activity_regularizer": r.activity_l2(0.1)},
        {"W_constraint": "nonneg"},
        {"W_constraint": keras.constraints.maxnorm(0.5), "bias": True},
        {"W_constraint": "unitnorm", "b_constraint": keras.constraints.maxnorm(0.1)},
    ):
        yield from trained(keras, keras.optimizers.SGD(0.1), **words)
    layers = keras.layers
    dense = layers.Dense(2, weights=[numbers(3, 2), numbers(2)], input_dim=3)
    model = keras.models.Sequential([dense, layers.ActivityRegularization(0.1, 0.2)])
    model.compile("sgd", "mse")
    yield np.array([model.train_on_batch(numbers(5, 3), numbers(5, 2)) for _ in range(2)])


@case
def constrained_kernels(keras):
    for ordering, shape, size, axes in (
        ("tf", (2, 2, 3, 4), (5, 5, 3), [0, 1, 2]),
        ("tf", (2, 2, 3, 4), (5, 5, 3), 0),
        ("th", (4, 3, 2, 2), (3, 5, 5), [1, 2, 3]),
        ("th", (4, 3, 2, 2), (3, 5, 5), 0),
    ):
        layer = keras.layers.Convolution2D(
            4,
            2,
            2,
            weights=[numbers(*shape), numbers(4)],
            dim_ordering=ordering,
            W_constraint=keras.constraints.maxnorm(0.3, axis=axes),
            input_shape=size,
        )
        model = keras.models.Sequential([layer, keras.layers.Flatten()])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        model.train_on_batch(numbers(2, *size), numbers(2, 64))
        yield model.predict(numbers(2, *size))


@case
def objectives(keras):
    dense = keras.layers.Dense(
        3, activation="softmax", weights=[numbers(4, 3), numbers(3)], input_dim=4
    )
    model = keras.models.Sequential([dense])
    x, rows = numbers(6, 4), np.eye(3)[[0, 2, 1, 1, 0, 2]]
    weights = np.array([1.0, 0.0, 2.0, 0.5, 0.0, 3.0])
    for loss in (
        *("mse", "mae", "mape", "msle", "squared_hinge", "hinge", "binary_crossentropy"),
        *("categorical_crossentropy", "kld", "poisson", "cosine_proximity"),
    ):
        model.compile("sgd", loss, metrics=["accuracy", "mae"])
        yield np.array(model.evaluate(x, rows, verbose=0))
        yield np.array(model.evaluate(x, rows, verbose=0, sample_weight=weights))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    yield np.array(model.evaluate(x, np.array([[0], [2], [1], [1], [0], [2]]), verbose=0))


@case
def weights_over_time(keras):
    layers = keras.layers
    masking = layers.Masking(input_shape=(5, 3))
    rnn = layers.SimpleRNN(2, weights=recurrent_weights(1, 3, 2), return_sequences=True)
    model = keras.models.Sequential([masking, rnn])
    model.compile("sgd", "mse", sample_weight_mode="temporal")
    x = numbers(4, 5, 3)
    x[1, 3:] = 0
    weights = np.ones((4, 5))
    weights[0, 2:] = 0
    weights[3] *= 2
    yield np.array(model.evaluate(x, numbers(4, 5, 2), verbose=0))
    yield np.array(model.evaluate(x, numbers(4, 5, 2), verbose=0, sample_weight=weights))


def by_name(history):
    return {name: np.array(values) for name, values in sorted(history.history.items())}


@case
def fitting(keras):
    layers = keras.layers
    for loss, last in (("binary_crossentropy", "sigmoid"), ("categorical_crossentropy", "softmax")):
        dense = layers.Dense(3, activation=last, weights=[numbers(4, 3), numbers(3)], input_dim=4)
        model = keras.models.Sequential([dense])
        model.compile("adam", loss, metrics=["accuracy"])
        y = np.eye(3)[np.arange(50) % 3]
        yield by_name(
            model.fit(
                numbers(50, 4),
                y,
                16,
                3,
                verbose=0,
                validation_split=0.2,
                shuffle=False,
                class_weight={0: 1.0, 1: 0.0, 2: 2.0},
            )
        )


@case
def two_outputs(keras):
    layers = keras.layers
    a, b = layers.Input((4,), name="a"), layers.Input((2,), name="b")
    both = layers.merge([a, b], mode="concat")
    one = layers.Dense(1, activation="sigmoid", weights=[numbers(6, 1), numbers(1)], name="one")(
        both
    )
    two = layers.Dense(3, weights=[numbers(6, 3), numbers(3)], name="two")(both)
    model = keras.models.Model(input=[a, b], output=[one, two])
    model.compile(
        "rmsprop", {"one": "binary_crossentropy", "two": "mse"}, ["acc"], loss_weights=[1.0, 0.2]
    )
    y = [(numbers(20, 1) > 0).astype("float32"), numbers(20, 3)]
    x = {"a": numbers(20, 4), "b": numbers(20, 2)}
    yield by_name(model.fit(x, y, 8, 2, 0, shuffle=False, validation_data=(x, y)))
    yield from model.predict(x)


@case
def branches(keras):
    layers, models = keras.layers, keras.models
    left, right = (
        models.Sequential([layers.Dense(2, weights=[numbers(n, 2), numbers(2)], input_dim=n)])
        for n in (3, 4)
    )
    for mode in ("sum", "concat", "mul"):
        model = models.Sequential()
        model.add(layers.Merge([left, right], mode=mode))
        size = 4 if mode == "concat" else 2
        model.add(layers.Dense(2, weights=[numbers(size, 2), numbers(2)]))
        model.compile(keras.optimizers.SGD(0.1), "mse")
        x = [numbers(7, 3), numbers(7, 4)]
        yield by_name(model.fit(x, numbers(7, 2), 4, 2, 0, shuffle=False))
        yield model.predict(x)


@case
def generators(keras):
    def batches():
        step = 0
        while True:
            count = (3, 5, 4)[step % 3]
            yield numbers(count, 4, seed=step), numbers(count, 3, seed=step)
            step += 1

    weights = [numbers(4, 3), numbers(3)]
    model = keras.models.Sequential([keras.layers.Dense(3, weights=weights, input_dim=4)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit_generator(
            batches(),
            10,
            3,
            verbose=0,
            validation_data=(numbers(9, 4), numbers(9, 3)),
            nb_worker=1,
            max_q_size=1,
        )
    yield by_name(history)
    # The threads of Keras 1.2.2 draw ahead, so that only whole numbers of samples can be compared.
    yield np.array(model.evaluate_generator(batches(), 12))
    yield model.predict_generator(batches(), 12)


def rates(keras, *callbacks):
    """Trains towards nothing with some callbacks, and returns the learning rate of each epoch."""
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert "loss" in logs
            seen.append(float(keras.backend.get_value(self.model.optimizer.lr)))

    dense = keras.layers.Dense(1, weights=[numbers(2, 1), numbers(1)], input_dim=2)
    model = keras.models.Sequential([dense])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(4 * numbers(8, 2), numbers(8, 1), 8, 12, 0, [*callbacks, Rates()])
    return np.array(seen)


@case
def callbacks(keras):
    kinds = keras.callbacks
    for patience in (0, 1, 3):
        for words in ({}, {"cooldown": 1}, {"cooldown": 2, "min_lr": 0.05}):
            words = {"epsilon": 1e30, "patience": patience, **words}
            yield rates(keras, kinds.ReduceLROnPlateau("loss", **words))
        yield rates(keras, kinds.EarlyStopping("loss", min_delta=1e30, patience=patience))
        yield rates(keras, kinds.EarlyStopping("loss", mode="max", patience=patience))
    yield rates(keras, kinds.LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch)))


@case
def own_layer(keras):
    K = keras.backend

    class Scaled(keras.engine.topology.Layer):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super(Scaled, self).__init__(**kwargs)  # noqa: UP008

        def build(self, input_shape):
            shape = (input_shape[1], self.output_dim)
            self.W = self.add_weight(shape, "one", name="W", trainable=True)
            self.b = K.variable(np.ones(self.output_dim))
            self.trainable_weights = [self.W, self.b]
            super(Scaled, self).build(input_shape)  # noqa: UP008

        def call(self, x, mask=None):
            return K.dot(x, self.W) + self.b

        def get_output_shape_for(self, input_shape):
            return (input_shape[0], self.output_dim)

    model = keras.models.Sequential([Scaled(3, input_shape=(4,))])
    model.compile(keras.optimizers.SGD(0.1), lambda y, p: K.mean(K.square(y - p), axis=-1))
    model.train_on_batch(numbers(6, 4), numbers(6, 3))
    yield model.predict(numbers(6, 4))
    yield np.array([w.shape for w in model.get_weights()][0])


@case
def backend(keras):
    K = keras.backend
    x = numbers(3, 4)
    v = K.variable(x)
    for value in (
        *(K.sum(v, axis=1), K.mean(v), K.sqrt(K.abs(v)), K.max(v, axis=0, keepdims=True)),
        *(K.dot(v, K.transpose(v)), K.square(v), K.exp(v), K.clip(v, -0.5, 0.5), K.sign(v)),
        *(K.softmax(v), K.relu(v, 0.1, 0.5), K.hard_sigmoid(v), K.l2_normalize(v, 1)),
        *(K.concatenate([v, v], axis=0), K.repeat(v, 2), K.repeat_elements(v, 2, 1)),
        *(K.expand_dims(v), K.permute_dimensions(v, (1, 0)), K.batch_flatten(K.repeat(v, 2))),
        *(K.var(v, axis=1), K.std(v, axis=0), K.pow(v, 2), K.maximum(v, 0.0), K.argmax(v)),
        *(K.lesser(v, 0.0), K.reshape(v, (4, 3)), K.tile(v, (1, 2)), K.flatten(v)),
    ):
        yield np.asarray(K.eval(value)).astype("float32")


# ------------------------------------------------------------------------------------------- chance


def begun(keras, layer):
    """Returns spread and limit of each matrix that a layer begins with, and the sum of the rest."""
    weights = keras.models.Sequential([layer]).get_weights()
    spreads = [(w.std(), np.abs(w).max()) for w in weights if w.ndim > 1]
    return np.array(
        [*spreads[0], *spreads[1 % len(spreads)], sum(w.sum() for w in weights if w.ndim == 1)]
    )


@drawn
def initializations(keras):
    layers = keras.layers
    for init in (
        *("uniform", "normal", "lecun_uniform", "glorot_uniform", "glorot_normal"),
        *("he_uniform", "he_normal"),
    ):
        yield begun(keras, layers.Dense(300, init=init, input_dim=200))
        yield begun(keras, layers.Convolution1D(64, 5, init=init, input_shape=(9, 100)))
        for ordering, shape in (("tf", (9, 9, 64)), ("th", (64, 9, 9))):
            words = {"init": init, "dim_ordering": ordering, "input_shape": shape}
            yield begun(keras, layers.Convolution2D(128, 3, 3, **words))
            whole = (None, 11, 11, 128) if ordering == "tf" else (None, 128, 11, 11)
            yield begun(keras, layers.Deconvolution2D(128, 3, 3, whole, **words))
            yield begun(keras, layers.SeparableConvolution2D(128, 7, 7, **words))
            words["input_shape"] = (*shape[:1], 9, *shape[1:])
            yield begun(keras, layers.Convolution3D(64, 3, 3, 3, **words))
        yield begun(keras, layers.Embedding(300, 100, init=init))
    for init in ("orthogonal", "identity", "one"):
        yield begun(keras, layers.Dense(300, init=init, input_dim=300))
    for fused in ("cpu", "gpu"):
        words = {"input_dim": 150, "consume_less": fused}
        yield begun(keras, layers.SimpleRNN(200, **words))
        yield begun(keras, layers.GRU(200, **words))
        yield begun(keras, layers.LSTM(200, **words))
        yield begun(keras, layers.LSTM(200, forget_bias_init="zero", **words))


def flattened(result):
    """Returns the numbers of a case by name, in order."""
    parts = [result] if isinstance(result, np.ndarray) else list(result)
    found = {}
    for i, part in enumerate(parts):
        if isinstance(part, dict):
            found.update({f"{i}/{name}": np.asarray(value) for name, value in part.items()})
        else:
            found[f"{i}"] = np.asarray(part)
    return found
