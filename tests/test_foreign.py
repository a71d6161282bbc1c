"""Objects of an installed Keras work, or are rejected with a replacement."""

import keras
import numpy as np
import pytest

import cornu
from cornu.registry import serialize

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = np.random.default_rng(1).uniform(size=(8, 1)).astype("float32")
WEIGHTS = np.linspace(0, 1, 8).astype("float32")


def train(optimizer="sgd", loss="mse", callbacks=None, metrics=None, **dense):
    start = cornu.initializers.Constant(0.5)
    head = cornu.layers.Dense(1, **{"kernel_initializer": start, **dense})
    model = cornu.Sequential([cornu.Input((3,)), head])
    model.compile(optimizer, loss, metrics=metrics)
    history = model.fit(
        X, Y, 4, 2, verbose=0, callbacks=callbacks, sample_weight=WEIGHTS, shuffle=False
    )
    return history.history["loss"]


class SquaredLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class Squares(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.1 * keras.ops.sum(keras.ops.square(x))


class Halved(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1 / (1.0 + keras.ops.cast(step, "float32"))


class OwnMetric(keras.metrics.Metric):
    pass


class OwnLayer(keras.layers.Layer):
    pass


class OwnOptimizer(keras.optimizers.Optimizer):
    pass


schedules, own_schedules = keras.optimizers.schedules, cornu.optimizers.schedules
SAME = {
    "loss": (lambda: {"loss": keras.losses.Huber(0.1)}, {"loss": cornu.losses.Huber(0.1)}),
    "loss class": (lambda: {"loss": keras.losses.Huber}, {"loss": "huber"}),
    "loss function": (lambda: {"loss": keras.losses.mean_squared_error}, {"loss": "mse"}),
    "own loss": (
        lambda: {"loss": SquaredLoss(reduction="sum")},
        {"loss": cornu.losses.MeanSquaredError(reduction="sum")},
    ),
    "regularizer": (
        lambda: {"kernel_regularizer": keras.regularizers.L2(0.1)},
        {"kernel_regularizer": cornu.regularizers.L2(0.1)},
    ),
    "own regularizer": (
        lambda: {"kernel_regularizer": Squares()},
        {"kernel_regularizer": cornu.regularizers.L2(0.1)},
    ),
    "constraint": (
        lambda: {"kernel_constraint": keras.constraints.MaxNorm(0.2)},
        {"kernel_constraint": cornu.constraints.MaxNorm(0.2)},
    ),
    "initializer": (
        lambda: {"kernel_initializer": keras.initializers.Constant(0.3)},
        {"kernel_initializer": cornu.initializers.Constant(0.3)},
    ),
    "activation": (lambda: {"activation": keras.activations.gelu}, {"activation": "gelu"}),
    "schedule": (
        lambda: {"optimizer": cornu.optimizers.SGD(schedules.ExponentialDecay(0.1, 1, 0.5))},
        {"optimizer": cornu.optimizers.SGD(own_schedules.ExponentialDecay(0.1, 1, 0.5))},
    ),
    "own schedule": (
        lambda: {"optimizer": cornu.optimizers.SGD(Halved())},
        {"optimizer": cornu.optimizers.SGD(own_schedules.InverseTimeDecay(0.1, 1, 1.0))},
    ),
    "function of the step": (
        lambda: {"optimizer": cornu.optimizers.SGD(lambda step: 0.1 / (1.0 + step))},
        {"optimizer": cornu.optimizers.SGD(own_schedules.InverseTimeDecay(0.1, 1, 1.0))},
    ),
    "policy": (lambda: {"dtype": keras.DTypePolicy("float32")}, {}),
}


@pytest.mark.parametrize("kind", SAME)
def test_objects_without_state_work(kind):
    foreign, own = SAME[kind]
    np.testing.assert_allclose(train(**foreign()), train(**own), 1e-5)


def test_objects_of_classes_of_keras_are_saved_as_those_of_cornu():
    for foreign, own in (
        (keras.initializers.HeNormal(seed=3), cornu.initializers.HeNormal(seed=3)),
        (keras.regularizers.L1L2(0.1, 0.2), cornu.regularizers.L1L2(0.1, 0.2)),
        (keras.activations.gelu, cornu.activations.gelu),
    ):
        found = cornu.registry.resolve(getattr(own, "_category_", "activations"), foreign)
        assert serialize(found) == serialize(own)


def rejected_programs():
    layers, x = cornu.layers, cornu.Input((4, 2))
    return {
        "cornu.metrics.AUC": lambda: train(metrics=[keras.metrics.AUC()]),
        "OwnMetric from cornu.metrics.Metric": lambda: train(metrics=[OwnMetric()]),
        "cornu.optimizers.Adam": lambda: train(optimizer=keras.optimizers.Adam()),
        "OwnOptimizer from cornu.optimizers": lambda: train(optimizer=OwnOptimizer(0.1)),
        "cornu.layers.Dense": lambda: cornu.Sequential([keras.layers.Dense(1)]),
        "OwnLayer from cornu.layers.Layer": lambda: cornu.Sequential([OwnLayer()]),
        "cornu.Sequential": lambda: cornu.Sequential([keras.Sequential()]),
        "cornu.layers.LSTM": lambda: layers.Bidirectional(keras.layers.LSTM(1)),
        "cornu.layers.Conv1D": lambda: layers.TimeDistributed(keras.layers.Conv1D(1, 1)),
        "cornu.layers.GRUCell": lambda: layers.RNN(keras.layers.GRUCell(1))(x),
        "cornu.Input": lambda: layers.Dense(1)(keras.Input((3,))),
        "use cornu.Input": lambda: cornu.Model(keras.Input((3,)), keras.Input((3,))),
        "cornu.callbacks.SwapEMAWeights": lambda: train(
            callbacks=[keras.callbacks.SwapEMAWeights()]
        ),
    }


class Holder(cornu.Model):
    def __init__(self, part):
        super().__init__()
        self.parts = {"first": [part]}

    def call(self, x):
        return self.parts["first"][0](x)


class HolderLayer(cornu.layers.Layer):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def build(self, input_shape):
        self.kernel = self.add_weight((1,))

    def call(self, x):
        return self.part(x)


class OwnModel(keras.Model):
    pass


class OwnSGD(keras.optimizers.SGD):
    pass


def keras_model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])


def fitted(layer):
    model = Holder(layer)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)


# Objects of Keras, with what to write instead, and the places that accept objects of their kind.
REJECTED = {
    "model": (
        keras_model,
        "write cornu.Sequential",
        [
            cornu.models.clone_model,
            cornu.models.edit,
            cornu.inspect.summary,
            lambda model: cornu.utils.plot_model(model, "unused.png"),
            lambda model: cornu.saving.save_model(model, "unused.keras"),
            lambda model: Holder(model)(X),
            lambda model: HolderLayer(model)(X),
            lambda model: cornu.Sequential([model]),
        ],
    ),
    "own model": (
        OwnModel,
        "derive OwnModel from cornu.Model",
        [cornu.models.clone_model, lambda model: Holder(model)(X)],
    ),
    "layer": (
        lambda: keras.layers.Dense(1),
        "write cornu.layers.Dense",
        [
            lambda layer: Holder(layer)(X),
            lambda layer: HolderLayer(layer)(X),
            fitted,
            cornu.layers.SpectralNormalization,
            lambda layer: cornu.layers.Pipeline([layer]),
        ],
    ),
    "own layer": (
        OwnLayer,
        "derive OwnLayer from cornu.layers.Layer",
        [cornu.layers.TimeDistributed, lambda layer: Holder(layer)(X)],
    ),
    "own metric": (
        OwnMetric,
        "derive OwnMetric from cornu.metrics.Metric",
        [cornu.metrics.get, lambda metric: Holder(metric)(X)],
    ),
    "optimizer": (
        lambda: keras.optimizers.Adam(),
        "write cornu.optimizers.Adam",
        [
            cornu.optimizers.get,
            cornu.optimizers.LossScaleOptimizer,
            cornu.optimizers.OptimizerMap,
            lambda optimizer: train(optimizer=optimizer),
        ],
    ),
    "own optimizer": (
        lambda: OwnSGD(),
        "derive OwnSGD from cornu.optimizers.SGD",
        [cornu.optimizers.get, cornu.optimizers.LossScaleOptimizer],
    ),
    "variable": (
        lambda: keras.Variable([1.0]),
        "write cornu.Variable",
        [
            lambda variable: cornu.optimizers.SGD().build([variable]),
            lambda variable: cornu.optimizers.SGD().apply([np.ones(1)], [variable]),
        ],
    ),
    "seed": (
        lambda: keras.random.SeedGenerator(1),
        "write cornu.random.SeedGenerator",
        [
            lambda seed: cornu.layers.Dropout(0.5, seed=seed)(X, training=True),
            lambda seed: cornu.random.normal((2,), seed=seed),
            lambda seed: cornu.initializers.RandomNormal(seed=seed),
        ],
    ),
    "tensor": (
        lambda: keras.Input((3,)),
        "cornu.Input",
        [
            cornu.ops.relu,
            cornu.layers.Dense(1),
            lambda tensor: cornu.ops.add(X, tensor),
            lambda tensor: cornu.Model(tensor, tensor),
        ],
    ),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_every_place_says_what_to_write_instead_of_an_object_of_keras(kind):
    make, remedy, places = REJECTED[kind]
    for place in places:
        with pytest.raises((TypeError, ValueError), match=remedy):
            place(make())


def test_keras_is_told_that_tensors_of_cornu_need_layers_of_cornu():
    for call in (keras.layers.Dense(1), keras.ops.relu, keras_model()):
        with pytest.raises((TypeError, ValueError), match=r"cornu\.(ops|layers)"):
            call(cornu.Input((3,)))


def test_objects_of_keras_that_compute_with_another_library_are_rejected(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    for use in (
        lambda: train(loss=keras.losses.Huber()),
        lambda: train(loss=SquaredLoss()),
        lambda: train(kernel_regularizer=Squares()),
    ):
        with pytest.raises(TypeError, match='KERAS_BACKEND="jax"'):
            use()
    # Those that cornu has itself do not depend on it.
    train(kernel_regularizer=keras.regularizers.L2(0.1))


@pytest.mark.parametrize("remedy", rejected_programs())
def test_objects_with_state_are_rejected_with_what_to_write(remedy):
    with pytest.raises((TypeError, ValueError), match=remedy):
        rejected_programs()[remedy]()


class Recorder(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((batch, logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append((epoch, float(self.model.optimizer.learning_rate)))
        self.model.optimizer.learning_rate = 0.001


def test_callbacks_of_keras_are_called(tmp_path):
    recorder = Recorder()
    quiet = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs["loss"])
    loss = train(callbacks=keras.callbacks.CallbackList([recorder, quiet]))
    batches = [0, 1, 0, 0, 1, 1]
    assert [number for number, _ in recorder.calls] == batches
    np.testing.assert_allclose([recorder.calls[i][1] for i in (2, 5)], [0.01, 0.001])
    np.testing.assert_allclose(recorder.calls[4][1], loss[1], 1e-6)
    path = tmp_path / "x.weights.h5"
    saving = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, monitor="loss")
    stopping = keras.callbacks.EarlyStopping("loss", min_delta=10.0, patience=0)
    train(callbacks=[saving, stopping])
    assert path.exists()
    assert stopping.stopped_epoch == 1
