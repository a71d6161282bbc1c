"""Names with control characters, markup or 70,000 letters, in everything that shows names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.attack import Attack, Attempt
from tests.attacks import surfaces
from tests.attacks.names import ACTIVE, NAMES

__all__ = ["ATTACKS"]

_made: dict[str, Any] = {}
_LONGEST = 100_000  # characters


def _named(kind: str) -> Any:
    if kind not in _made:
        _made[kind] = surfaces.make_model(NAMES[kind])
    return _made[kind]


def _check(text: str, page: bool = False) -> None:
    found = ACTIVE.findall(text)
    assert not found, f"control characters: {sorted(set(found))!a}"
    assert len(text) < _LONGEST, f"{len(text)} characters"
    if page:
        found = surfaces.tags(text) & {"img", "marquee", "onerror"}
        assert not found, f"elements from names: {found}"


def _shown(show: Any, kind: str, page: bool) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        model = _named(kind)
        return lambda: _check(surfaces.shown_text(show, model, NAMES[kind], folder), page)

    return prepare


def _raised(show: Any, kind: str) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        model = surfaces.make_model(NAMES[kind])
        return lambda: _check(surfaces.error_text(show, model, NAMES[kind]))

    return prepare


def _attacks() -> Iterator[Attack]:
    for kind in NAMES:
        for page, table in enumerate((surfaces.TEXTS, surfaces.PAGES)):
            for name, show in table.items():
                label = f"{kind} in {name}{', HTML' * page}"
                yield Attack(label, "names", name, _shown(show, kind, bool(page)))
        for name, show in surfaces.ERRORS.items():
            label = f"{kind} in the error of {name}"
            yield Attack(label, "names", "errors", _raised(show, kind))


ATTACKS = list(_attacks())
