"""How often layers have changed the form of their weights, in this process.

A layer does not know the models that contain it. Compiled programs of a model refer to the
Variables of its layers, so a model drops them when the number has changed.
"""

from __future__ import annotations

__all__ = ["count_changes", "note_change"]

_changes = [0]


def count_changes() -> int:
    """Returns the number of changes so far."""
    return _changes[0]


def note_change() -> None:
    """Counts a change: a layer has replaced Variables."""
    _changes[0] += 1
