"""Models of Keras 1 that are trained."""

import warnings

import numpy as np

from tests.dialects.keras1_case import numbers, recurrent_weights

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def trained(keras, optimizer, steps=4, loss="mse", **kwargs):
    weights = [numbers(4, 3), numbers(3)]
    model = keras.models.Sequential([keras.layers.Dense(3, weights=weights, input_dim=4, **kwargs)])
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
    for kwargs in (
        {"W_regularizer": "l2", "b_regularizer": "l1"},
        {"W_regularizer": r.l1l2(0.02, 0.03)},
        {"activity_regularizer": r.activity_l2(0.1)},
        {"W_constraint": "nonneg"},
        {"W_constraint": keras.constraints.maxnorm(0.5), "bias": True},
        {"W_constraint": "unitnorm", "b_constraint": keras.constraints.maxnorm(0.1)},
    ):
        yield from trained(keras, keras.optimizers.SGD(0.1), **kwargs)
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
    # The threads of Keras 1.2.2 prefetch, so that only whole numbers of samples can be compared.
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
        for kwargs in ({}, {"cooldown": 1}, {"cooldown": 2, "min_lr": 0.05}):
            kwargs = {"epsilon": 1e30, "patience": patience, **kwargs}
            yield rates(keras, kinds.ReduceLROnPlateau("loss", **kwargs))
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


@case
def stateful(keras):
    kwargs = {"stateful": True, "batch_input_shape": (2, 3, 4)}
    layer = keras.layers.GRU(5, weights=recurrent_weights(3, 4, 5), **kwargs)
    model = keras.models.Sequential([layer])
    model.compile("sgd", "mse")
    for _ in range(2):
        yield model.predict(numbers(2, 3, 4), batch_size=2)
    model.reset_states()
    yield model.predict(numbers(2, 3, 4), batch_size=2)
