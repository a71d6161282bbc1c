"""Layout: boxes in boxes, and edges between them, as rows from the inputs to the outputs.

Every box with parts is laid out by itself, from the innermost outward; for the box around it, it
then is one large thing with ports where its edges come in and go out. So parts stand together,
and opening or closing a box changes no order. Rows and order: `rows.py`. Places in a row:
`columns.py`. Here: coordinates, and the ways of edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cornu.inspect.plot.coordinates import Link, columns
from cornu.inspect.plot.layering import Arranger, Box, Edge, Level, Slot

__all__ = ["Box", "Edge", "Layout", "Level", "Line", "layout"]

ROW_GAP = 30.0
PORT_GAP = 14.0
PADDING = 14.0
SLOPE = 0.12  # rows stand further apart where edges go far aside
MOST_GAP = 46.0


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
    arranger = Arranger(root, edges)
    placer = _Placer(arranger.levels, root, rankdir)
    width, height, lines = placer.run()
    return Layout(width, height, lines, arranger.levels, arranger.operations)


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
