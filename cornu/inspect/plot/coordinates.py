"""Coordinates within rows, chosen so that chains and long edges are straight.

References: Ulrik Brandes, Boris Köpf (2002), "Fast and simple horizontal coordinate assignment".

Differences: an edge may end anywhere on an item (at a port), not only at its middle.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Link", "assign_coordinates", "median"]

NODE_GAP = 26.0
LINE_GAP = 14.0


@dataclass(frozen=True)
class Link:
    """An edge between items of neighboring rows.

    Attributes:
        above, below: indices of the items.
        above_port, below_port: the distance of its ends from the middle of the items.
    """

    above: int
    below: int
    above_port: float = 0.0
    below_port: float = 0.0


def assign_coordinates(
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    links: Sequence[Link],
) -> list[float]:
    """Returns the coordinate of the middle of each item.

    Args:
        rows: indices of items, row by row, in order.
        widths: the width of each item.
        lines: whether an item is a piece of a long edge.
        links: the edges, each from one row to the next.
    """
    if not widths:
        return []
    # Links that cross a long edge are ignored, so that long edges stay straight.
    crossing = _find_conflicts(rows, lines, links)
    found = []
    # Each of the four alignments is biased toward one corner; their average is not.
    for upward in (False, True):
        for mirrored in (False, True):
            root, shift = _align_blocks(rows, links, crossing, upward, mirrored)
            xs = _compact(rows, widths, lines, root, shift, mirrored)
            found.append([-x for x in xs] if mirrored else xs)
    return _straighten(_balance(found, widths), rows, widths, lines, links)


def median(order: Sequence[float]) -> float:
    """Returns the median of sorted numbers.

    Example:

    >>> median([1, 2, 5, 9])
    3.5
    """
    half = len(order) // 2
    return order[half] if len(order) % 2 else (order[half - 1] + order[half]) / 2


def _positions(rows: Sequence[Sequence[int]]) -> dict[int, int]:
    return {item: i for row in rows for i, item in enumerate(row)}


def _find_conflicts(
    rows: Sequence[Sequence[int]], lines: Sequence[bool], links: Sequence[Link]
) -> set[tuple[int, int]]:
    """Returns the links that cross a piece of a long edge, which has priority."""
    place = _positions(rows)
    row_of = {item: r for r, row in enumerate(rows) for item in row}
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
        # The furthest ends of the pieces that start before each one, and of those after it.
        highest = list(itertools.accumulate((b for _, b in lines_here), max, initial=-1))
        ends = (b for _, b in reversed(lines_here))
        lowest = list(itertools.accumulate(ends, min, initial=len(place)))[::-1]
        for link in group:
            a, b = place[link.above], place[link.below]
            if highest[bisect_left(starts, a)] > b or lowest[bisect_right(starts, a)] < b:
                found.add((link.above, link.below))
    return found


def _align_blocks(
    rows: Sequence[Sequence[int]],
    links: Sequence[Link],
    crossing: set[tuple[int, int]],
    upward: bool,
    mirrored: bool,
) -> tuple[list[int], list[float]]:
    """Joins items to vertical blocks: returns the root of each item's block, and its offset."""
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
        for item in row:
            others = sorted(near[item], key=lambda pair: (place[pair[0]], pair[1]))
            if not others:
                continue
            for k in sorted({(len(others) - 1) // 2, len(others) // 2}):
                other, step = others[k]
                if not joined[item] and last < place[other]:
                    joined[item] = True
                    root[item] = root[other]
                    shift[item] = shift[other] + step
                    last = place[other]
    return root, shift


def _compact(
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    root: list[int],
    shift: list[float],
    mirrored: bool,
) -> list[float]:
    """Moves the blocks as close together as their items allow."""
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
    roots = [item for item in range(len(root)) if root[item] == item]
    at = dict.fromkeys(roots, 0.0)
    order = [item for item in roots if not before[item]]
    for item in order:
        for other, step in after[item].items():
            at[other] = max(at[other], at[item] + step)
            before[other] -= 1
            if not before[other]:
                order.append(other)
    for item in reversed(order):
        if after[item]:
            limit = min(at[other] - step for other, step in after[item].items())
            at[item] = max(at[item], limit)
    return [at[root[item]] + shift[item] for item in range(len(root))]


def _gap(a: int, b: int, widths: Sequence[float], lines: Sequence[bool]) -> float:
    """Returns the least distance between the middles of two neighbors."""
    return (widths[a] + widths[b]) / 2 + (LINE_GAP if lines[a] or lines[b] else NODE_GAP)


def _balance(found: list[list[float]], widths: Sequence[float]) -> list[float]:
    """Averages the median two of four assignments, aligned to the narrowest one."""
    ends = []
    for xs in found:
        ends.append(
            (
                min(x - w / 2 for x, w in zip(xs, widths, strict=True)),
                max(x + w / 2 for x, w in zip(xs, widths, strict=True)),
            )
        )
    # Rounded, so that rounding errors do not choose among assignments of the same width.
    left, right = min(ends, key=lambda pair: round(pair[1] - pair[0], 6))
    for i, (low, high) in enumerate(ends):
        move = right - high if i % 2 else left - low
        found[i] = [x + move for x in found[i]]
    return [sum(sorted(four)[1:3]) / 2 for four in zip(*found, strict=True)]


def _straighten(
    xs: list[float],
    rows: Sequence[Sequence[int]],
    widths: Sequence[float],
    lines: Sequence[bool],
    links: Sequence[Link],
) -> list[float]:
    """Moves groups joined by straight links where that makes more links straight.

    Several items may be above one wide item, each above its own port, which blocks cannot express.
    """
    group = list(range(len(xs)))

    def leader(item: int) -> int:
        while group[item] != item:
            group[item] = group[group[item]]
            item = group[item]
        return item

    bent = []
    for link in links:
        aside = xs[link.above] + link.above_port - xs[link.below] - link.below_port
        if abs(aside) < 0.5:
            group[leader(link.above)] = leader(link.below)
        else:
            bent.append((link, aside))
    wanted: dict[int, list[float]] = defaultdict(list)
    for link, aside in bent:
        above, below = leader(link.above), leader(link.below)
        if above != below:
            wanted[above].append(-aside)
            wanted[below].append(aside)
    place = {item: (row, i) for row in rows for i, item in enumerate(row)} if wanted else {}
    members: dict[int, list[int]] = defaultdict(list)
    for item in range(len(xs)):
        members[leader(item)].append(item)
    # Only groups with a single bent link: the others are at the median of theirs already.
    for key in sorted(key for key, moves in wanted.items() if len(moves) == 1):
        (move,) = wanted[key]
        for item in members[key]:
            row, i = place[item]
            if move < 0 and i and leader(row[i - 1]) != key:
                least = xs[row[i - 1]] + _gap(row[i - 1], item, widths, lines)
                move = min(0.0, max(move, least - xs[item]))
            if move > 0 and i + 1 < len(row) and leader(row[i + 1]) != key:
                most = xs[row[i + 1]] - _gap(item, row[i + 1], widths, lines)
                move = max(0.0, min(move, most - xs[item]))
        for item in members[key]:
            xs[item] += move
    return xs
