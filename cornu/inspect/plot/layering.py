"""Ranks: the row of each box in its frame, and the order within rows.

Within a frame, ranks are the longest paths from the start. Long edges pass through every rank
between; those of one source (or to one target) share a line. Rows are ordered by medians, in a
bounded number of sweeps.

References: Kozo Sugiyama, Shojiro Tagawa, Mitsuhiko Toda (1981), "Methods for visual
understanding of hierarchical system structures".
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.inspect.plot.coordinates import median

__all__ = ["Box", "Edge", "FrameRanks", "LayerAssigner", "RankItem"]

SWEEPS = 8
MAX_LINKS = 40_000  # links that all sweeps over a frame may visit, so that large graphs end


@dataclass(eq=False)
class Box:
    """A box to be positioned, or a frame around others.

    Attributes:
        width, height: its size; of a frame, the size that its heading needs.
        tail: space behind it, where its edges start.
        tail_width: space within its row that the tail needs.
        parts: the boxes in a frame.
        heading: height of the heading of a frame.
        data: the content of the box.
        x, y: the upper left corner, once the layout is computed.
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
    """An edge between boxes without parts; one that is not `visible` only orders them."""

    source: Box
    target: Box
    visible: bool = True


@dataclass
class RankItem:
    """An entry of a row: a box, a piece of a long edge, or a port of the frame.

    Attributes:
        box: the box, None for a piece or a port.
        port: the source of the edges that pass through a port.
        entry: whether edges enter through the port.
    """

    box: Box | None = None
    port: Box | None = None
    entry: bool = False

    @property
    def is_line(self) -> bool:
        """Whether it is a piece of an edge."""
        return self.box is None


@dataclass
class FrameRanks:
    """The contents of a frame, in rows.

    Attributes:
        slots: its items.
        rows: indices of items, row by row.
        links: (item above, item below, source of the edge), between neighboring rows.
        routes: the items that each visible edge passes through, and its source.
    """

    slots: list[RankItem] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    links: list[tuple[int, int, Box]] = field(default_factory=list)
    routes: list[tuple[list[int], Box]] = field(default_factory=list)


class LayerAssigner:
    """Assigns the items of every frame to rows, and orders the rows.

    Attributes:
        levels: the rows of each frame, by the id of its box.
        operations: the number of steps, which does not depend on the machine.
    """

    def __init__(self, root: Box, edges: Sequence[Edge]) -> None:
        self.operations = 0
        self.levels: dict[int, FrameRanks] = {}
        self.chains: dict[int, list[Box]] = {}
        self._collect_ancestors(root, [])
        parts: dict[int, dict[Any, tuple[Any, Any, Box, bool]]] = defaultdict(dict)
        frames: dict[int, Box] = {}
        for edge in edges:
            self._split_edge(edge, parts, frames)
        for frame in root.walk():
            if frame.parts:
                self.levels[id(frame)] = self._rank_frame(frame, list(parts[id(frame)].values()))

    def _collect_ancestors(self, box: Box, around: list[Box]) -> None:
        self.chains[id(box)] = [*around, box]
        for part in box.parts:
            self._collect_ancestors(part, self.chains[id(box)])

    def _split_edge(self, edge: Edge, parts: Any, frames: dict[int, Box]) -> None:
        """Cuts an edge where it crosses frames; pieces with the same source are merged."""
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
            visible = edge.visible or (old is not None and old[3])
            parts[id(frame)][key] = (a, b, edge.source, visible)

    def _rank_frame(self, frame: Box, pieces: list[tuple[Any, Any, Box, bool]]) -> FrameRanks:
        level = FrameRanks([RankItem(box=part) for part in frame.parts])
        number = {id(part): i for i, part in enumerate(frame.parts)}
        ports: dict[tuple[str, int], int] = {}

        def slot(end: Any, source: Box) -> int:
            if isinstance(end, Box):
                return number[id(end)]
            if (end, id(source)) not in ports:
                ports[end, id(source)] = len(level.slots)
                level.slots.append(RankItem(port=source, entry=end == "in"))
            return ports[end, id(source)]

        ends = [
            (slot(a, source), slot(b, source), source, visible) for a, b, source, visible in pieces
        ]
        ranks = self._assign_ranks(level, ends)
        self._route_edges(level, ends, ranks)
        self._order(level)
        return level

    def _assign_ranks(self, level: FrameRanks, ends: list[tuple[int, int, Box, bool]]) -> list[int]:
        count = len(level.slots)
        after: list[list[int]] = [[] for _ in range(count)]
        before: list[list[int]] = [[] for _ in range(count)]
        for a, b, _, _ in ends:
            after[a].append(b)
            before[b].append(a)
        order = _sort_topologically(after, before)
        place = {slot: i for i, slot in enumerate(order)}
        entries = any(slot.is_line and slot.entry for slot in level.slots)
        ranks = [0] * count
        for slot in order:
            self.operations += 1 + len(before[slot])
            least = 0 if level.slots[slot].is_line and level.slots[slot].entry else int(entries)
            ahead = [ranks[b] + 1 for b in before[slot] if place[b] < place[slot]]
            ranks[slot] = max([least, *ahead])
        for slot in reversed(order):  # sources with few inputs move toward their users
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

    def _route_edges(
        self, level: FrameRanks, ends: list[tuple[int, int, Box, bool]], ranks: list[int]
    ) -> None:
        """Fills rows; long edges of one source share a line of slots, or those to one target."""
        level.rows = [[] for _ in range(max(ranks, default=-1) + 1)]
        for slot, rank in enumerate(ranks):
            level.rows[rank].append(slot)
        ends = [end for end in ends if ranks[end[1]] > ranks[end[0]]]  # cycles are cut here
        long = [(a, b) for a, b, _, _ in ends if ranks[b] > ranks[a] + 1]
        outs, ins = Counter(a for a, _ in long), Counter(b for _, b in long)
        shared: dict[Any, int] = {}
        linked: set[Any] = set()
        for a, b, source, visible in ends:
            bundle: Any = (a, id(source))
            if ins[b] > outs[a] and not _is_frame(level.slots[b]):
                bundle = (b,)
            route = [a]
            for rank in range(ranks[a] + 1, ranks[b]):
                key = (bundle, rank)
                if key not in shared:
                    shared[key] = len(level.slots)
                    level.slots.append(RankItem())
                    level.rows[rank].append(shared[key])
                route.append(shared[key])
            route.append(b)
            for one, two in zip(route, route[1:], strict=False):
                self.operations += 1
                ported = _is_frame(level.slots[one]) or _is_frame(level.slots[two])
                if (one, two, id(source) if ported else 0) not in linked:
                    linked.add((one, two, id(source) if ported else 0))
                    level.links.append((one, two, source))
            if visible:
                level.routes.append((route, source))

    def _order(self, level: FrameRanks) -> None:
        """Reorders rows so that fewer links cross; keeps the best order found."""
        rows = level.rows
        row_of = {slot: r for r, row in enumerate(rows) for slot in row}
        down: dict[int, list[int]] = defaultdict(list)
        up: dict[int, list[int]] = defaultdict(list)
        between: list[list[tuple[int, int]]] = [[] for _ in rows]
        for a, b, _ in level.links:
            down[a].append(b)
            up[b].append(a)
            between[row_of[a]].append((a, b))
        # A sweep can add crossings, so the best order of all sweeps is kept.
        best, fewest = [list(row) for row in rows], self._count_crossings(rows, between)
        idle = 0
        for sweep in range(max(1, min(SWEEPS, MAX_LINKS // max(1, len(level.links))))):
            if not fewest or idle == 3:
                break
            downward = sweep % 2 == 0
            near = up if downward else down
            for r in range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1):
                place = {slot: i for i, slot in enumerate(rows[r - 1 if downward else r + 1])}
                rows[r] = _sort_by_medians(rows[r], near, place, bool(sweep & 2))
                self.operations += len(rows[r])
            self._swap_neighbors(rows, up, down)
            crossings = self._count_crossings(rows, between)
            idle += 1
            if crossings < fewest:
                best, fewest, idle = [list(row) for row in rows], crossings, 0
        level.rows = best

    def _count_crossings(self, rows: list[list[int]], between: list[list[tuple[int, int]]]) -> int:
        place = {slot: i for row in rows for i, slot in enumerate(row)}
        total = 0
        for links in between:
            seen: list[int] = []
            for _, b in sorted((place[a], place[b]) for a, b in links):
                total += len(seen) - bisect_right(seen, b)
                insort(seen, b)
            self.operations += len(links)
        return total

    def _swap_neighbors(self, rows: list[list[int]], up: Any, down: Any) -> None:
        """Swaps neighbors in a row where that removes crossings, once through all rows."""
        place = {slot: i for row in rows for i, slot in enumerate(row)}
        for row in rows:
            for i in range(len(row) - 1):
                a, b = row[i], row[i + 1]
                gain = 0
                for near in (up, down):
                    ones = [place[s] for s in near[a]]
                    twos = [place[s] for s in near[b]]
                    # Boxes with many edges are skipped: the cost is quadratic.
                    if len(ones) * len(twos) > 64:
                        continue  # so that the number of steps stays bounded
                    self.operations += len(ones) * len(twos)
                    gain += sum((x > y) - (x < y) for x in ones for y in twos)
                if gain > 0:
                    row[i], row[i + 1] = b, a
                    place[a], place[b] = i + 1, i


def _is_frame(slot: RankItem) -> bool:
    return slot.box is not None and bool(slot.box.parts)


def _sort_topologically(after: list[list[int]], before: list[list[int]]) -> list[int]:
    """Returns a topological order; cycles are cut."""
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


def _sort_by_medians(row: list[int], near: Any, place: dict[int, int], late: bool) -> list[int]:
    """Sorts a row by the medians of its neighbors; an item without neighbors keeps its index."""
    wanted = {slot: median(sorted(place[s] for s in near[slot])) for slot in row if near[slot]}
    tie = {slot: -i if late else i for i, slot in enumerate(row)}
    movable = iter(sorted(wanted, key=lambda slot: (wanted[slot], tie[slot])))
    return [next(movable) if slot in wanted else slot for slot in row]
