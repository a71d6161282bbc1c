"""Timer: what it measures, and when it ends training; with a fake clock."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest

import cornu
from cornu.callbacks import CallbackList, Timer, timer
from tests.callbacks import fake


@pytest.fixture
def clock(monkeypatch):
    """A fake clock."""
    now = [1000.0]
    monkeypatch.setattr(timer.time, "monotonic", lambda: now[0])
    return now


def begin(callback):
    callback.set_model(fake.Model())
    callback.on_train_begin()


def epoch(callback, clock, number, steps=4, step=2.0, validation=3.0):
    callback.on_epoch_begin(number)
    for i in range(1, steps + 1):
        clock[0] += step
        callback.on_progress(i, steps)
        if callback.model.stop_training:
            break
    callback.on_test_begin()
    clock[0] += validation
    callback.on_test_end()
    callback.on_epoch_end(number)


def test_epochs_and_steps_are_measured(clock):
    watch = Timer()
    begin(watch)
    epoch(watch, clock, 0)
    epoch(watch, clock, 1, validation=0.0)
    watch.on_train_end()
    clock[0] += 100.0
    assert watch.epoch_seconds == [11.0, 8.0] and watch.step_seconds == [2.0, 2.0]
    assert watch.total == 19.0 and watch.left is None


def test_the_limit_leaves_time_for_validation(clock, capsys):
    watch = Timer(limit=20)
    begin(watch)
    epoch(watch, clock, 0)  # 8 + 3 seconds
    epoch(watch, clock, 1)
    assert watch.model.stop_training and watch.total == 20.0
    assert capsys.readouterr().out == (
        "Timer: the limit of 0:00:20 is reached at step 3 of epoch 2. Training ends here.\n"
    )
    assert watch.left == 0.0 and watch.step_seconds == [2.0, 2.0]


@pytest.mark.parametrize("limit", [5400, "01:30:00", datetime.timedelta(minutes=90)])
def test_a_limit_is_written_in_three_ways(limit):
    assert Timer(limit).limit == 5400.0


@pytest.mark.parametrize("limit", [0, -1.0, "1:30", "a:b:c", math.inf, math.nan])
def test_invalid_durations_are_rejected(limit):
    with pytest.raises(ValueError, match="Timer: "):
        Timer(limit)


def test_the_time_of_earlier_processes_counts(clock):
    watch = Timer(limit=20)
    begin(watch)
    epoch(watch, clock, 0)
    state = watch.get_state()
    clock[0] += 1000.0
    again = Timer(limit=20)
    begin(again)
    again.set_state(state)
    assert again.total == 11.0 and again.epoch_seconds == [11.0]
    epoch(again, clock, 1)
    assert again.model.stop_training and again.total == 20.0
    assert again.epoch_seconds == [11.0, 9.0]


def test_an_epoch_that_is_resumed_in_its_middle_counts_whole(clock):
    watch = Timer()
    begin(watch)
    watch.on_epoch_begin(0)
    clock[0] += 4.0
    watch.on_progress(2, 4)
    state = watch.get_state()
    again = Timer()
    clock[0] += 50.0
    begin(again)
    clock[0] += 1.0  # what comes before the state is taken up is no training
    again.set_state(state)
    again.on_resume(0, 2)
    clock[0] += 4.0
    again.on_progress(4, 4)
    again.on_epoch_end(0)
    assert again.epoch_seconds == [8.0] and again.step_seconds == [2.0] and again.total == 8.0


def test_a_second_fit_has_a_clock_of_its_own(clock):
    watch = Timer(limit=20)
    begin(watch)
    epoch(watch, clock, 0)
    watch.on_train_exception(KeyboardInterrupt())
    begin(watch)
    assert watch.total == 0.0 and watch.epoch_seconds == []


def test_steps_are_not_run_one_by_one():
    assert not Timer(9).batch_hooks() and CallbackList([Timer(9)]).look_every == 0.0


def test_in_fit():
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((64, 2), "float32"), np.ones((64, 1), "float32")
    watch, ends = Timer(limit=1.5), Timer(limit=1e-9)
    history = model.fit(x, y, epochs=2, verbose=0, callbacks=[watch])
    assert history.epoch == [0, 1] and len(watch.step_seconds) == 2
    assert sum(watch.epoch_seconds) <= watch.total and watch.step_seconds[1] > 0
    history = model.fit(x, y, epochs=5, verbose=0, callbacks=[ends])
    assert history.epoch == [0] and model.stop_training
