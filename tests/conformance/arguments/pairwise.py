"""Combinations of options in which every pair of values of two options occurs."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any


def pairwise(options: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Returns few combinations, greedily, of which the first has the first value of each option.

    Args:
        options: the values by name of the option.
    """
    names = list(options)
    return [
        {name: options[name][index] for name, index in zip(names, row, strict=True)}
        for row in _rows(tuple(len(options[name]) for name in names))
    ]


@functools.cache
def _rows(sizes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Returns combinations of indices, for options with these numbers of values."""
    first = (0,) * len(sizes)
    missing = {
        ((i, a), (j, b))
        for i, j in itertools.combinations(range(len(sizes)), 2)
        for a in range(sizes[i])
        for b in range(sizes[j])
    }
    rng = random.Random(0)
    rows: list[tuple[int, ...]] = []
    row: tuple[int, ...] = first
    while True:
        rows.append(row)
        missing -= _pairs(row)
        if not missing:
            break
        row = max(
            (_candidate(sizes, missing, rng) for _ in range(8)), key=lambda r: _gain(r, missing)
        )
    return [(i,) for i in range(sizes[0])] if len(sizes) == 1 else rows


def _pairs(row: Sequence[int]) -> set[tuple[tuple[int, int], tuple[int, int]]]:
    return set(itertools.combinations(enumerate(row), 2))


def _gain(row: Sequence[int], missing: set[Any]) -> int:
    return len(_pairs(row) & missing)


def _candidate(sizes: Sequence[int], missing: set[Any], rng: random.Random) -> tuple[int, ...]:
    """Begins with a pair that is missing, and chooses the other values one by one."""
    chosen: dict[int, int] = dict(rng.choice(sorted(missing)))
    rest = [i for i in range(len(sizes)) if i not in chosen]
    rng.shuffle(rest)
    for i in rest:
        gains = [
            sum((min((i, a), other), max((i, a), other)) in missing for other in chosen.items())
            for a in range(sizes[i])
        ]
        best = max(gains)
        chosen[i] = rng.choice([a for a, gain in enumerate(gains) if gain == best])
    return tuple(chosen[i] for i in range(len(sizes)))
