"""PNG of a laid-out picture, drawn with Pillow (an optional package)."""

from __future__ import annotations

import io
from typing import Any

from cornu.errors import missing_package
from cornu.graphics.svg import text_width
from cornu.inspect.plot.colors import LIGHT, kind_colours
from cornu.inspect.plot.diagram import (
    CHIP_LINE,
    SMALL,
    SMALL_LINE,
    STRIPE,
    TITLE,
    TITLE_LINE,
    Picture,
)
from cornu.inspect.plot.layout import Box, Layout, Line
from cornu.inspect.plot.svg import MARGIN, ROUND, arrow, bend, tag_place

__all__ = ["to_png"]

_FINER = 2  # drawn so much larger, because Pillow's lines have hard edges
_MOST = 40_000_000  # pixels, before it is made smaller again
_SCREEN = 96.0  # units of a picture in an inch


def to_png(picture: Picture, found: Layout, dpi: float | None, smooth: bool = True) -> bytes:
    """Returns the PNG file of a picture whose boxes are placed.

    A picture that would be too large to handle gets a lower resolution.

    Raises:
        ImportError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        purpose = "FunctionalGraph a PNG file (write to_file='model.svg' or '.html' to do without)"
        raise missing_package("pillow", "plot", purpose) from error
    size = (found.width + 2 * MARGIN, found.height + 2 * MARGIN)
    dpi = dpi or _SCREEN
    scale = min(_FINER * dpi / _SCREEN, (_MOST / (size[0] * size[1])) ** 0.5)
    pixels = tuple(max(_FINER, round(side * scale)) for side in size)
    image = Image.new("RGB", pixels, LIGHT.back)
    brush = _Brush(ImageDraw.Draw(image), ImageFont, scale)
    _paint(brush, picture, found, smooth)
    final = tuple(max(1, side // _FINER) for side in pixels)
    image = image.resize(final, Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "PNG", dpi=(dpi, dpi), optimize=True)
    return data.getvalue()


class _Brush:
    """Pillow's drawing in units of the picture."""

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

    def words(self, text: str, x: float, y: float, size: float, colour: str, at: str) -> None:
        # Pillow's own font has no bold; drawn twice, a little aside, it looks like it.
        for aside in (-0.25, 0.25) if size == TITLE else (0.0,):
            place = self.at((x + aside, y))
            self.draw.text(place, text, fill=colour, font=self.fonts[size], anchor=at)

    def way(self, points: list[tuple[float, float]], colour: str) -> None:
        thick = max(1, round(1.4 * self.scale))
        self.draw.line([self.at(p) for p in points], fill=colour, width=thick, joint="curve")

    def corners(self, points: list[tuple[float, float]], colour: str) -> None:
        self.draw.polygon([self.at(p) for p in points], fill=colour)


def _paint(brush: _Brush, picture: Picture, found: Layout, smooth: bool) -> None:
    rankdir = picture.options.rankdir
    boxes = [box for box in picture.root.walk() if box is not picture.root]
    _frames(brush, picture.root, 0)
    for line in found.lines:
        _line(brush, line, rankdir, smooth)
    for box in boxes:
        if box.parts:
            brush.words(box.data.title, box.x + 11, box.y + 17, TITLE, LIGHT.ink, "ls")
            x = box.x + 19 + text_width(box.data.title, TITLE, True)
            if box.data.name:
                brush.words(box.data.name, x, box.y + 17, SMALL, LIGHT.faint, "ls")
                x += text_width(box.data.name, SMALL) + 8
            _chips(brush, box.data.chips, x, box.y + 5)
        else:
            _box(brush, box, rankdir)


def _frames(brush: _Brush, frame: Box, depth: int) -> None:
    for box in frame.parts:
        if box.parts:
            for shift in (6.0, 3.0, 0.0) if box.data.count > 1 else (0.0,):
                place = (box.x + shift, box.y + shift, box.width, box.height)
                brush.rect(*place, 8.0, LIGHT.frames[depth % 3], LIGHT.border)
            _frames(brush, box, depth + 1)


def _line(brush: _Brush, line: Line, rankdir: str, smooth: bool) -> None:
    points, head = arrow(line, rankdir)
    upright = rankdir in ("TB", "BT")
    way = [points[0]]
    for one, two in zip(points, points[1:], strict=False):
        aside = abs(one[0] - two[0]) if upright else abs(one[1] - two[1])
        if smooth and aside >= 0.5:
            a, b = bend(one, two, upright)
            way += [_between(one, a, b, two, k / 24) for k in range(1, 24)]
        way.append(two)
    brush.way(way, LIGHT.line)
    if head:
        brush.corners(head, LIGHT.line)


def _between(p: Any, a: Any, b: Any, q: Any, t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * v[i] for w, v in zip(weights, (p, a, b, q), strict=True)) for i in (0, 1))
    return x, y


def _box(brush: _Brush, box: Box, rankdir: str) -> None:
    part = box.data
    fill, border, stripe = kind_colours(part.kind, LIGHT)
    for shift in (6.0, 3.0) if part.count > 1 else ():
        brush.rect(box.x + shift, box.y + shift, box.width, box.height, ROUND, fill, border)
    brush.rect(box.x, box.y, 2 * STRIPE, box.height, ROUND, stripe, stripe)
    brush.rect(box.x + STRIPE, box.y, box.width - STRIPE, box.height, ROUND, fill, border)
    left = [(box.x + STRIPE, box.y + 1), (box.x + STRIPE + ROUND, box.y + 1)]
    low = box.y + box.height - 1
    brush.corners([*left, (left[1][0], low), (left[0][0], low)], fill)
    middle, y = box.x + (box.width + STRIPE) / 2, box.y + 6 + TITLE_LINE
    brush.words(part.title, middle, y - 4, TITLE, LIGHT.ink, "ms")
    if part.name:
        y += SMALL_LINE
        brush.words(part.name, middle, y - 4, SMALL, LIGHT.faint, "ms")
    wide = sum(text_width(chip, SMALL) + 16 for chip in part.chips) - 6
    _chips(brush, part.chips, middle - wide / 2, y)
    if part.tag:
        if part.ends:
            dx, dy = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}[rankdir]
            x = box.x + box.width * (1 + dx) / 2
            y = box.y + box.height * (1 + dy) / 2
            way = [(x, y), (x + dx * box.tail, y + dy * box.tail)]
            _line(brush, Line(way, True, box), rankdir, True)
        place, anchor = tag_place(box, rankdir)
        brush.words(part.tag, *place, SMALL, LIGHT.faint, "ms" if anchor == "middle" else "ls")


def _chips(brush: _Brush, chips: list[str], x: float, y: float) -> None:
    for chip in chips:
        wide = text_width(chip, SMALL) + 10
        brush.rect(x, y, wide, CHIP_LINE - 3, 7.5, LIGHT.back, LIGHT.border)
        brush.words(chip, x + wide / 2, y + 11, SMALL, LIGHT.faint, "ms")
        x += wide + 6
