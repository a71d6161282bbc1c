"""Progbar: contents and width of a line."""

from __future__ import annotations

import numpy as np
import pytest

from cornu.terminal import progbar
from cornu.terminal.console import console
from cornu.utils import Progbar
from tests.callbacks import fake


def redraws(line):
    """Returns the successive contents of a line."""
    return line.split("\r")[1:]


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
    monkeypatch.setenv("TERM", "dumb")
    assert not console.colored
    monkeypatch.setenv("TERM", "xterm")
    Progbar(2).update(1)
    assert "\x1b[32m━━━━━━━━━━\x1b[90m━" in terminal.getvalue()
    console.end_line()
    monkeypatch.setattr(fake.Terminal, "encoding", "ascii")
    Progbar(2).update(1)
    assert "1/2\x1b[0m [==========..........] " in terminal.getvalue()
    console.end_line()


def test_a_redrawn_line_fits(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    bar = Progbar(2, stateless_metrics=())
    values = [(f"metric_{i}", 0.5) for i in range(9)]
    bar.update(1, values)
    bar.update(2, values)
    first, last = redraws(terminal.getvalue())
    assert len(first) <= 59 and first.endswith(" - metric_0: 0.5000 …")
    lines = last.splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 59
    assert lines[1] == "    - metric_1: 0.5000 - metric_2: 0.5000"
    assert "".join(lines).count("0.5000") == 9


def test_a_very_narrow_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    bar = Progbar(2, width=5, stateless_metrics=())
    for step in (1, 2):
        bar.update(step, [("loss", 0.5), ("a_long_name_of_a_metric", 0.5)])
    first, last = redraws(terminal.getvalue())
    assert len(first) <= 19 and "a_long_name_of_a_metric: 0.5000" in last


def test_shown_numbers():
    assert [progbar.format_time(s) for s in (0.2, 59.4, 61, 3661)] == [
        "0s",
        "59s",
        "1:01",
        "1:01:01",
    ]
    assert [progbar.format_step_time(s) for s in (0, 2.2, 0.08, 15e-6)] == [
        "0us",
        "2s",
        "80ms",
        "15us",
    ]
    shown = [progbar.format_metric(x) for x in (0.9, 0.0, 1e-5, -3.0, np.array([1.0, 2.0]))]
    assert shown == ["0.9000", "0.0000", "1.0000e-05", "-3.0000", "1.5000"]
