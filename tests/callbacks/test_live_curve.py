"""LiveCurve: a figure in a notebook that is updated during training."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from cornu.callbacks import LiveCurve
from tests.callbacks import fake
from tests.graphics.test_curves import LOGS, ways


@pytest.fixture
def notebook(monkeypatch):
    """A fake notebook; yields the list of displayed images."""
    shown = []

    def display(picture, display_id=None):
        assert display_id is True
        shown.append(picture)
        return SimpleNamespace(update=shown.append)

    ipython, inner = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython, inner.display = lambda: SimpleNamespace(), display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return shown


def test_a_live_curve_is_updated_in_place(notebook):
    callback = LiveCurve("loss")
    fake.drive(callback, LOGS)
    assert [len(ways(picture, "training")[0]) for picture in notebook] == [1, 2, 3]
    assert callback.look_every == 1.0
    callback.on_epoch_begin(3)
    callback.on_progress(5, 10, {"loss": 0.25})
    (training,), (validation,) = (ways(notebook[-1], kind) for kind in ("training", "validation"))
    assert len(training) == 4 and len(validation) == 3
    # Half of the fourth epoch: a point halfway from the third epoch's place to the fourth's.
    assert training[3][0] - training[2][0] == pytest.approx((training[2][0] - training[1][0]) / 2)
    assert callback.past.epoch == [0, 1, 2]


def test_a_live_curve_is_silent_elsewhere(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    callback = LiveCurve()
    fake.drive(callback, LOGS)
    assert callback.look_every is None
    ipython, inner = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = type("TerminalInteractiveShell", (), {})
    inner.display = print
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    fake.drive(callback, LOGS)
    assert capsys.readouterr().out == ""
