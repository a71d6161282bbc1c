"""Schedules agree with Keras at every step, eagerly and compiled, and survive a round trip."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.optimizers import SGD, schedules

ROWS = [
    ("ExponentialDecay", (0.1, 7, 0.5)),
    ("ExponentialDecay", (0.1, 7, 0.5, True)),
    ("InverseTimeDecay", (0.1, 7, 0.5)),
    ("InverseTimeDecay", (0.1, 7, 0.5, True)),
    ("PiecewiseConstantDecay", ([3, 10], [0.3, 0.2, 0.1])),
    ("PiecewiseConstantDecay", ([3.7], [0.3, 0.1])),
    ("PolynomialDecay", (0.1, 7)),
    ("PolynomialDecay", (0.1, 7, 0.01, 2.0)),
    ("PolynomialDecay", (0.1, 7, 0.01, 0.5, True)),
    ("CosineDecay", (0.1, 20)),
    ("CosineDecay", (0.1, 20, 0.2)),
    ("CosineDecay", (0.1, 20, 0.2, "c", 0.3, 5)),
    ("CosineDecay", (0.1, 20, 0.0, "c", 0.3, 0)),
    ("CosineDecayRestarts", (0.1, 5)),
    ("CosineDecayRestarts", (0.1, 5, 1.0, 0.7, 0.1)),
    ("CosineDecayRestarts", (0.1, 5, 3.0, 0.7)),
    ("CosineDecayRestarts", (0.1, 5, 1.5)),
]
STEPS = (0, 1, 3, 4, 5, 7, 8, 14, 15, 19, 20, 21, 35, 60)


@pytest.mark.parametrize(("name", "arguments"), ROWS)
def test_schedules_are_those_of_keras(name, arguments):
    ours = getattr(schedules, name)(*arguments)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    expected = [float(theirs(step)) for step in STEPS]
    np.testing.assert_allclose([float(ours(step)) for step in STEPS], expected, 1e-5, 1e-7)
    assert ours.get_config() == theirs.get_config()
    assert {**schedules.serialize(ours), "registered_name": None} == (
        keras.optimizers.schedules.serialize(theirs)
    )
    again = schedules.deserialize(schedules.serialize(ours))
    compiled = jax.jit(jax.vmap(again))(jnp.array(STEPS))
    np.testing.assert_allclose(compiled, expected, 1e-5, 1e-7)


def test_a_schedule_of_the_user():
    class Halving(schedules.LearningRateSchedule):
        def __init__(self, first):
            self.first = first

        def __call__(self, step):
            return self.first / 2 ** cornu.ops.cast(step, "float32")

    optimizer = SGD(Halving(1.0))
    w = cornu.Variable(1.0, name="w")
    for expected in (0.0, -0.5, -0.75):
        optimizer.apply([jnp.array(1.0)], [w])
        assert float(w) == expected
    config = optimizer.get_config()
    again = SGD.from_config(config, custom_objects={"Halving": Halving})
    assert float(again.learning_rate) == 1.0


def test_invalid_arguments_raise():
    for make in (
        lambda: schedules.ExponentialDecay(0.1, 0, 0.5),
        lambda: schedules.CosineDecayRestarts(0.1, -1),
    ):
        with pytest.raises(ValueError, match="decay_steps must be greater than 0"):
            make()
    with pytest.raises(ValueError, match="one value more than boundaries"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(NotImplementedError, match="must override __call__"):
        schedules.LearningRateSchedule()(0)


def test_one_cycle_is_that_of_fastai():
    rate = schedules.OneCycle(0.1, 40, warmup=0.25, start_divisor=25, end_divisor=1e5)

    def combined(part):  # two consecutive cosine annealings
        start, end, at = (0.1 / 25, 0.1, part / 0.25) if part < 0.25 else (0.1, 1e-6, 0.0)
        at = at if part < 0.25 else (part - 0.25) / 0.75
        return start + (1 + np.cos(np.pi * (1 - at))) * (end - start) / 2

    expected = [combined(step / 40) for step in range(41)]
    np.testing.assert_allclose([float(rate(step)) for step in range(41)], expected, 1e-4, 1e-8)
    assert float(rate(99)) == float(rate(40))
    again = schedules.deserialize(schedules.serialize(rate))
    np.testing.assert_allclose(jax.jit(jax.vmap(again))(jnp.arange(41)), expected, 1e-4, 1e-8)
    for kwargs in ({"steps": 0}, {"warmup": 1.0}, {"end_divisor": 0}):
        with pytest.raises(ValueError, match=next(iter(kwargs))):
            schedules.OneCycle(0.1, **{"steps": 9, **kwargs})
    assert not hasattr(keras.optimizers.schedules, "OneCycle")
