"""Compiled models, with the state of every optimizer, are exchanged with Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from tests.saving.exchange import DIRECTIONS
from tests.saving.models import close, floats

X, Y = floats(8, 4), floats(8, 2)


def _plain(name: str, **kwargs: Any) -> Callable[[Any], Any]:
    return lambda k: getattr(k.optimizers, name)(**{"learning_rate": 0.01, **kwargs})


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": _plain("SGD", momentum=0.9, nesterov=True),
    "Adam": _plain("Adam", amsgrad=True),
    "AdamW, EMA": _plain("AdamW", use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "Nadam": _plain("Nadam"),
    "Adamax, decay": _plain("Adamax", weight_decay=0.01),
    "Adadelta": _plain("Adadelta"),
    "Adagrad": _plain("Adagrad"),
    "Adafactor": _plain("Adafactor"),
    "RMSprop": _plain("RMSprop", momentum=0.5, centered=True),
    "Ftrl": _plain("Ftrl", l1_regularization_strength=0.01),
    "Lion": _plain("Lion"),
    "Lamb, clipped": _plain("Lamb", global_clipnorm=0.5),
    "Muon": _plain("Muon"),
    "ScheduleFreeAdamW": _plain("ScheduleFreeAdamW"),
    "SGD, accumulation": _plain("SGD", gradient_accumulation_steps=3),
    "SGD, schedule": lambda k: k.optimizers.SGD(
        k.optimizers.schedules.CosineDecay(0.1, 20, warmup_target=0.2, warmup_steps=2)
    ),
    "MultiOptimizer": lambda k: k.optimizers.MultiOptimizer(
        k.optimizers.OptimizerMap(k.optimizers.SGD(0.1, 0.9), {".*kernel": k.optimizers.Adam(0.1)})
    ),
    "LossScaleOptimizer": lambda k: k.optimizers.LossScaleOptimizer(
        k.optimizers.Adam(0.01), initial_scale=64.0, dynamic_growth_steps=3
    ),
}
FAST = ("Adam", "LossScaleOptimizer")
# The optimizers whose state is stored in parts, and one of the others, go both ways.
BOTH_WAYS = ("Adam", "LossScaleOptimizer", "MultiOptimizer", "AdamW, EMA")


def _train(model: Any) -> None:
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)


def _cases() -> list[Any]:
    return [
        pytest.param(name, direction, marks=[] if name in FAST else [pytest.mark.slow])
        for name in OPTIMIZERS
        for direction in DIRECTIONS
        if name in BOTH_WAYS or direction == "Keras to cornu"
    ]


@pytest.mark.parametrize(("name", "direction"), _cases())
def test_training_continues_in_the_other_library(name: str, direction: str, tmp_path: Path) -> None:
    source, target = DIRECTIONS[direction]
    layer = source.layers.Dense(2, kernel_initializer="ones")
    saved = source.Sequential([source.Input((4,)), layer])
    saved.compile(
        OPTIMIZERS[name](source), "mse", metrics=["mae", source.metrics.RootMeanSquaredError()]
    )
    _train(saved)
    saved.save(tmp_path / "model.keras")
    # Loaded as well: Keras's own model fails in a second `fit` with averages of the weights.
    saved, loaded = (
        library.models.load_model(tmp_path / "model.keras") for library in (source, target)
    )
    ours, theirs = (m.optimizer for m in ((saved, loaded) if source is cornu else (loaded, saved)))
    values = [np.asarray(v.value) for v in ours.variables]
    expected = [np.asarray(v.value) for v in theirs.variables]
    assert [v.shape for v in values] == [v.shape for v in expected]
    close(values, expected)
    for model in (saved, loaded):
        _train(model)
    close(loaded.get_weights(), saved.get_weights(), rtol=1e-6, atol=1e-6)
    results = [m.evaluate(X, Y, verbose=0, return_dict=True) for m in (saved, loaded)]
    assert results[0].keys() == results[1].keys()
    close(list(results[0].values()), list(results[1].values()))


def test_every_optimizer_is_exchanged() -> None:
    given = {name.split(",")[0] for name in OPTIMIZERS}
    classes = {
        name
        for name in dir(keras.optimizers)
        if isinstance(getattr(keras.optimizers, name), type)
        and name not in ("Optimizer", "OptimizerMap")
    }
    assert classes <= given
