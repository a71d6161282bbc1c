"""The layout of a diagram: positions of nested boxes, and the routes of edges between them.

Frames are laid out from the innermost outward. Within its surrounding frame, a frame is one large
box with ports where edges enter and leave. So its parts stay together, and opening or closing it
changes no order. `layering.py` finds rows and their order, `coordinates.py` the coordinates
within rows; this module combines them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cornu.inspect.plot.coordinates import Link, assign_coordinates
from cornu.inspect.plot.layering import Box, Edge, FrameRanks, LayerAssigner, RankItem

__all__ = ["Box", "Edge", "EdgeSegment", "FrameRanks", "Layout", "RankDirection", "compute_layout"]

RankDirection = Literal["TB", "BT", "LR", "RL"]

ROW_GAP = 30.0
PORT_GAP = 14.0
PADDING = 14.0
SLOPE = 0.12  # the gap between rows grows with the horizontal distance of edges
MAX_GAP = 46.0


@dataclass
class EdgeSegment:
    """The part of an edge within one frame.

    Attributes:
        points: joined by straight lines or curves.
        ends: whether it ends at a box without parts, where it gets an arrowhead.
        source: the box where the edge starts.
    """

    points: list[tuple[float, float]]
    ends: bool
    source: Box


@dataclass
class Layout:
    """A computed layout.

    Attributes:
        width, height: the size of the diagram.
        lines: the edges, split where they cross the border of a frame.
        levels: the rows of each frame, by the id of its box.
        operations: the number of steps of the ordering, which does not depend on the machine.
    """

    width: float
    height: float
    lines: list[EdgeSegment]
    levels: dict[int, FrameRanks]
    operations: int


def compute_layout(root: Box, edges: Sequence[Edge], rankdir: RankDirection = "TB") -> Layout:
    """Computes the position of every box in `root`; sets `x`, `y` and the sizes of frames.

    Args:
        root: the box around everything, which is not shown as a frame.
        edges: between boxes without parts. Cycles are cut.
        rankdir: the direction of edges: "TB" (down), "BT" (up), "LR" (right) or "RL" (left).
    """
    assigner = LayerAssigner(root, edges)
    positioner = _Positioner(assigner.levels, root, rankdir)
    width, height, lines = positioner.run()
    return Layout(width, height, lines, assigner.levels, assigner.operations)


@dataclass
class _FrameLayout:
    """Positions in a frame, relative to its corner.

    `across` is measured along a row, `along` in the direction of the edges.
    """

    across: float = 0.0
    along: float = 0.0
    at: dict[int, tuple[float, float]] = field(default_factory=dict)
    ins: dict[int, float] = field(default_factory=dict)
    outs: dict[int, float] = field(default_factory=dict)
    lines: list[tuple[list[tuple[float, float]], bool, Box]] = field(default_factory=list)


class _Positioner:
    """Computes coordinates, innermost frames first, then rotates them to the rank direction."""

    def __init__(self, levels: dict[int, FrameRanks], root: Box, rankdir: RankDirection) -> None:
        self.levels = levels
        self.root = root
        self.upright = rankdir in ("TB", "BT")
        self.backward = rankdir in ("BT", "RL")
        self.frames: dict[int, _FrameLayout] = {}

    def run(self) -> tuple[float, float, list[EdgeSegment]]:
        """Positions everything; returns the width, the height and the edges."""
        inside = self._position(self.root)
        self.total = inside.along
        lines: list[EdgeSegment] = []
        self._apply(self.root, 0.0, 0.0, lines)
        across, along = inside.across, inside.along
        return (across, along, lines) if self.upright else (along, across, lines)

    def _size(self, box: Box) -> tuple[float, float]:
        if box.parts:
            inside = self.frames[id(box)]
            return inside.across, inside.along
        across, along = (box.width, box.height) if self.upright else (box.height, box.width)
        return max(across, box.tail_width), along + box.tail

    def _position(self, frame: Box) -> _FrameLayout:
        for part in frame.parts:
            if part.parts:
                self._position(part)
        level = self.levels[id(frame)]
        sizes = [(2.0, 0.0) if s.box is None else self._size(s.box) for s in level.slots]
        links = [
            Link(a, b, self._port(level.slots[a], source, "outs"), self._port_in(level, b, source))
            for a, b, source in level.links
        ]
        xs = assign_coordinates(
            level.rows, [size[0] for size in sizes], [slot.is_line for slot in level.slots], links
        )
        self.frames[id(frame)] = inside = _FrameLayout()
        before, after, start, end, least_across, least_along = self._padding(frame)
        left = min(x - size[0] / 2 for x, size in zip(xs, sizes, strict=True))
        right = max(x + size[0] / 2 for x, size in zip(xs, sizes, strict=True))
        # A frame can be wider than its contents because of its heading.
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
        for route, source in level.routes:
            inside.lines.append(
                self._trace_edge(level, route, source, xs, sizes, tops, bottoms, row_of)
            )
        return inside

    def _port(self, slot: RankItem, source: Box, side: str) -> float:
        if slot.box is None or not slot.box.parts:
            return 0.0
        inside = self.frames[id(slot.box)]
        return (inside.outs if side == "outs" else inside.ins).get(id(source), 0.0)

    def _port_in(self, level: FrameRanks, slot: int, source: Box) -> float:
        return self._port(level.slots[slot], source, "ins")

    def _padding(self, frame: Box) -> tuple[float, float, float, float, float, float]:
        """Returns the padding (before, after, start, end) and the least size; 0 for the root."""
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
        level: FrameRanks,
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
            at += (PORT_GAP if ports else ROW_GAP) + min(MAX_GAP, SLOPE * aside[r])
        return tops, bottoms

    def _trace_edge(
        self,
        level: FrameRanks,
        route: list[int],
        source: Box,
        xs: list[float],
        sizes: list[tuple[float, float]],
        tops: list[float],
        bottoms: list[float],
        row_of: dict[int, int],
    ) -> tuple[list[tuple[float, float]], bool, Box]:
        a, b = route[0], route[-1]
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
        for slot in route[1:-1]:
            points += [(xs[slot], tops[row_of[slot]]), (xs[slot], bottoms[row_of[slot]])]
        x = xs[b] + self._port_in(level, b, source)
        row = row_of[b]
        points.append((x, tops[row]))
        if last.box is None:
            points.append((x, _FRAME_END))
        else:
            points.append((x, (tops[row] + bottoms[row]) / 2 - sizes[b][1] / 2))
        return points, last.box is not None and not last.box.parts, source

    def _apply(self, frame: Box, across: float, along: float, lines: list[EdgeSegment]) -> None:
        inside = self.frames[id(frame)]
        for part in frame.parts:
            x, y = inside.at[id(part)]
            size = self._size(part)
            if part.parts:
                self._apply(part, across + x, along + y, lines)
                self._rotate(part, across + x, along + y, *size)
            else:
                box = (part.width, part.height) if self.upright else (part.height, part.width)
                self._rotate(part, across + x + (size[0] - box[0]) / 2, along + y, *box)
        for points, ends, source in inside.lines:
            shifted = [
                (across + x, along + (inside.along if y == _FRAME_END else y)) for x, y in points
            ]
            lines.append(EdgeSegment([self._point(*point) for point in shifted], ends, source))

    def _rotate(self, box: Box, across: float, along: float, wide: float, long: float) -> None:
        if self.backward:
            along = self.total - along - long
        box.x, box.y = (across, along) if self.upright else (along, across)
        box.width, box.height = (wide, long) if self.upright else (long, wide)

    def _point(self, across: float, along: float) -> tuple[float, float]:
        along = self.total - along if self.backward else along
        return (across, along) if self.upright else (along, across)


# As a coordinate: the end of the frame, which is only known after its rows.
_FRAME_END = float("inf")
