"""find_lr and LRFinder: a range test without side effects."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import cornu
from cornu import callbacks, layers, seeds
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap, schedules
from cornu.training.step.program import counters
from cornu.utils import PyDataset
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 4)).astype("float32")
Y = X @ np.array([[1.0], [-1.0], [2.0], [0.5]], "float32")
FIT = {"batch_size": 16, "epochs": 2, "verbose": 0}


def built(optimizer=None):
    cornu.utils.set_random_seed(4)
    model = cornu.Sequential(
        [
            *(cornu.Input((4,)), layers.Dense(8), layers.BatchNormalization()),
            *(layers.Dropout(0.2), layers.Dense(1, name="out")),
        ]
    )
    model.compile(SGD(0.01) if optimizer is None else optimizer, "mse", metrics=["mae"])
    return model


def state(model):
    return [np.asarray(v) for v in model.trainer.touched_variables()]


OPTIMIZERS = {
    "momentum": lambda: SGD(0.01, momentum=0.9),
    "schedule": lambda: Adam(schedules.ExponentialDecay(0.01, 5, 0.5)),
    "function": lambda: SGD(lambda: 0.01),
    "scaled": lambda: LossScaleOptimizer(Adam(0.01)),
    "several": lambda: MultiOptimizer(OptimizerMap(SGD(0.1), {"out/.*": Adam(0.01)})),
    "optax": lambda: optax.inject_hyperparams(optax.adam)(learning_rate=0.01),
    "averaged": lambda: SGD(0.01, use_ema=True, ema_overwrite_frequency=3),
}


@pytest.mark.parametrize("name", slow_except(OPTIMIZERS, ["schedule"]))
def test_fits_are_unaffected(name):
    found = []
    for tested in (False, True):
        model = built(OPTIMIZERS[name]())
        for _ in range(2):  # before training, and in the middle of it
            history, seed_state, seed = model.history, seeds.state(), model.trainer.seed
            before = None if not model.optimizer.built else state(model)
            if tested:
                test = model.find_lr(X, Y, batch_size=16, steps=25)
                assert len(test.losses) > 5 and np.isfinite(test.losses).all()
                assert (seeds.state(), model.trainer.seed) == (
                    seed_state,
                    seed,
                ) and model.history is history
            if before is not None:
                for a, b in zip(before, state(model), strict=True):
                    np.testing.assert_array_equal(a, b)
            model.fit(X, Y, **FIT)
        found.append([model.history.history, seeds.state(), *state(model)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_equal(a, b)


def test_the_rates_are_those_that_are_trained_with():
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(SGD(0.5), "mse", run_eagerly=True)
    model.set_weights([np.array([[2.0]])])
    x = np.ones((4, 1), "float32")
    found = model.find_lr(x, 0 * x, batch_size=4, start=0.001, end=0.1, steps=3, smoothing=0.0)
    # loss w**2, whose step is w - 2 rate w
    w, expected = 2.0, []
    for rate in (0.001, 0.01, 0.1):
        expected.append(w**2)
        w -= rate * 2 * w
    np.testing.assert_allclose(found.rates, [0.001, 0.01, 0.1])
    np.testing.assert_allclose(found.losses, expected, 1e-5)
    assert found.smoothed == found.losses
    assert float(model.optimizer.learning_rate) == 0.5


def test_nothing_is_compiled_for_a_rate():
    model = built()
    before = counters["traces"]
    model.find_lr(X, Y, batch_size=16, steps=20)  # 100 = 6 * 16 + 4
    assert counters["traces"] - before == 1
    model.fit(X, Y, **FIT)
    before = counters["traces"]
    model.find_lr(X, Y, batch_size=16, steps=20)
    assert counters["traces"] - before == 1  # without padding


class Batches(PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[16 * index : 16 * index + 16], Y[16 * index : 16 * index + 16]


def generator():
    while True:
        for i in range(6):
            yield X[16 * i : 16 * i + 16], Y[16 * i : 16 * i + 16]


class Again:
    def __iter__(self):
        return ((X[16 * i : 16 * i + 16], Y[16 * i : 16 * i + 16]) for i in range(6))


@pytest.mark.parametrize("data", [lambda: Batches(workers=1), generator, Again])
def test_all_data_sources_of_fit_are_accepted(data):
    assert len(built().find_lr(data(), steps=15, end=0.1).losses) == 15


def test_a_model_that_is_not_built_is_built():
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.out = layers.Dense(1)

        def call(self, x):
            return self.out(x)

    results = []
    for tested in (False, True):
        cornu.utils.set_random_seed(3)
        model = Own()
        model.compile("adam", "mse")
        if tested:
            model.find_lr(X, Y, steps=10)
        model.fit(X, Y, **FIT)
        results.append([*model.get_weights(), seeds.next_seed()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_ends_when_the_loss_is_too_high():
    model = built()
    found = model.find_lr(X, Y, end=1e4, steps=100, stop_at=4)
    assert 20 < len(found.losses) < 100
    assert found.smoothed[-1] > 4 * min(found.smoothed) > found.smoothed[-2]
    on = model.find_lr(X, Y, end=1e30, steps=60, stop_at=None)  # until it is not finite
    assert on.rates[-1] > found.rates[-1] and len(on.losses) < 60
    assert np.isfinite(on.losses).all()
    linear = model.find_lr(X, Y, start=0.01, end=0.05, steps=5, mode="linear")
    np.testing.assert_allclose(linear.rates, [0.01, 0.02, 0.03, 0.04, 0.05])


def test_an_error_leaves_nothing_behind():
    model = built(Adam(schedules.CosineDecay(0.1, 100)))
    model.fit(X, Y, **FIT)
    before, schedule = state(model), model.optimizer._learning_rate

    class Breaks:
        def __iter__(self):
            yield X[:16], Y[:16]
            yield X[:16], Y[:16]
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        model.find_lr(Breaks())
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer._learning_rate is schedule


def test_the_callback_does_the_same():
    rate, found = schedules.CosineDecay(0.1, 100), []

    def fail(*_):
        raise ZeroDivisionError("enough")

    for tested in (False, True):
        model = built(Adam(rate))
        model.fit(X, Y, **FIT)
        if tested:
            before = model.history, model.trainer.counts["train"].number, *state(model)
            finder = callbacks.LRFinder(steps=10)
            expected = model.find_lr(X, Y, batch_size=16, steps=10)
            model.fit(X, Y, batch_size=16, epochs=5, verbose=0, callbacks=[finder])
            np.testing.assert_allclose(finder.result.rates, expected.rates)
            assert len(finder.result.losses) == 10
            other = callbacks.LambdaCallback(on_train_batch_end=fail)
            with pytest.raises(ZeroDivisionError):
                model.fit(X, Y, **FIT, callbacks=[callbacks.LRFinder(), other])
            after = model.history, model.trainer.counts["train"].number, *state(model)
            for a, b in zip(before, after, strict=True):
                np.testing.assert_equal(a, b)
            assert model.optimizer._learning_rate is rate
        model.fit(X, Y, **FIT)
        found.append([model.history.history, *state(model)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_equal(a, b)


def test_invalid_arguments_are_rejected():
    model = built()
    for kwargs, text in (
        ({"start": 1.0, "end": 0.1}, "expected 0 < start < end"),
        ({"start": 0.0}, "expected 0 < start < end"),
        ({"steps": 1}, "steps must be an integer"),
        ({"mode": "exponent"}, "Did you mean 'exponential'"),
        ({"stop_at": 1.0}, "stop_at must be greater than 1"),
        ({"smoothing": 1.0}, "smoothing must be"),
    ):
        with pytest.raises(ValueError, match=text):
            model.find_lr(X, Y, **kwargs)
    with pytest.raises(ValueError, match="no loss|'error'"):
        Own = type(
            "Own", (cornu.Model,), {"train_step": lambda self, data: {"error": jnp.ones(())}}
        )
        own = Own(model.input, model.output)
        own.compile("sgd")
        own.find_lr(X, Y)
    with pytest.raises(AttributeError, match="contains no learning rate"):
        built(optax.adam(0.1)).find_lr(X, Y)
    with pytest.raises(RuntimeError, match="must be compiled before find_lr"):
        cornu.Sequential([cornu.Input((4,)), layers.Dense(1)]).find_lr(X, Y)
    with pytest.raises(RuntimeError, match="optimizer=None"):
        model.compile(optimizer=None, loss="mse")
        model.find_lr(X, Y)
