"""EarlyStopping stops where Keras's does, and restores the best weights."""

from __future__ import annotations

import itertools
import math

import keras
import numpy as np
import pytest

import cornu
from tests.callbacks import fake

SEQUENCES = [
    (5.0, 4.0, 3.0, 3.5, 3.6, 2.0, 2.5, 2.6, 2.7, 2.8),
    (1.0, 2.0, 3.0, 4.0, 0.5, 0.4),
    (3.0, 3.0, 3.0, 3.0, 3.0),
    (2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3),
    (1.0, math.nan, 0.9, math.nan, math.nan, math.nan),
    (0.8, 0.7, 0.6, 0.5),
]
OPTIONS = [
    {"patience": patience, "min_delta": delta, **more}
    for patience, delta, more in itertools.product(
        (0, 1, 3),
        (0, 0.1),
        ({}, {"baseline": 1.8}, {"start_from_epoch": 2}, {"mode": "max"}),
    )
]


def test_decisions_are_those_of_keras():
    for options, sequence in itertools.product(OPTIONS, SEQUENCES):
        outcomes = []
        for library in (keras, cornu):
            stop = library.callbacks.EarlyStopping("loss", restore_best_weights=True, **options)
            model, seen = fake.drive(stop, fake.values("loss", *sequence))
            weights = None if stop.best_weights is None else float(stop.best_weights[0])
            outcomes.append(
                (len(seen), stop.stopped_epoch, stop.best, stop.best_epoch, model.epoch, weights)
            )
        assert outcomes[0] == outcomes[1], (options, sequence)


def test_best_weights_come_back_also_if_training_was_not_ended():
    stop = cornu.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    model, seen = fake.drive(stop, fake.values("loss", 3.0, 1.0, 2.0))
    assert len(seen) == 3 and stop.stopped_epoch == 0
    assert model.epoch == 1
    model, _ = fake.drive(
        cornu.callbacks.EarlyStopping("loss", patience=9), fake.values("loss", 3.0, 1.0, 2.0)
    )
    assert model.epoch == 2


def test_nan_is_never_the_best():
    stop = cornu.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    model, seen = fake.drive(stop, fake.values("loss", math.nan, 2.0, 1.0, math.nan, math.nan))
    assert (stop.best, stop.best_epoch, model.epoch, len(seen)) == (1.0, 2, 2, 5)


def test_auto_mode_uses_the_metrics_direction():
    up = cornu.callbacks.EarlyStopping("val_accuracy", patience=1)
    assert len(fake.drive(up, fake.values("val_accuracy", 0.1, 0.2, 0.3, 0.2))[1]) == 4
    down = cornu.callbacks.EarlyStopping("error", patience=1)
    assert len(fake.drive(down, fake.values("error", 0.3, 0.2, 0.3, 0.2))[1]) == 3
    part = cornu.callbacks.EarlyStopping("val_head_loss", patience=1)
    assert len(fake.drive(part, fake.values("val_head_loss", 0.3, 0.2, 0.3))[1]) == 3
    for name in ("mystery", "elsewhere"):
        with pytest.raises(ValueError, match=f"the metric '{name}' does not define"):
            fake.drive(cornu.callbacks.EarlyStopping(name), fake.values(name, 1.0, 2.0))
    with pytest.raises(ValueError, match="mode must be 'auto', 'min' or 'max'"):
        cornu.callbacks.EarlyStopping(mode="minimum")


def test_a_missing_metric_is_reported():
    with pytest.warns(UserWarning, match="no metric 'val_loss'. Did you mean 'loss'.*validation"):
        model, seen = fake.drive(cornu.callbacks.EarlyStopping(), fake.values("loss", 1.0, 2.0))
    assert len(seen) == 2


def test_a_warning_points_at_the_line_of_the_constructor():
    for make in (
        lambda: cornu.callbacks.EarlyStopping("a"),
        lambda: cornu.callbacks.ReduceLROnPlateau("b"),
        lambda: cornu.callbacks.ModelCheckpoint("c.keras", monitor="c", save_best_only=True),
    ):
        callback = make()
        with pytest.warns(UserWarning, match="the logs have no metric") as caught:
            callback.get_monitor_value({"loss": 1.0})
        assert caught[0].filename == __file__
        assert caught[0].lineno == make.__code__.co_firstlineno


def test_it_can_be_used_again():
    stop = cornu.callbacks.EarlyStopping("loss", patience=1)
    for _ in range(2):
        assert len(fake.drive(stop, fake.values("loss", 1.0, 2.0, 3.0))[1]) == 2


def test_verbose_prints_a_message(capsys):
    stop = cornu.callbacks.EarlyStopping("loss", verbose=1, restore_best_weights=True)
    fake.drive(stop, fake.values("loss", 1.0, 2.0))
    message = capsys.readouterr().out
    assert message == "Epoch 2: early stopping\nRestoring the weights of the best epoch: 1\n"


def test_numpy_values_are_taken():
    stop = cornu.callbacks.EarlyStopping("loss", patience=1)
    logs = fake.values("loss", *np.array([1.0, 2.0, 3.0], "float32"))
    assert len(fake.drive(stop, logs)[1]) == 2
