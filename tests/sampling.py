"""Cases of a product of options: some run in `make test`, all the others in `make test-slow`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_except(cases: Iterable[Any], kept: int | Collection[str]) -> list[Any]:
    """Returns the cases for `pytest.mark.parametrize`, most of them marked as slow.

    Args:
        cases: values of a parameter, or tuples of several.
        kept: the names of those that always run, or how many of the first do.
    """
    cases = list(cases)
    if isinstance(kept, int):
        return cases[:kept] + [_slow(case) for case in cases[kept:]]
    if unknown := set(kept) - set(cases):
        raise ValueError(f"Not among the cases: {sorted(unknown)}")
    return [case if case in kept else _slow(case) for case in cases]


def repeated_are_slow(cases: Iterable[Any], names: Iterable[str], group: str) -> list[Any]:
    """Returns the cases, of which only the first of each value of an attribute always run.

    Args:
        cases: rows of a table.
        names: their names.
        group: an attribute of the rows, such as the class that they are about.
    """
    seen, parameters = set(), []
    for case, name in zip(cases, names, strict=True):
        value = getattr(case, group)
        marks = [pytest.mark.slow] if value in seen else []
        parameters.append(pytest.param(case, id=name, marks=marks))
        seen.add(value)
    return parameters


def _slow(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
