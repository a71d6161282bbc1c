"""The bar, the line per epoch, and silence."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from cornu.callbacks import Callback, CallbackList, ProgbarLogger, progbar
from cornu.callbacks import console as console_module
from cornu.callbacks.console import console
from cornu.utils import Progbar
from tests.callbacks import fake


@pytest.fixture
def terminal(monkeypatch):
    """A terminal in the place of standard output."""
    screen = fake.Terminal()
    # Not sys.stdout itself: pytest takes that back when the test begins.
    monkeypatch.setattr(console_module, "sys", SimpleNamespace(stdout=screen, modules={}))
    monkeypatch.setenv("NO_COLOR", "1")
    return screen


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1000.0]
    monkeypatch.setattr(progbar.time, "monotonic", lambda: now[0])
    return now


def run(verbose, epochs=1, model=None):
    listed = CallbackList(
        [], add_progbar=True, model=model, verbose=verbose, epochs=epochs, steps=12
    )
    listed.on_train_begin()
    for epoch in range(epochs):
        listed.on_epoch_begin(epoch)
        for step in (4, 8, 12):
            listed.on_progress(step, 12, {"accuracy": step / 12, "loss": 1.0 / step})
        listed.on_test_begin()
        listed.on_progress(1, 1, {"loss": 7.0})
        listed.on_test_end({"loss": 7.0})
        listed.on_epoch_end(epoch, {"accuracy": 0.9, "loss": 0.1, "val_loss": 7.0})
    listed.on_train_end()
    return listed


LINE = r"12/12 - \d+s - \d+(us|ms|s)/step - accuracy: 0.9000 - loss: 0.1000 - val_loss: 7.0000"


def test_two_is_a_line_per_epoch(capsys):
    listed = run(2, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert re.fullmatch(LINE, lines[1]) and re.fullmatch(LINE, lines[3])
    assert listed.look_every is None


def test_without_terminal_there_is_no_bar(capsys):
    for verbose in (1, "auto"):
        assert run(verbose).look_every is None
        assert re.fullmatch(LINE, capsys.readouterr().out.rstrip("\n"))


def test_zero_is_silent(capsys, terminal):
    assert run(0, epochs=2).look_every is None
    assert terminal.getvalue() == "" == capsys.readouterr().out


def test_one_is_a_bar(terminal):
    listed = run(1, epochs=2)
    assert listed.look_every == 0.1
    lines = terminal.getvalue().split("\n")
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2"
    first, last = lines[1].split("\r")[1:]  # the second and third look came too early
    assert first.startswith(" 4/12 " + "━" * 6 + "╌" * 14)
    assert last.startswith("12/12 " + "━" * 20)
    assert last.rstrip().endswith("/step - accuracy: 0.9000 - loss: 0.1000 - val_loss: 7.0000")


def test_a_message_does_not_land_in_the_bar(terminal):
    class Speak(Callback):
        def on_epoch_end(self, epoch, logs=None):
            console.say("so far so good")

    listed = CallbackList([Speak()], add_progbar=True, verbose=1, epochs=1, steps=2)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(1, 2, {"loss": 1.0})
    listed.on_epoch_end(0, {"loss": 1.0})
    lines = terminal.getvalue().split("\n")
    assert lines[1] == "so far so good" and lines[2].lstrip("\r").startswith("2/2")


def test_evaluation_and_prediction_have_a_line(capsys):
    listed = CallbackList([], add_progbar=True, verbose=2, epochs=1, steps=None)
    listed.on_test_begin()
    listed.on_test_end({"loss": 0.5})
    listed.on_predict_begin()
    listed.on_predict_end()
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("/step - loss: 0.5000") and second.endswith("/step")


def test_unknown_length_is_learned(terminal):
    listed = CallbackList([], add_progbar=True, verbose=1, epochs=1, steps=None)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    listed.on_progress(3, None, {"loss": 1.0})
    listed.on_epoch_end(0, {"loss": 1.0})
    first, last = terminal.getvalue().split("\r")[1:]
    assert first.startswith("3/? ") and last.startswith("3/3 ")


def test_times_leave_out_compilation_and_validation(clock, capsys):
    logger = ProgbarLogger()
    logger.set_params({"verbose": 2, "epochs": 1, "steps": 101})
    logger.on_train_begin()
    logger.on_epoch_begin(0)
    clock[0] += 30.0
    logger.on_progress(1, 101, {})
    clock[0] += 0.1 * 100
    logger.on_test_begin()
    clock[0] += 60.0
    logger.on_test_end({})
    logger.on_epoch_end(0, {"loss": 2.0})
    assert capsys.readouterr().out == "101/101 - 40s - 100ms/step - loss: 2.0000\n"


def test_remaining_time(clock, terminal):
    bar = Progbar(100, interval=0)
    for step, seconds in ((10, 5.0), (20, 1.0), (30, 1.0)):
        clock[0] += seconds
        bar.update(step)
    shown = terminal.getvalue().split("\r")[1:]
    assert "45s 500ms/step" in shown[0]  # 90 steps of 0.5 s
    assert "7s 100ms/step" in shown[2]


def test_progbar_averages_over_steps(capsys):
    bar = Progbar(4, verbose=2, stateful_metrics=["rate"])
    bar.update(1, [("loss", 4.0), ("rate", 1.0)])
    bar.add(3, [("loss", 2.0), ("rate", 0.5)])
    assert capsys.readouterr().out.endswith("/step - loss: 2.5000 - rate: 0.5000\n")
    with pytest.raises(ValueError, match="not both"):
        Progbar(4, stateful_metrics=[], stateless_metrics=[])


def test_interval(clock, terminal):
    bar = Progbar(100, interval=0.05)
    for step in range(1, 11):
        clock[0] += 0.01
        bar.update(step)
    assert terminal.getvalue().count("\r") == 2


def test_colors_and_plain_letters(terminal, monkeypatch):
    monkeypatch.delenv("NO_COLOR")
    Progbar(2).update(1)
    assert "\x1b[32m━━━━━━━━━━\x1b[90m━" in terminal.getvalue()
    console.end()
    monkeypatch.setattr(fake.Terminal, "encoding", "ascii")
    Progbar(2).update(1)
    assert "1/2\x1b[0m [==========..........] " in terminal.getvalue()
    console.end()


def test_a_line_that_is_drawn_again_fits(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    bar = Progbar(2, stateless_metrics=())
    values = [(f"metric_{i}", 0.5) for i in range(9)]
    bar.update(1, values)
    bar.update(2, values)
    drawn, last = terminal.getvalue().split("\r")[1:]
    assert len(drawn) == 59 and last.endswith("metric_8: 0.5000\n")


def test_shown_numbers():
    assert [progbar.clock(s) for s in (0.2, 59.4, 61, 3661)] == ["0s", "59s", "1:01", "1:01:01"]
    assert [progbar.pace(s) for s in (0, 2.2, 0.08, 15e-6)] == ["0us", "2s", "80ms", "15us"]
    shown = [progbar.number(x) for x in (0.9, 0.0, 1e-5, -3.0, np.array([1.0, 2.0]))]
    assert shown == ["0.9000", "0.0000", "1.0000e-05", "-3.0000", "1.5000"]
