"""Rows: in which row of its frame everything stands, and in which order.

Within a frame: rows by the longest way from the start; long edges go through every row, those of
one source (or to one target) on one line; order by medians, in a bounded number of sweeps.

References: Kozo Sugiyama, Shojiro Tagawa, Mitsuhiko Toda (1981), "Methods for visual
understanding of hierarchical system structures".
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.inspect.plot.coordinates import middle

__all__ = ["Arranger", "Box", "Edge", "Level", "Slot"]

SWEEPS = 8
MOST_LINKS = 40_000  # that are looked at in all sweeps over a frame


@dataclass(eq=False)
class Box:
    """A thing to be placed, or a frame around others.

    Attributes:
        width, height: size; of a frame, what its heading needs.
        tail: room behind it, where its edges begin, and `tail_width`, how much of the row.
        parts: what is inside of a frame.
        heading: height of the heading of a frame.
        data: what it stands for.
        x, y: the left upper corner, once it is placed.
        port: where edges come in and go out, from its middle.
    """

    width: float = 0.0
    height: float = 0.0
    tail: float = 0.0
    tail_width: float = 0.0
    parts: list[Box] = field(default_factory=list)
    heading: float = 0.0
    data: Any = None
    x: float = 0.0
    y: float = 0.0

    def walk(self) -> Iterator[Box]:
        """Yields this box and all inside, outermost first."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge between boxes without parts; one that is not `drawn` only puts them in order."""

    source: Box
    target: Box
    drawn: bool = True


@dataclass
class Slot:
    """What stands in a row: a box, a piece of a long edge, or a port of the frame."""

    box: Box | None = None
    port: Box | None = None  # the source of the edges that go through it
    entry: bool = False

    @property
    def is_line(self) -> bool:
        """Whether it is a piece of an edge."""
        return self.box is None


@dataclass
class Level:
    """What stands in a frame: slots in rows, links between neighbouring rows, ways of edges.

    Attributes:
        slots: what there is.
        rows: numbers of slots.
        links: (slot above, slot below, source of the edge).
        ways: for each edge its slots and its source; those not drawn are left out.
    """

    slots: list[Slot] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    links: list[tuple[int, int, Box]] = field(default_factory=list)
    ways: list[tuple[list[int], Box]] = field(default_factory=list)


class Arranger:
    """Finds the rows of every frame, and the order within them."""

    def __init__(self, root: Box, edges: Sequence[Edge]) -> None:
        self.operations = 0
        self.levels: dict[int, Level] = {}
        self.chains: dict[int, list[Box]] = {}
        self._chain(root, [])
        parts: dict[int, dict[Any, tuple[Any, Any, Box, bool]]] = defaultdict(dict)
        frames: dict[int, Box] = {}
        for edge in edges:
            self._cut(edge, parts, frames)
        for frame in root.walk():
            if frame.parts:
                self.levels[id(frame)] = self._level(frame, list(parts[id(frame)].values()))

    def _chain(self, box: Box, around: list[Box]) -> None:
        self.chains[id(box)] = [*around, box]
        for part in box.parts:
            self._chain(part, self.chains[id(box)])

    def _cut(self, edge: Edge, parts: Any, frames: dict[int, Box]) -> None:
        """Cuts an edge where it goes through frames; pieces of the same source are one."""
        ups, downs = self.chains[id(edge.source)], self.chains[id(edge.target)]
        shared = 0
        while shared < min(len(ups), len(downs)) and ups[shared] is downs[shared]:
            shared += 1
        pieces = [
            *((ups[k], ups[k + 1], "out") for k in range(len(ups) - 2, shared - 1, -1)),
            (ups[shared - 1], ups[shared], downs[shared]),
            *((downs[k], "in", downs[k + 1]) for k in range(shared, len(downs) - 1)),
        ]
        for frame, a, b in pieces:
            self.operations += 1
            key = (id(edge.source), a if a == "in" else id(a), b if b == "out" else id(b))
            old = parts[id(frame)].get(key)
            drawn = edge.drawn or (old is not None and old[3])
            parts[id(frame)][key] = (a, b, edge.source, drawn)

    def _level(self, frame: Box, pieces: list[tuple[Any, Any, Box, bool]]) -> Level:
        level = Level([Slot(box=part) for part in frame.parts])
        number = {id(part): i for i, part in enumerate(frame.parts)}
        ports: dict[tuple[str, int], int] = {}

        def slot(end: Any, source: Box) -> int:
            if isinstance(end, Box):
                return number[id(end)]
            if (end, id(source)) not in ports:
                ports[end, id(source)] = len(level.slots)
                level.slots.append(Slot(port=source, entry=end == "in"))
            return ports[end, id(source)]

        ends = [(slot(a, source), slot(b, source), source, drawn) for a, b, source, drawn in pieces]
        ranks = self._ranks(level, ends)
        self._lay_lines(level, ends, ranks)
        self._order(level)
        return level

    def _ranks(self, level: Level, ends: list[tuple[int, int, Box, bool]]) -> list[int]:
        count = len(level.slots)
        after: list[list[int]] = [[] for _ in range(count)]
        before: list[list[int]] = [[] for _ in range(count)]
        for a, b, _, _ in ends:
            after[a].append(b)
            before[b].append(a)
        order = _in_order(after, before)
        place = {slot: i for i, slot in enumerate(order)}
        entries = any(slot.is_line and slot.entry for slot in level.slots)
        ranks = [0] * count
        for slot in order:
            self.operations += 1 + len(before[slot])
            least = 0 if level.slots[slot].is_line and level.slots[slot].entry else int(entries)
            ahead = [ranks[b] + 1 for b in before[slot] if place[b] < place[slot]]
            ranks[slot] = max([least, *ahead])
        for slot in reversed(order):  # what has more ways out than in stands near to where they go
            behind = [ranks[a] for a in after[slot] if place[a] > place[slot]]
            fixed = level.slots[slot].is_line
            if behind and not fixed and len(after[slot]) > len(before[slot]):
                ranks[slot] = max(ranks[slot], min(behind) - 1)
        last = max(ranks, default=0)
        exits = [i for i, s in enumerate(level.slots) if s.is_line and not s.entry]
        if exits:
            inner = [ranks[i] for i in range(count) if i not in set(exits)]
            for i in exits:
                ranks[i] = max(inner, default=last) + 1
        return ranks

    def _lay_lines(
        self, level: Level, ends: list[tuple[int, int, Box, bool]], ranks: list[int]
    ) -> None:
        """Fills rows; long edges of one source share a line of slots, or those to one target."""
        level.rows = [[] for _ in range(max(ranks, default=-1) + 1)]
        for slot, rank in enumerate(ranks):
            level.rows[rank].append(slot)
        ends = [end for end in ends if ranks[end[1]] > ranks[end[0]]]  # here circles are cut
        long = [(a, b) for a, b, _, _ in ends if ranks[b] > ranks[a] + 1]
        outs, ins = Counter(a for a, _ in long), Counter(b for _, b in long)
        shared: dict[Any, int] = {}
        linked: set[Any] = set()
        for a, b, source, drawn in ends:
            bundle: Any = (a, id(source))
            if ins[b] > outs[a] and not _is_frame(level.slots[b]):
                bundle = (b,)
            way = [a]
            for rank in range(ranks[a] + 1, ranks[b]):
                key = (bundle, rank)
                if key not in shared:
                    shared[key] = len(level.slots)
                    level.slots.append(Slot())
                    level.rows[rank].append(shared[key])
                way.append(shared[key])
            way.append(b)
            for one, two in zip(way, way[1:], strict=False):
                self.operations += 1
                ported = _is_frame(level.slots[one]) or _is_frame(level.slots[two])
                if (one, two, id(source) if ported else 0) not in linked:
                    linked.add((one, two, id(source) if ported else 0))
                    level.links.append((one, two, source))
            if drawn:
                level.ways.append((way, source))

    def _order(self, level: Level) -> None:
        """Reorders rows so that fewer links cross; keeps the best order that it saw."""
        rows = level.rows
        row_of = {slot: r for r, row in enumerate(rows) for slot in row}
        down: dict[int, list[int]] = defaultdict(list)
        up: dict[int, list[int]] = defaultdict(list)
        between: list[list[tuple[int, int]]] = [[] for _ in rows]
        for a, b, _ in level.links:
            down[a].append(b)
            up[b].append(a)
            between[row_of[a]].append((a, b))
        best, fewest = [list(row) for row in rows], self._crossings(rows, between)
        idle = 0
        for sweep in range(max(1, min(SWEEPS, MOST_LINKS // max(1, len(level.links))))):
            if not fewest or idle == 3:
                break
            downward = sweep % 2 == 0
            near = up if downward else down
            for r in range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1):
                place = {slot: i for i, slot in enumerate(rows[r - 1 if downward else r + 1])}
                rows[r] = _by_medians(rows[r], near, place, bool(sweep & 2))
                self.operations += len(rows[r])
            self._exchange(rows, up, down)
            crossings = self._crossings(rows, between)
            idle += 1
            if crossings < fewest:
                best, fewest, idle = [list(row) for row in rows], crossings, 0
        level.rows = best

    def _crossings(self, rows: list[list[int]], between: list[list[tuple[int, int]]]) -> int:
        place = {slot: i for row in rows for i, slot in enumerate(row)}
        total = 0
        for links in between:
            seen: list[int] = []
            for _, b in sorted((place[a], place[b]) for a, b in links):
                total += len(seen) - bisect_right(seen, b)
                insort(seen, b)
            self.operations += len(links)
        return total

    def _exchange(self, rows: list[list[int]], up: Any, down: Any) -> None:
        """Exchanges neighbours in a row where that takes away crossings, once through all rows."""
        place = {slot: i for row in rows for i, slot in enumerate(row)}
        for row in rows:
            for i in range(len(row) - 1):
                a, b = row[i], row[i + 1]
                gain = 0
                for near in (up, down):
                    ones = [place[s] for s in near[a]]
                    twos = [place[s] for s in near[b]]
                    if len(ones) * len(twos) > 64:
                        continue  # so that the number of steps stays bounded
                    self.operations += len(ones) * len(twos)
                    gain += sum((x > y) - (x < y) for x in ones for y in twos)
                if gain > 0:
                    row[i], row[i + 1] = b, a
                    place[a], place[b] = i + 1, i


def _is_frame(slot: Slot) -> bool:
    return slot.box is not None and bool(slot.box.parts)


def _in_order(after: list[list[int]], before: list[list[int]]) -> list[int]:
    """Returns all numbers, each behind those before it, as far as there are no circles."""
    waiting = [len(set(items)) for items in before]
    order = [i for i, count in enumerate(waiting) if not count]
    found = set(order)
    at = 0
    while len(order) < len(after):
        if at == len(order):
            stuck = next(i for i in range(len(after)) if i not in found)
            order.append(stuck)
            found.add(stuck)
        for other in dict.fromkeys(after[order[at]]):
            waiting[other] -= 1
            if waiting[other] <= 0 and other not in found:
                order.append(other)
                found.add(other)
        at += 1
    return order


def _by_medians(row: list[int], near: Any, place: dict[int, int], late: bool) -> list[int]:
    """Sorts a row by the medians of its neighbours; what has none keeps its place."""
    wanted = {slot: middle(sorted(place[s] for s in near[slot])) for slot in row if near[slot]}
    tie = {slot: -i if late else i for i, slot in enumerate(row)}
    movable = iter(sorted(wanted, key=lambda slot: (wanted[slot], tie[slot])))
    return [next(movable) if slot in wanted else slot for slot in row]
