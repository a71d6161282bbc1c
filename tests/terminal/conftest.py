"""A fake terminal and a fake clock."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cornu.terminal import console as console_module
from cornu.terminal import progbar
from tests.callbacks import fake

__all__ = ["clock", "terminal"]


@pytest.fixture
def terminal(monkeypatch):
    """Replaces standard output by a fake terminal."""
    screen = fake.Terminal()
    # Not sys.stdout itself: pytest takes that back when the test begins.
    monkeypatch.setattr(console_module, "sys", SimpleNamespace(stdout=screen, modules={}))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    return screen


@pytest.fixture
def clock(monkeypatch):
    """A fake clock."""
    now = [1000.0]
    monkeypatch.setattr(progbar.time, "monotonic", lambda: now[0])
    return now
