"""Plots as PNG, rendered with Pillow (an optional package)."""

from __future__ import annotations

import io
from typing import Any

from cornu.errors import missing_package, visible_cause
from cornu.graphics.svg import text_width
from cornu.inspect.plot.box_content import (
    CHIP_LINE,
    SMALL,
    SMALL_LINE,
    STRIPE,
    TITLE,
    TITLE_LINE,
)
from cornu.inspect.plot.colors import LIGHT, family_colors
from cornu.inspect.plot.diagram import Diagram
from cornu.inspect.plot.layout import Box, EdgeSegment, Layout
from cornu.inspect.plot.svg import MARGIN, ROUND, arrow_shape, control_points, tag_position

__all__ = ["to_png"]

_SUPERSAMPLING = 2  # scale of supersampling, because Pillow does not antialias lines
_MAX_PIXELS = 40_000_000  # pixels before downsampling
_SCREEN_DPI = 96.0  # SVG pixels per inch


def to_png(diagram: Diagram, found: Layout, dpi: float | None, smooth: bool = True) -> bytes:
    """Returns the bytes of the PNG file of a diagram.

    A plot with too many pixels gets a lower resolution.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        purpose = "Writing a PNG file (use to_file='model.svg' or '.html' to do without)"
        raise missing_package("pillow", "plot", purpose) from visible_cause(error)
    size = (found.width + 2 * MARGIN, found.height + 2 * MARGIN)
    dpi = dpi or _SCREEN_DPI
    scale = min(_SUPERSAMPLING * dpi / _SCREEN_DPI, (_MAX_PIXELS / (size[0] * size[1])) ** 0.5)
    pixels = tuple(max(_SUPERSAMPLING, round(side * scale)) for side in size)
    # PNG has no dark mode, so the background is always light.
    image = Image.new("RGB", pixels, LIGHT.back)
    canvas = _Canvas(ImageDraw.Draw(image), ImageFont, scale)
    _paint(canvas, diagram, found, smooth)
    final = tuple(max(1, side // _SUPERSAMPLING) for side in pixels)
    image = image.resize(final, Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "PNG", dpi=(dpi, dpi), optimize=True)
    return data.getvalue()


class _Canvas:
    """Renders with Pillow, in the coordinates of a layout."""

    def __init__(self, draw: Any, fonts: Any, scale: float) -> None:
        self.draw = draw
        self.scale = scale
        self.fonts = {size: fonts.load_default(size * scale) for size in (TITLE, SMALL)}

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        return ((point[0] + MARGIN) * self.scale, (point[1] + MARGIN) * self.scale)

    def rect(
        self, x: float, y: float, wide: float, high: float, round_: float, fill: str, border: str
    ) -> None:
        corners = [*self.at((x, y)), *self.at((x + wide, y + high))]
        thick = max(1, round(self.scale))
        self.draw.rounded_rectangle(corners, round_ * self.scale, fill, border, thick)

    def text(self, text: str, x: float, y: float, size: float, color: str, at: str) -> None:
        # Pillow's default font has no bold style; two slightly shifted copies look bold.
        for aside in (-0.25, 0.25) if size == TITLE else (0.0,):
            place = self.at((x + aside, y))
            self.draw.text(place, text, fill=color, font=self.fonts[size], anchor=at)

    def line(self, points: list[tuple[float, float]], color: str) -> None:
        thick = max(1, round(1.4 * self.scale))
        self.draw.line([self.at(p) for p in points], fill=color, width=thick, joint="curve")

    def polygon(self, points: list[tuple[float, float]], color: str) -> None:
        self.draw.polygon([self.at(p) for p in points], fill=color)


def _paint(canvas: _Canvas, diagram: Diagram, found: Layout, smooth: bool) -> None:
    rankdir = diagram.options.rankdir
    boxes = [box for box in diagram.root.walk() if box is not diagram.root]
    _frames(canvas, diagram.root, 0)
    for line in found.lines:
        _line(canvas, line, rankdir, smooth)
    for box in boxes:
        if box.parts:
            canvas.text(box.data.title, box.x + 11, box.y + 17, TITLE, LIGHT.ink, "ls")
            x = box.x + 19 + text_width(box.data.title, TITLE, True)
            if box.data.name:
                canvas.text(box.data.name, x, box.y + 17, SMALL, LIGHT.faint, "ls")
                x += text_width(box.data.name, SMALL) + 8
            _chips(canvas, box.data.chips, x, box.y + 5)
        else:
            _box(canvas, box, rankdir)


def _frames(canvas: _Canvas, frame: Box, depth: int) -> None:
    for box in frame.parts:
        if box.parts:
            for shift in (6.0, 3.0, 0.0) if box.data.count > 1 else (0.0,):
                place = (box.x + shift, box.y + shift, box.width, box.height)
                canvas.rect(*place, 8.0, LIGHT.frames[depth % 3], LIGHT.border)
            _frames(canvas, box, depth + 1)


def _line(canvas: _Canvas, line: EdgeSegment, rankdir: str, smooth: bool) -> None:
    points, head = arrow_shape(line, rankdir)
    upright = rankdir in ("TB", "BT")
    curve = [points[0]]
    for one, two in zip(points, points[1:], strict=False):
        aside = abs(one[0] - two[0]) if upright else abs(one[1] - two[1])
        if smooth and aside >= 0.5:
            a, b = control_points(one, two, upright)
            curve += [_interpolate(one, a, b, two, k / 24) for k in range(1, 24)]
        curve.append(two)
    canvas.line(curve, LIGHT.line)
    if head:
        canvas.polygon(head, LIGHT.line)


def _interpolate(p: Any, a: Any, b: Any, q: Any, t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * v[i] for w, v in zip(weights, (p, a, b, q), strict=True)) for i in (0, 1))
    return x, y


def _box(canvas: _Canvas, box: Box, rankdir: str) -> None:
    part = box.data
    fill, border, stripe = family_colors(part.family, LIGHT)
    for shift in (6.0, 3.0) if part.count > 1 else ():
        canvas.rect(box.x + shift, box.y + shift, box.width, box.height, ROUND, fill, border)
    canvas.rect(box.x, box.y, 2 * STRIPE, box.height, ROUND, stripe, stripe)
    canvas.rect(box.x + STRIPE, box.y, box.width - STRIPE, box.height, ROUND, fill, border)
    left = [(box.x + STRIPE, box.y + 1), (box.x + STRIPE + ROUND, box.y + 1)]
    low = box.y + box.height - 1
    canvas.polygon([*left, (left[1][0], low), (left[0][0], low)], fill)
    middle, y = box.x + (box.width + STRIPE) / 2, box.y + 6 + TITLE_LINE
    canvas.text(part.title, middle, y - 4, TITLE, LIGHT.ink, "ms")
    if part.name:
        y += SMALL_LINE
        canvas.text(part.name, middle, y - 4, SMALL, LIGHT.faint, "ms")
    wide = sum(text_width(chip, SMALL) + 16 for chip in part.chips) - 6
    _chips(canvas, part.chips, middle - wide / 2, y)
    if part.tag:
        if part.ends:
            dx, dy = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
            x = box.x + box.width * (1 + dx) / 2
            y = box.y + box.height * (1 + dy) / 2
            ends = [(x, y), (x + dx * box.tail, y + dy * box.tail)]
            _line(canvas, EdgeSegment(ends, True, box), rankdir, True)
        place, anchor = tag_position(box, rankdir)
        canvas.text(part.tag, *place, SMALL, LIGHT.faint, "ms" if anchor == "middle" else "ls")


def _chips(canvas: _Canvas, chips: list[str], x: float, y: float) -> None:
    for chip in chips:
        wide = text_width(chip, SMALL) + 10
        canvas.rect(x, y, wide, CHIP_LINE - 3, 7.5, LIGHT.back, LIGHT.border)
        canvas.text(chip, x + wide / 2, y + 11, SMALL, LIGHT.faint, "ms")
        x += wide + 6
