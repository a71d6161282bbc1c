"""ReduceLROnPlateau and LearningRateScheduler set what Keras's set."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

import cornu
from tests.callbacks import fake

# Keras reads its own learning rate in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEQUENCES = [
    (5.0, 4.0, 3.0, 3.5, 3.6, 2.0, 2.5, 2.6, 2.7, 2.8, 2.9, 3.0),
    (1.0,) * 12,
    (2.0, 1.99, 1.98, 1.97, 1.9699, 1.96985, 1.5, 1.4, 1.5, 1.6),
]
OPTIONS = [
    {"patience": patience, "cooldown": cooldown, **more}
    for patience, cooldown, more in itertools.product(
        (0, 1, 3), (0, 2), ({}, {"min_lr": 0.002}, {"min_delta": 0.05}, {"mode": "max"})
    )
]


def rates(callback, library, logs):
    model = fake.Model(library.optimizers.SGD(0.1))
    _, seen = fake.drive(callback, logs, model)
    return [log["learning_rate"] for log in seen]


def test_reductions_are_those_of_keras():
    for options, sequence in itertools.product(OPTIONS, SEQUENCES):
        logs = fake.values("loss", *sequence)
        theirs, ours = (
            rates(library.callbacks.ReduceLROnPlateau("loss", **options), library, logs)
            for library in (keras, cornu)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=f"{options} {sequence}")


def test_plateau_state_round_trip():
    first = cornu.callbacks.ReduceLROnPlateau("loss", patience=3, cooldown=4)
    rates(first, cornu, fake.values("loss", 1.0, 2.0, 2.0))
    second = cornu.callbacks.ReduceLROnPlateau("loss", patience=3, cooldown=4)
    second.set_state(first.get_state())
    assert (second.best, second.wait, second.cooldown_counter) == (1.0, 2, 0)


def test_plateau_prints_reductions(capsys):
    slower = cornu.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1)
    rates(slower, cornu, fake.values("loss", 1.0, 2.0))
    assert capsys.readouterr().out == (
        "Epoch 2: ReduceLROnPlateau sets learning_rate to 0.05000000074505806\n"
    )


def test_plateau_rejects_what_it_cannot_do():
    with pytest.raises(ValueError, match="factor must be below 1"):
        cornu.callbacks.ReduceLROnPlateau(factor=1.0)
    with pytest.raises(TypeError, match="no argument 'epsilon'. Today it is called 'min_delta'"):
        cornu.callbacks.ReduceLROnPlateau(epsilon=0.1)
    with pytest.warns(UserWarning, match="ReduceLROnPlateau: the logs have no metric 'val_loss'"):
        rates(cornu.callbacks.ReduceLROnPlateau(), cornu, fake.values("loss", 1.0))


def test_schedules_are_those_of_keras():
    schedules = [
        lambda epoch, rate: rate * 0.9,
        lambda epoch: 0.1 / (1 + epoch),
        lambda epoch, rate=0.0: np.float32(0.5) ** epoch,
    ]
    for schedule in schedules:
        theirs, ours = (
            rates(
                library.callbacks.LearningRateScheduler(schedule),
                library,
                fake.values("loss", *[1.0] * 5),
            )
            for library in (keras, cornu)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_schedule_must_return_a_float():
    for wrong in (1, None, "0.1", [0.1]):
        with pytest.raises(ValueError, match="must return a float"):
            rates(
                cornu.callbacks.LearningRateScheduler(lambda epoch, rate, wrong=wrong: wrong),
                cornu,
                [{}],
            )


def test_an_error_in_a_schedule_is_not_hidden():
    def broken(epoch, rate):
        return rate + "1"

    with pytest.raises(TypeError, match="unsupported operand"):
        rates(cornu.callbacks.LearningRateScheduler(broken), cornu, [{}])


def test_each_of_several_optimizers_has_a_rate():
    weight = cornu.Variable(1.0, name="w")
    by_path = cornu.optimizers.OptimizerMap(
        cornu.optimizers.SGD(0.2, name="b"), {"w": cornu.optimizers.SGD(0.1, name="a")}
    )
    optimizer = cornu.optimizers.MultiOptimizer(by_path)
    optimizer.build([weight])
    scheduler = cornu.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    _, seen = fake.drive(scheduler, [{}], fake.Model(optimizer))
    assert seen[0] == pytest.approx({"learning_rate_a": 0.05, "learning_rate_b": 0.1})
