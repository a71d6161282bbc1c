"""Plots as SVG: frames, edges, boxes and texts, in light and dark mode."""

from __future__ import annotations

from collections.abc import Iterator

from cornu.graphics.svg import document, element, escape, format_number, text_width
from cornu.inspect.plot.box_content import (
    CHIP_LINE,
    SMALL,
    SMALL_LINE,
    STRIPE,
    TITLE,
    TITLE_LINE,
)
from cornu.inspect.plot.colors import DARK, LIGHT, ColorScheme, family_colors
from cornu.inspect.plot.diagram import Diagram
from cornu.inspect.plot.layer_families import Family
from cornu.inspect.plot.layout import Box, EdgeSegment, Layout
from cornu.names import printable

__all__ = ["ARROW", "MARGIN", "ROUND", "arrow_shape", "css_styles", "to_svg", "tooltip"]

MARGIN = 16.0
ROUND = 5.0
ARROW = 7.0

Point = tuple[float, float]


def to_svg(diagram: Diagram, found: Layout, smooth: bool = True) -> str:
    """Returns the SVG text of a diagram.

    Args:
        diagram: the boxes.
        found: their layout.
        smooth: whether edges are curves; otherwise they are straight between rows.
    """
    kinds = {box.data.family for box in diagram.root.walk() if box is not diagram.root}
    body = [element("rect", class_="cn-back", width="100%", height="100%", rx=8.0)]
    inside = [
        *_frames(diagram.root, 0),
        *(_line(line, diagram.options.rankdir, smooth) for line in found.lines),
        *(part for box in _leaves(diagram.root) for part in _box(box, diagram.options.rankdir)),
        *(_heading(box) for box in _framed(diagram.root)),
    ]
    move = f"translate({format_number(MARGIN)} {format_number(MARGIN)})"
    body.append(element("g", "\n".join(inside), transform=move))
    size = (found.width + 2 * MARGIN, found.height + 2 * MARGIN)
    return document(size, body, css_styles(kinds), title=diagram.name)


def css_styles(kinds: set[Family]) -> str:
    """Returns the CSS of families of layers, in light and dark mode."""
    sizes = (
        f".cn-title{{font-size:{format_number(TITLE)}px;font-weight:bold}}"
        f".cn-name,.cn-tag,.cn-chip{{font-size:{format_number(SMALL)}px}}"
        ".cn-mid{text-anchor:middle}.cn-edge{fill:none;stroke-width:1.4}"
    )
    dark = "".join(_scheme_styles(DARK, kinds))
    return (
        sizes
        + "".join(_scheme_styles(LIGHT, kinds))
        + f"@media(prefers-color-scheme:dark){{{dark}}}"
    )


def _scheme_styles(scheme: ColorScheme, kinds: set[Family]) -> Iterator[str]:
    yield f".cn-back{{fill:{scheme.back}}}.cn-title{{fill:{scheme.ink}}}"
    yield f".cn-name,.cn-tag,.cn-chip{{fill:{scheme.faint}}}.cn-edge{{stroke:{scheme.line}}}"
    yield f".cn-arrow{{fill:{scheme.line}}}.cn-frame{{stroke:{scheme.border}}}"
    for depth, fill in enumerate(scheme.frames):
        yield f".cn-f{depth}{{fill:{fill}}}"
    yield f".cn-pill{{fill:{scheme.back};stroke:{scheme.border};stroke-width:.7}}"
    for kind in sorted(kinds):
        fill, border, stripe = family_colors(kind, scheme)
        yield f".cn-{kind}{{fill:{fill};stroke:{border}}}.cn-{kind}-s{{fill:{stripe}}}"


def _framed(root: Box) -> list[Box]:
    return [box for box in root.walk() if box.parts and box is not root]


def _leaves(root: Box) -> list[Box]:
    return [box for box in root.walk() if not box.parts and box is not root]


def _frames(frame: Box, depth: int) -> Iterator[str]:
    for box in frame.parts:
        if box.parts:
            kind = f"cn-frame cn-f{depth % 3}"
            yield from _stacked_outlines(box, kind, 8.0)
            yield _rect(box, 0, kind, 8.0)
            yield from _frames(box, depth + 1)


def _rect(box: Box, shift: float, kind: str, round_: float) -> str:
    return element(
        "rect",
        x=box.x + shift,
        y=box.y + shift,
        width=box.width,
        height=box.height,
        rx=round_,
        class_=kind,
    )


def _stacked_outlines(box: Box, kind: str, round_: float) -> Iterator[str]:
    """Yields the outlines behind a box of several equal blocks."""
    if box.data.count > 1:
        for shift in (6.0, 3.0):
            yield _rect(box, shift, kind, round_)


def _heading(box: Box) -> str:
    part = box.data
    y = box.y + 17
    parts = [element("text", escape(part.title), x=box.x + 11, y=y, class_="cn-title")]
    x = box.x + 11 + text_width(part.title, TITLE, True) + 8
    if part.name:
        parts.append(element("text", escape(part.name), x=x, y=y, class_="cn-name"))
        x += text_width(part.name, SMALL) + 8
    return "".join(parts) + "".join(_chips(part.chips, x, y - 12))


def _box(box: Box, rankdir: str) -> Iterator[str]:
    part = box.data
    yield from _stacked_outlines(box, f"cn-{part.family}", ROUND)
    x, y, high, r = box.x, box.y, box.height, ROUND
    stripe = (
        f"M{format_number(x + STRIPE)} {format_number(y)}H{format_number(x + r)}"
        f"a{r:g} {r:g} 0 0 0 -{r:g} {r:g}"
        f"V{format_number(y + high - r)}a{r:g} {r:g} 0 0 0 {r:g} {r:g}H{format_number(x + STRIPE)}Z"
    )
    middle = x + (box.width + STRIPE) / 2
    parts = [
        element("title", escape(tooltip(box))),
        _rect(box, 0, f"cn-{part.family}", r),
        element("path", d=stripe, class_=f"cn-{part.family}-s"),
    ]
    y += 6 + TITLE_LINE
    parts.append(element("text", escape(part.title), x=middle, y=y - 4, class_="cn-title cn-mid"))
    if part.name:
        y += SMALL_LINE
        parts.append(element("text", escape(part.name), x=middle, y=y - 4, class_="cn-name cn-mid"))
    if part.chips:
        wide = sum(text_width(chip, SMALL) + 16 for chip in part.chips) - 6
        parts += _chips(part.chips, middle - wide / 2, y)
    yield element("g", *parts)
    yield from _tail(box, rankdir)


def _chips(chips: list[str], x: float, y: float) -> Iterator[str]:
    for chip in chips:
        wide = text_width(chip, SMALL) + 10
        yield element("rect", x=x, y=y, width=wide, height=CHIP_LINE - 3, rx=7.5, class_="cn-pill")
        yield element("text", escape(chip), x=x + 5, y=y + 11, class_="cn-chip")
        x += wide + 6


def _tail(box: Box, rankdir: str) -> Iterator[str]:
    """Yields the label where the edges of a box start, and the arrow of a model output."""
    part = box.data
    if not part.tag:
        return
    place, anchor = tag_position(box, rankdir)
    if part.ends:
        x, y = box.x + box.width / 2, box.y + box.height / 2
        dx, dy = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
        start = (x + dx * box.width / 2, y + dy * box.height / 2)
        end = (start[0] + dx * box.tail, start[1] + dy * box.tail)
        yield _line(EdgeSegment([start, end], True, box), rankdir, True)
    kind = "cn-tag cn-mid" if anchor == "middle" else "cn-tag"
    yield element("text", escape(part.tag), x=place[0], y=place[1], class_=kind)


def tag_position(box: Box, rankdir: str) -> tuple[Point, str]:
    """Returns the position of a box's tag, and its text anchor ("start" or "middle")."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    if rankdir == "TB":
        return (x + 7, box.y + box.height + box.tail - 6), "start"
    if rankdir == "BT":
        return (x + 7, box.y - box.tail + 14), "start"
    if rankdir == "LR":
        return (box.x + box.width + box.tail / 2, y - 5), "middle"
    return (box.x - box.tail / 2, y - 5), "middle"


def _line(line: EdgeSegment, rankdir: str, smooth: bool) -> str:
    points, head = arrow_shape(line, rankdir)
    upright = rankdir in ("TB", "BT")
    commands = [f"M{_format_point(points[0])}"]
    for one, two in zip(points, points[1:], strict=False):
        aside = abs(one[0] - two[0]) if upright else abs(one[1] - two[1])
        if aside < 0.5 or not smooth:
            commands.append(f"L{_format_point(two)}")
        else:
            a, b = control_points(one, two, upright)
            commands.append(f"C{_format_point(a)} {_format_point(b)} {_format_point(two)}")
    path = element("path", d="".join(commands), class_="cn-edge")
    if head:
        corners = "L".join(_format_point(corner) for corner in head)
        path += element("path", d=f"M{corners}Z", class_="cn-arrow")
    return path


def control_points(one: Point, two: Point, upright: bool) -> tuple[Point, Point]:
    """Returns the two control points of the curve between two points."""
    if upright:
        half = (one[1] + two[1]) / 2
        return (one[0], half), (two[0], half)
    half = (one[0] + two[0]) / 2
    return (half, one[1]), (half, two[1])


def arrow_shape(line: EdgeSegment, rankdir: str) -> tuple[list[Point], list[Point]]:
    """Returns the points of a line up to the arrow's head, and the corners of the head."""
    points = [line.points[0]]
    points += [p for p, q in zip(line.points[1:], line.points, strict=False) if p != q]
    if not line.ends:
        return points, []
    dx, dy = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
    x, y = points[-1]
    back = (x - dx * ARROW, y - dy * ARROW)
    side = 0.5 * ARROW
    head = [
        (x, y),
        (back[0] - dy * side, back[1] + dx * side),
        (back[0] + dy * side, back[1] - dx * side),
    ]
    # The line ends within the head, so that there is no gap between them.
    return [*points[:-1], (x - dx * (ARROW - 1), y - dy * (ARROW - 1))], head


def tooltip(box: Box) -> str:
    """Returns the tooltip of a box: path, source location and number of parameters."""
    items = box.data.items
    if not items:
        return str(box.data.title)
    weights = {id(v): v.size for item in items for v in item.weights}
    lines = [items[0].path or items[0].name]
    if items[0].place:
        lines.append(items[0].place)
    if weights:
        lines.append(f"{sum(weights.values()):,} parameters")
    return printable("\n".join(lines), keep="\n")


def _format_point(point: Point) -> str:
    return f"{format_number(point[0])} {format_number(point[1])}"
