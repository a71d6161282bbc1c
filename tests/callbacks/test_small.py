"""History, LambdaCallback and TerminateOnNaN."""

from __future__ import annotations

import math

import pytest

from cornu.callbacks import History, LambdaCallback, TerminateOnNaN
from tests.callbacks import fake


def test_history_remembers():
    history = History()
    fake.drive(history, [{"loss": 2.0}, {"loss": 1.0, "val_loss": 3.0}])
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0]}
    assert history.epoch == [0, 1]
    fake.drive(history, [{"loss": 0.5}], start=2)
    assert history.history["loss"] == [2.0, 1.0, 0.5] and history.epoch == [0, 1, 2]


def test_lambda_callback():
    calls = []
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: calls.append((epoch, logs["loss"])),
        on_train_end=lambda logs: calls.append("end"),
        on_test_begin=None,
    )
    fake.drive(callback, fake.values("loss", 1.0, 0.5))
    assert calls == [(0, 1.0), (1, 0.5), "end"]
    with pytest.raises(TypeError, match="'on_epoch_ends'. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    assert LambdaCallback(lambda epoch, logs: None, path="logs", start=None).path == "logs"


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_terminate_on_nan(loss, capsys):
    callback = TerminateOnNaN()
    model, seen = fake.drive(callback, fake.values("loss", 1.0, loss, 1.0))
    assert len(seen) == 2
    assert capsys.readouterr().out == (
        f"TerminateOnNaN: the loss is {loss} at the end of epoch 2. Training ends here. "
        "fit(..., debug_nans=True) stops at the first such step, and names the layer.\n"
    )
    model.stop_training = False
    callback.on_epoch_begin(4)
    callback.on_progress(32, 100, {"loss": 1.0})
    assert not model.stop_training
    callback.on_progress(64, 100, {"loss": loss})
    assert model.stop_training and "at step 64 of epoch 5" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="Try a smaller learning rate"):
        fake.drive(TerminateOnNaN(raise_error=True), fake.values("loss", loss))
