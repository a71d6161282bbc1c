"""Every optimizer, one row each: it finds the bottom of a parabola, and is compiled once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import cornu
from cornu import optimizers
from cornu.optimizers import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    LossScaleOptimizer,
    MultiOptimizer,
    Muon,
    Nadam,
    OptaxOptimizer,
    OptimizerMap,
    RMSprop,
    ScheduleFreeAdamW,
    schedules,
)

ROWS = {
    "Adadelta": lambda: Adadelta(1.0, epsilon=1e-3),
    "Adafactor": lambda: Adafactor(0.3),
    "Adagrad": lambda: Adagrad(0.5),
    "Adam": lambda: Adam(0.1, amsgrad=True),
    "AdamW": lambda: AdamW(0.1),
    "Adamax": lambda: Adamax(0.1),
    "Ftrl": lambda: Ftrl(1.0),
    "Lamb": lambda: Lamb(schedules.CosineDecay(0.1, 200)),
    "Lion": lambda: Lion(schedules.CosineDecay(0.05, 200)),
    "LossScaleOptimizer": lambda: LossScaleOptimizer(SGD(0.1), dynamic_growth_steps=10),
    "MultiOptimizer": lambda: MultiOptimizer(OptimizerMap(SGD(0.1), {"b": Adam(0.1)})),
    "Muon": lambda: Muon(schedules.CosineDecay(0.2, 200)),
    "Nadam": lambda: Nadam(0.1),
    "OptaxOptimizer": lambda: OptaxOptimizer(optax.adam(0.1)),
    "RMSprop": lambda: RMSprop(0.05, momentum=0.5, centered=True),
    "SGD": lambda: SGD(0.05, momentum=0.9, nesterov=True, gradient_accumulation_steps=2),
    "ScheduleFreeAdamW": lambda: ScheduleFreeAdamW(0.3, warmup_steps=10),
}


def test_every_optimizer_has_a_row():
    classes = {
        name for name in optimizers.__all__ if isinstance(getattr(optimizers, name), type)
    } - {"Optimizer", "OptimizerMap"}
    assert set(ROWS) == classes


@pytest.mark.parametrize("name", ROWS)
def test_finds_the_bottom_and_is_compiled_once(name):
    target = [np.array([[1.0, -2.0], [0.5, 3.0]], "float32"), np.array([-1.0, 2.0], "float32")]
    model = [
        cornu.Variable(np.full_like(t, 0.5), name=n) for n, t in zip("ab", target, strict=True)
    ]
    optimizer = ROWS[name]()
    optimizer.build(model)
    every = [*model, *optimizer.variables]
    traces = []

    def loss():
        traces.append(1)
        errors = [((v - t) ** 2).sum() for v, t in zip(model, target, strict=True)]
        return optimizer.scale_loss(sum(errors))

    def step():
        value, gradients = cornu.value_and_grad(loss, model)()
        optimizer.apply(gradients, model)
        return value

    @jax.jit
    def many(values):
        def body(values, _):
            value, values, _ = cornu.pure(step, every)(values, None)
            return values, value

        return jax.lax.scan(body, values, length=100)

    values = tuple(v.value for v in every)
    losses = []
    for _ in range(3):
        values, found = many(values)
        losses.append(found)
    assert len(traces) == 1
    for value, t in zip(values, target, strict=False):
        assert jnp.abs(value - t).max() < 0.1, losses[-1][-1]
