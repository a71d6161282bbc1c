"""Columns: where things stand within their rows, so that chains and long edges are straight.

References: Ulrik Brandes, Boris Köpf (2002), "Fast and simple horizontal coordinate assignment".

Differences: an edge may end at any place of a thing (a port), not only in its middle.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Link", "columns", "middle"]

NODE_GAP = 26.0
LINE_GAP = 14.0


@dataclass(frozen=True)
class Link:
    """An edge between things of neighbouring rows.

    Attributes:
        above, below: numbers of the things.
        above_port, below_port: how far from their middles it ends.
    """

    above: int
    below: int
    above_port: float = 0.0
    below_port: float = 0.0


def columns(
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    links: Sequence[Link],
) -> list[float]:
    """Returns the place of each thing's middle.

    Args:
        rows: numbers of things, row by row, in order.
        widths: width of each thing.
        lines: whether it is only a piece of a long edge.
        links: the edges, each from one row to the next.
    """
    if not widths:
        return []
    crossing = _crossing_lines(rows, lines, links)
    found = []
    for upward in (False, True):
        for mirrored in (False, True):
            root, shift = _columns(rows, links, crossing, upward, mirrored)
            xs = _apart(rows, widths, lines, root, shift, mirrored)
            found.append([-x for x in xs] if mirrored else xs)
    return _straightened(_balanced(found, widths), rows, widths, lines, links)


def middle(order: Sequence[float]) -> float:
    """Returns the median of sorted numbers.

    Example:

    >>> middle([1, 2, 5, 9])
    3.5
    """
    half = len(order) // 2
    return order[half] if len(order) % 2 else (order[half - 1] + order[half]) / 2


def _positions(rows: Sequence[Sequence[int]]) -> dict[int, int]:
    return {thing: i for row in rows for i, thing in enumerate(row)}


def _crossing_lines(
    rows: Sequence[Sequence[int]], lines: Sequence[bool], links: Sequence[Link]
) -> set[tuple[int, int]]:
    """Returns the links that cross a piece of a long edge, which is to be straight."""
    place = _positions(rows)
    row_of = {thing: r for r, row in enumerate(rows) for thing in row}
    inner: dict[int, list[tuple[int, int]]] = defaultdict(list)
    outer: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        if lines[link.above] and lines[link.below]:
            inner[row_of[link.above]].append((place[link.above], place[link.below]))
        else:
            outer[row_of[link.above]].append(link)
    found = set()
    for row, group in outer.items():
        lines_here = sorted(inner[row])
        starts = [a for a, _ in lines_here]
        # The furthest ends of the lines that begin before each, and of those that begin behind.
        highest = list(itertools.accumulate((b for _, b in lines_here), max, initial=-1))
        ends = (b for _, b in reversed(lines_here))
        lowest = list(itertools.accumulate(ends, min, initial=len(place)))[::-1]
        for link in group:
            a, b = place[link.above], place[link.below]
            if highest[bisect_left(starts, a)] > b or lowest[bisect_right(starts, a)] < b:
                found.add((link.above, link.below))
    return found


def _columns(
    rows: Sequence[Sequence[int]],
    links: Sequence[Link],
    crossing: set[tuple[int, int]],
    upward: bool,
    mirrored: bool,
) -> tuple[list[int], list[float]]:
    """Joins things to columns: returns the first of each one's column, and its shift in it."""
    count = sum(len(row) for row in rows)
    root, shift, joined = list(range(count)), [0.0] * count, [False] * count
    near: dict[int, list[tuple[int, float]]] = defaultdict(list)
    sign = -1 if mirrored else 1
    for link in links:
        if (link.above, link.below) not in crossing:
            step = sign * (link.above_port - link.below_port)
            if upward:
                near[link.above].append((link.below, -step))
            else:
                near[link.below].append((link.above, step))
    ordered = [row[::-1] if mirrored else row for row in rows]
    place = _positions(ordered)
    for row in ordered[::-1] if upward else ordered:
        last = -1
        for thing in row:
            others = sorted(near[thing], key=lambda pair: (place[pair[0]], pair[1]))
            if not others:
                continue
            for k in sorted({(len(others) - 1) // 2, len(others) // 2}):
                other, step = others[k]
                if not joined[thing] and last < place[other]:
                    joined[thing] = True
                    root[thing] = root[other]
                    shift[thing] = shift[other] + step
                    last = place[other]
    return root, shift


def _apart(
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    root: list[int],
    shift: list[float],
    mirrored: bool,
) -> list[float]:
    """Puts the columns as near to each other as their things allow."""
    after: dict[int, dict[int, float]] = defaultdict(dict)
    before: dict[int, int] = defaultdict(int)
    for row in rows:
        ordered = row[::-1] if mirrored else row
        for a, b in zip(ordered, ordered[1:], strict=False):
            step = _gap(a, b, widths, lines) + shift[a] - shift[b]
            one, two = root[a], root[b]
            if two not in after[one]:
                before[two] += 1
            after[one][two] = max(step, after[one].get(two, step))
    roots = [thing for thing in range(len(root)) if root[thing] == thing]
    at = dict.fromkeys(roots, 0.0)
    order = [thing for thing in roots if not before[thing]]
    for thing in order:
        for other, step in after[thing].items():
            at[other] = max(at[other], at[thing] + step)
            before[other] -= 1
            if not before[other]:
                order.append(other)
    for thing in reversed(order):
        if after[thing]:
            room = min(at[other] - step for other, step in after[thing].items())
            at[thing] = max(at[thing], room)
    return [at[root[thing]] + shift[thing] for thing in range(len(root))]


def _gap(a: int, b: int, widths: Sequence[float], lines: Sequence[bool]) -> float:
    """Returns how far the middles of two neighbours must be apart."""
    return (widths[a] + widths[b]) / 2 + (LINE_GAP if lines[a] or lines[b] else NODE_GAP)


def _balanced(found: list[list[float]], widths: Sequence[float]) -> list[float]:
    """Averages the middle two of four answers, each moved to where the narrowest one is."""
    ends = []
    for xs in found:
        ends.append(
            (
                min(x - w / 2 for x, w in zip(xs, widths, strict=True)),
                max(x + w / 2 for x, w in zip(xs, widths, strict=True)),
            )
        )
    left, right = min(ends, key=lambda pair: round(pair[1] - pair[0], 6))
    for i, (low, high) in enumerate(ends):
        move = right - high if i % 2 else left - low
        found[i] = [x + move for x in found[i]]
    return [sum(sorted(four)[1:3]) / 2 for four in zip(*found, strict=True)]


def _straightened(
    xs: list[float],
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    links: Sequence[Link],
) -> list[float]:
    """Moves what hangs together by straight links as one, where that makes more links straight.

    Several things may stand above one wide thing, each above its own port; columns cannot say so.
    """
    group = list(range(len(xs)))

    def leader(thing: int) -> int:
        while group[thing] != thing:
            group[thing] = group[group[thing]]
            thing = group[thing]
        return thing

    wishes = []
    for link in links:
        aside = xs[link.above] + link.above_port - xs[link.below] - link.below_port
        if abs(aside) < 0.5:
            group[leader(link.above)] = leader(link.below)
        else:
            wishes.append((link, aside))
    wanted: dict[int, list[float]] = defaultdict(list)
    for link, aside in wishes:
        above, below = leader(link.above), leader(link.below)
        if above != below:
            wanted[above].append(-aside)
            wanted[below].append(aside)
    place = {thing: (row, i) for row in rows for i, thing in enumerate(row)} if wanted else {}
    members: dict[int, list[int]] = defaultdict(list)
    for thing in range(len(xs)):
        members[leader(thing)].append(thing)
    # Only what has a single wish: the others stand in the middle of theirs.
    for key in sorted(key for key, moves in wanted.items() if len(moves) == 1):
        (move,) = wanted[key]
        for thing in members[key]:
            row, i = place[thing]
            if move < 0 and i and leader(row[i - 1]) != key:
                least = xs[row[i - 1]] + _gap(row[i - 1], thing, widths, lines)
                move = min(0.0, max(move, least - xs[thing]))
            if move > 0 and i + 1 < len(row) and leader(row[i + 1]) != key:
                most = xs[row[i + 1]] - _gap(thing, row[i + 1], widths, lines)
                move = max(0.0, min(move, most - xs[thing]))
        for thing in members[key]:
            xs[thing] += move
    return xs
