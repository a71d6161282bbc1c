"""Learning rates that the program changes are used and said; those of callbacks are kept."""

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers
from cornu.optimizers import (
    SGD,
    Adam,
    LossScaleOptimizer,
    MultiOptimizer,
    OptimizerMap,
    schedules,
)

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class Broken(Exception):
    """Simulates a crash."""


class Break(callbacks.Callback):
    """Raises in the middle of the second epoch."""

    def __init__(self):
        self.seen = 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == 6:
            raise Broken

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


def multi(first, second):
    return MultiOptimizer(OptimizerMap(Adam(first), {".*bias": SGD(second)}))


def chosen(rate):
    kernels, biases = SGD(rate), SGD(0.25)
    return MultiOptimizer(lambda v: biases if v.path.endswith("bias") else kernels)


# Makes an optimizer, two sets of arguments, and the learning rates that the second one has.
OPTIMIZERS = {
    "plain": (SGD, (0.1,), (0.5,), [0.5]),
    "loss scaling": (lambda r: LossScaleOptimizer(SGD(r)), (0.1,), (0.5,), [0.5]),
    "several": (multi, (0.1, 0.2), (0.1, 0.4), [0.4, 0.1]),
    "several by a function": (chosen, (0.1,), (0.5,), [0.5, 0.25]),
    "loss scaling of several": (
        lambda *rates: LossScaleOptimizer(multi(*rates)), (0.1, 0.2), (0.5, 0.2), [0.2, 0.5],
    ),
    "schedule": (
        lambda r: SGD(schedules.ExponentialDecay(r, 100, 0.9)), (0.1,), (0.5,), None,
    ),
    "schedule in loss scaling": (
        lambda r: LossScaleOptimizer(SGD(schedules.CosineDecay(r, 100))), (0.1,), (0.5,), None,
    ),
    "schedule in several": (
        lambda r: MultiOptimizer(
            OptimizerMap(SGD(0.1), {".*bias": SGD(schedules.CosineDecay(r, 100))})
        ),
        (0.1,), (0.5,), None,
    ),
    "function of the step": (lambda r: SGD(lambda step: r / (1 + step)), (0.1,), (0.5,), None),
}  # fmt: skip


def train(folder, optimizer, more=(), change=None, epochs=2, verbose=0):
    cornu.utils.set_random_seed(0)
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile(optimizer, "mse")
    if change is not None:
        change(model)
    resume = cornu.Resume(folder, every=1)
    model.fit(
        X, Y, batch_size=8, epochs=epochs, verbose=verbose, resume=resume, callbacks=list(more)
    )
    return model


def rates(optimizer):
    if isinstance(optimizer, LossScaleOptimizer):
        return rates(optimizer.inner_optimizer)
    members = optimizer.optimizers if isinstance(optimizer, MultiOptimizer) else [optimizer]
    return [pytest.approx(float(member.learning_rate.numpy())) for member in members]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_changed_rate_is_used_and_said(kind, tmp_path, capsys):
    make, first, second, expected = OPTIMIZERS[kind]
    with pytest.raises(Broken):
        train(tmp_path, make(*first), [Break()])
    model = train(tmp_path, make(*second), verbose=2)
    out = capsys.readouterr().out
    assert "in the saved state. Training continues with the new value." in out
    assert out.count("Training continues with the new value") == 1
    if expected is not None:
        assert rates(model.optimizer) == expected
    # After the end, it is that of another run.
    with pytest.raises(ValueError, match="belongs to another run"):
        train(tmp_path, make(*first))
    train(tmp_path, make(*second))


def test_a_rate_that_is_set_after_compile(tmp_path, capsys):
    def to(rate):
        return lambda model: setattr(model.optimizer, "learning_rate", rate)

    with pytest.raises(Broken):
        train(tmp_path, SGD(0.1), [Break()], to(0.2))
    again = train(tmp_path, SGD(0.1), (), to(0.3), verbose=2)
    assert rates(again.optimizer) == [0.3]
    assert "compile.learning_rate is 0.3, and 0.2 in the saved state" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"compile\.learning_rate is 0\.1, and 0\.3"):
        train(tmp_path, SGD(0.1))
    train(tmp_path, SGD(0.1), (), to(0.3))


@pytest.mark.parametrize("kind", ["plain", "loss scaling"])
def test_a_rate_that_callbacks_change_is_resumed(kind, tmp_path, capsys):
    make = OPTIMIZERS[kind][0]

    def halve():
        return callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)

    whole = train(tmp_path / "whole", make(0.1), [halve()], epochs=3)
    with pytest.raises(Broken):
        train(tmp_path / "parts", make(0.1), [halve(), Break()], epochs=3)
    parts = train(tmp_path / "parts", make(0.1), [halve()], epochs=3, verbose=2)
    assert rates(parts.optimizer) == rates(whole.optimizer) == [0.0125]
    assert "new value" not in capsys.readouterr().out


def test_a_rate_set_between_two_fits_is_that_of_the_second(tmp_path):
    def program(rate):
        model = train(tmp_path / "first", SGD(0.1))
        model.optimizer.learning_rate = rate
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0, resume=tmp_path / "second")
        return model.get_weights()[0].tolist()

    assert program(0.01) == program(0.01)
    with pytest.raises(ValueError, match=r"compile\.learning_rate is 0\.02, and 0\.01"):
        program(0.02)
