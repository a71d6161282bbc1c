"""Every kind of model and optimizer resumes from the middle of an epoch bitwise equally."""

import numpy as np
import optax
import pytest

import cornu
from cornu import callbacks, layers, mixed_precision
from cornu.optimizers import SGD, Adam, MultiOptimizer, OptimizerMap, ScheduleFreeAdamW, schedules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype("float32")
Y = np.tanh(X.sum(1, keepdims=True))
SERIES = RNG.normal(size=(40, 5, 3)).astype("float32")
LABELS = RNG.integers(0, 3, 40)
WEIGHT = RNG.random(40).astype("float32")


class Broken(Exception):
    """Simulates a crash."""


class Break(callbacks.Callback):
    """Raises after three steps."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise Broken

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


def plain(optimizer, **kwargs):
    model = cornu.Sequential(
        [
            cornu.Input((6,)),
            layers.Dense(8, "relu"),
            layers.Dropout(0.3),
            layers.Dense(1, dtype="float32"),
        ]
    )
    model.compile(optimizer(), "mse", metrics=["mae"], **kwargs)
    return model


def half():
    mixed_precision.set_global_policy("mixed_float16")
    try:
        return plain(Adam)
    finally:
        mixed_precision.set_global_policy("float32")


def by_path():
    rest = SGD(0.1, momentum=0.9)
    return MultiOptimizer(OptimizerMap(Adam(), {".*bias": rest}))


def several_outputs():
    x = cornu.Input((6,), name="a")
    inner = layers.Dense(4, "relu")(x)
    outputs = {"p": layers.Dense(1)(inner), "q": layers.Dense(3, "softmax")(inner)}
    model = cornu.Model(x, outputs)
    losses = {"p": "mse", "q": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, metrics={"q": ["accuracy"]})
    return model


def recurrent():
    model = cornu.Sequential(
        [cornu.Input((5, 3)), layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2), layers.Dense(1)]
    )
    model.compile("rmsprop", "mse")
    return model


class Written(cornu.Model):
    """A model with a Variable, a metric and random numbers of its own."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(3)
        self.outer = layers.Dense(1)
        self.seen = cornu.metrics.Mean(name="seen")
        self.fading = cornu.Variable(1.0, trainable=False, name="fading")

    def call(self, x, training=False):
        self.fading.assign(self.fading * 0.99)
        self.seen.update_state(x)
        inner = self.inner(x)
        return self.outer(cornu.random.dropout(inner, 0.2) if training else inner)


def written():
    model = Written()
    model.compile("adam", "mse")
    return model


KINDS = {
    "float16": (half, (X, Y), {}),
    "several optimizers": (lambda: plain(by_path), (X, Y), {}),
    "optax": (lambda: plain(lambda: optax.adamw(optax.cosine_decay_schedule(0.1, 20))), (X, Y), {}),
    "schedule": (lambda: plain(lambda: SGD(schedules.CosineDecay(0.1, 20))), (X, Y), {}),
    "schedule-free": (lambda: plain(lambda: ScheduleFreeAdamW(0.01)), (X, Y), {}),
    "eager": (lambda: plain(Adam, run_eagerly=True), (X, Y), {}),
    "steps per execution": (lambda: plain(Adam, steps_per_execution=2), (X, Y), {}),
    "several outputs": (
        several_outputs,
        (X, {"p": Y, "q": LABELS}),
        {"class_weight": {"q": {0: 2.0, 1: 1.0, 2: 0.5}}},
    ),
    "recurrent": (recurrent, (SERIES, Y), {"sample_weight": WEIGHT}),
    "subclass": (written, (X, Y), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_with_the_same_bits(kind, tmp_path):
    make, data, kwargs = KINDS[kind]

    def run(folder, more=()):
        cornu.utils.clear_session(free_memory=False)
        cornu.utils.set_random_seed(5)
        model = make()
        model.fit(
            *data,
            batch_size=8,
            epochs=2,
            verbose=0,
            validation_split=0.2,
            callbacks=list(more),
            resume=folder and cornu.Resume(folder, every=1),
            **kwargs,
        )
        variables = [*model.variables, *model.optimizer.variables]
        return [v.numpy().tobytes() for v in variables], repr(model.history.history)

    whole = run(None)
    with pytest.raises(Broken):
        run(tmp_path, [Break()])
    assert run(tmp_path) == whole
