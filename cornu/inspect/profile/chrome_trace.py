"""Profiles as traces for Perfetto and Chrome."""

from __future__ import annotations

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from cornu.inspect.outline import Item
from cornu.inspect.profile.measure import Measure

__all__ = ["save_chrome_trace"]


def save_chrome_trace(
    filepath: str | PathLike[str], root: Item, of: Callable[[Item], Measure], whole: Measure
) -> None:
    """Writes a JSON trace: layers one after another, within their blocks.

    Args:
        filepath: the file to write.
        root: the outline of a model.
        of: returns the Measure of an item.
        whole: the Measure of the model as one program.
    """
    events = [
        _metadata_event("process_name", 1, f"model {root.name}"),
        _metadata_event("thread_name", 1, "layers, each run separately"),
        _metadata_event("thread_name", 2, "the whole model as one program"),
    ]
    end = _add_spans(root, "forward", of, 0.0, events)
    if any(of(item).backward is not None for item in root.walk()):
        _add_spans(root, "backward", of, end, events)
    now = 0.0
    for direction, seconds in (("forward", whole.seconds), ("backward", whole.backward)):
        if seconds is not None:
            events.append(_event(root.name, direction, 2, now, now + seconds, whole, ""))
            now += seconds
    text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
    Path(filepath).write_text(text, encoding="utf-8")


def _add_spans(
    item: Item, direction: str, of: Callable[[Item], Measure], start: float, events: list[Any]
) -> float:
    """Adds the events of an item and its parts; returns the end time."""
    found = of(item)
    position = len(events)
    end = start
    for child in item.children if direction == "forward" else reversed(item.children):
        end = _add_spans(child, direction, of, end, events)
    own = (found.seconds if direction == "forward" else found.backward) or 0.0
    end = max(end, start + own)
    if end > start:
        events.insert(position, _event(item.name, direction, 1, start, end, found, item.path))
    return end


def _metadata_event(kind: str, thread: int, name: str) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "pid": 1, "tid": thread, "args": {"name": name}}


def _event(
    name: str, direction: str, thread: int, start: float, end: float, found: Measure, path: str
) -> dict[str, Any]:
    details: dict[str, Any] = {"path": path, "bytes": found.bytes}
    if direction == "forward":
        details |= {"flops": found.flops, "FLOP/s": found.flops_per_second}
    begin, stop = round(start * 1e6, 3), round(end * 1e6, 3)
    return {
        "name": name,
        "cat": direction,
        "ph": "X",
        "pid": 1,
        "tid": thread,
        "ts": begin,
        "dur": round(stop - begin, 3),
        "args": details,
    }
