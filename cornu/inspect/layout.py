"""Layout: boxes in boxes, and edges between them, as rows from the inputs to the outputs.

Every box with parts is laid out by itself, from the innermost outward; for the box around it, it
then is one large thing with ports where its edges come in and go out. So parts stand together,
and opening or closing a box changes no order. Within a box: rows by the longest way from the
start; long edges go through every row, those of one source (or to one target)
on one line; order by medians, in
a bounded number of sweeps; columns as in `columns.py`.

References: Kozo Sugiyama, Shojiro Tagawa, Mitsuhiko Toda (1981), "Methods for visual
understanding of hierarchical system structures".
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.inspect.columns import Link, columns, middle

__all__ = ["Box", "Edge", "Layout", "Level", "layout"]

SWEEPS = 8
MOST_LINKS = 40_000  # that are looked at in all sweeps over a frame
ROW_GAP = 30.0
PORT_GAP = 14.0
PADDING = 14.0
SLOPE = 0.12  # rows stand further apart where edges go far aside
MOST_GAP = 46.0


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


@dataclass
class Line:
    """An edge within one frame: points, of which neighbours lie straight or are curved between.

    `ends` tells whether it ends at a box without parts, so that it gets an arrow's head.
    """

    points: list[tuple[float, float]]
    ends: bool
    source: Box


@dataclass
class Layout:
    """Where everything is.

    Attributes:
        width, height: of the whole.
        lines: the edges, cut where they go through a frame.
        levels: what stands in each frame, by the frame's id.
        operations: how many steps ordering took, which does not depend on the machine.
    """

    width: float
    height: float
    lines: list[Line]
    levels: dict[int, Level]
    operations: int


def layout(root: Box, edges: Sequence[Edge], rankdir: str = "TB") -> Layout:
    """Places all boxes in `root`, which is no frame itself; sets their `x`, `y` and sizes.

    Args:
        root: the box around everything.
        edges: between boxes without parts. Circles are no reason to fail: they are cut.
        rankdir: where edges point: "TB" (down), "BT" (up), "LR" (right) or "RL" (left).
    """
    arranger = _Arranger(root, edges)
    placer = _Placer(arranger.levels, root, rankdir)
    width, height, lines = placer.run()
    return Layout(width, height, lines, arranger.levels, arranger.operations)


# ------------------------------------------------------------------------------- rows and order


class _Arranger:
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


# ------------------------------------------------------------------------------------ coordinates


@dataclass
class _Placed:
    """A frame's inside, from its own corner: across is along a row, along is the edges' way."""

    across: float = 0.0
    along: float = 0.0
    at: dict[int, tuple[float, float]] = field(default_factory=dict)
    ins: dict[int, float] = field(default_factory=dict)
    outs: dict[int, float] = field(default_factory=dict)
    lines: list[tuple[list[tuple[float, float]], bool, Box]] = field(default_factory=list)


class _Placer:
    """Finds coordinates, innermost frames first; then turns everything to where edges point."""

    def __init__(self, levels: dict[int, Level], root: Box, rankdir: str) -> None:
        self.levels = levels
        self.root = root
        self.upright = rankdir in ("TB", "BT")
        self.backward = rankdir in ("BT", "RL")
        self.placed: dict[int, _Placed] = {}

    def run(self) -> tuple[float, float, list[Line]]:
        """Places everything; returns width, height and lines."""
        inside = self._place(self.root)
        self.total = inside.along
        lines: list[Line] = []
        self._settle(self.root, 0.0, 0.0, lines)
        across, along = inside.across, inside.along
        return (across, along, lines) if self.upright else (along, across, lines)

    def _size(self, box: Box) -> tuple[float, float]:
        if box.parts:
            inside = self.placed[id(box)]
            return inside.across, inside.along
        across, along = (box.width, box.height) if self.upright else (box.height, box.width)
        return max(across, box.tail_width), along + box.tail

    def _place(self, frame: Box) -> _Placed:
        for part in frame.parts:
            if part.parts:
                self._place(part)
        level = self.levels[id(frame)]
        sizes = [(2.0, 0.0) if s.box is None else self._size(s.box) for s in level.slots]
        links = [
            Link(a, b, self._port(level.slots[a], source, "outs"), self._port_in(level, b, source))
            for a, b, source in level.links
        ]
        xs = columns(
            level.rows, [size[0] for size in sizes], [slot.is_line for slot in level.slots], links
        )
        self.placed[id(frame)] = inside = _Placed()
        before, after, start, end, least_across, least_along = self._padding(frame)
        left = min(x - size[0] / 2 for x, size in zip(xs, sizes, strict=True))
        right = max(x + size[0] / 2 for x, size in zip(xs, sizes, strict=True))
        inside.across = max(right - left + before + after, least_across)
        move = before - left + (inside.across - before - after - (right - left)) / 2
        xs = [x + move for x in xs]
        tops, bottoms = self._rows(level, links, xs, sizes, start)
        inside.along = max(bottoms[-1] + end, least_along)
        row_of = {slot: r for r, row in enumerate(level.rows) for slot in row}
        for i, slot in enumerate(level.slots):
            r = row_of[i]
            if slot.box is not None:
                top = tops[r] + (bottoms[r] - tops[r] - sizes[i][1]) / 2
                inside.at[id(slot.box)] = (xs[i] - sizes[i][0] / 2, top)
            elif slot.port is not None:
                ports = inside.ins if slot.entry else inside.outs
                ports[id(slot.port)] = xs[i] - inside.across / 2
        for way, source in level.ways:
            inside.lines.append(self._line(level, way, source, xs, sizes, tops, bottoms, row_of))
        return inside

    def _port(self, slot: Slot, source: Box, side: str) -> float:
        if slot.box is None or not slot.box.parts:
            return 0.0
        inside = self.placed[id(slot.box)]
        return (inside.outs if side == "outs" else inside.ins).get(id(source), 0.0)

    def _port_in(self, level: Level, slot: int, source: Box) -> float:
        return self._port(level.slots[slot], source, "ins")

    def _padding(self, frame: Box) -> tuple[float, float, float, float, float, float]:
        """Returns room before, after, at start and end, and the least size; none for the root."""
        if frame is self.root:
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        pad, head = PADDING, frame.heading
        top = head + pad / 2
        if not self.upright:
            return top, pad, pad, pad, frame.height, frame.width
        if self.backward:
            return pad, pad, pad, top, frame.width, frame.height
        return pad, pad, top, pad, frame.width, frame.height

    def _rows(
        self,
        level: Level,
        links: list[Link],
        xs: list[float],
        sizes: list[tuple[float, float]],
        start: float,
    ) -> tuple[list[float], list[float]]:
        row_of = {slot: r for r, row in enumerate(level.rows) for slot in row}
        aside = [0.0] * len(level.rows)
        for link in links:
            far = abs(xs[link.above] + link.above_port - xs[link.below] - link.below_port)
            aside[row_of[link.above]] = max(aside[row_of[link.above]], far)
        tops, bottoms = [], []
        at = start
        for r, row in enumerate(level.rows):
            tops.append(at)
            at += max(sizes[slot][1] for slot in row)
            bottoms.append(at)
            last = r + 1 == len(level.rows)
            ports = any(level.slots[s].port for s in row) or (
                not last and any(level.slots[s].port for s in level.rows[r + 1])
            )
            at += (PORT_GAP if ports else ROW_GAP) + min(MOST_GAP, SLOPE * aside[r])
        return tops, bottoms

    def _line(
        self,
        level: Level,
        way: list[int],
        source: Box,
        xs: list[float],
        sizes: list[tuple[float, float]],
        tops: list[float],
        bottoms: list[float],
        row_of: dict[int, int],
    ) -> tuple[list[tuple[float, float]], bool, Box]:
        a, b = way[0], way[-1]
        first, last = level.slots[a], level.slots[b]
        points = []
        x = xs[a] + self._port(first, source, "outs")
        row = row_of[a]
        middle_of_row = (tops[row] + bottoms[row]) / 2
        tail = first.box.tail if first.box is not None and not first.box.parts else 0.0
        if first.box is None:
            points.append((x, 0.0))
        else:
            points.append((x, middle_of_row + sizes[a][1] / 2 - tail))
        points.append((x, bottoms[row]))
        for slot in way[1:-1]:
            points += [(xs[slot], tops[row_of[slot]]), (xs[slot], bottoms[row_of[slot]])]
        x = xs[b] + self._port_in(level, b, source)
        row = row_of[b]
        points.append((x, tops[row]))
        if last.box is None:
            points.append((x, _TO_THE_END))
        else:
            points.append((x, (tops[row] + bottoms[row]) / 2 - sizes[b][1] / 2))
        return points, last.box is not None and not last.box.parts, source

    def _settle(self, frame: Box, across: float, along: float, lines: list[Line]) -> None:
        inside = self.placed[id(frame)]
        for part in frame.parts:
            x, y = inside.at[id(part)]
            size = self._size(part)
            if part.parts:
                self._settle(part, across + x, along + y, lines)
                self._turn(part, across + x, along + y, *size)
            else:
                box = (part.width, part.height) if self.upright else (part.height, part.width)
                self._turn(part, across + x + (size[0] - box[0]) / 2, along + y, *box)
        for points, ends, source in inside.lines:
            shifted = [
                (across + x, along + (inside.along if y == _TO_THE_END else y)) for x, y in points
            ]
            lines.append(Line([self._point(*point) for point in shifted], ends, source))

    def _turn(self, box: Box, across: float, along: float, wide: float, long: float) -> None:
        if self.backward:
            along = self.total - along - long
        box.x, box.y = (across, along) if self.upright else (along, across)
        box.width, box.height = (wide, long) if self.upright else (long, wide)

    def _point(self, across: float, along: float) -> tuple[float, float]:
        along = self.total - along if self.backward else along
        return (across, along) if self.upright else (along, across)


_TO_THE_END = float("inf")  # as a coordinate: the end of the frame, which is known last
