"""Colours of pictures, on light and on dark paper."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from cornu.inspect.plot.diagram import KINDS

__all__ = ["DARK", "LIGHT", "Paper", "kind_colours"]


@dataclass(frozen=True)
class Paper:
    """Colours that do not depend on the kind of a box.

    Attributes:
        back: the paper; `ink`: words; `faint`: small words; `line`: edges.
        frames: fills of frames, by how deep they lie; `border`: their borders.
    """

    dark: bool
    back: str
    ink: str
    faint: str
    line: str
    frames: tuple[str, str, str]
    border: str


LIGHT = Paper(
    dark=False,
    back="#ffffff",
    ink="#1c2330",
    faint="#5c6678",
    line="#7b8698",
    frames=("#f3f6fb", "#e8eef7", "#dde5f2"),
    border="#b9c5d9",
)
DARK = Paper(
    dark=True,
    back="#14181f",
    ink="#e8ecf3",
    faint="#a3adbd",
    line="#8390a3",
    frames=("#1b212b", "#232b38", "#2c3646"),
    border="#46546a",
)


def kind_colours(kind: str, paper: Paper) -> tuple[str, str, str]:
    """Returns the fill, the border and the stripe of a kind of box.

    Example:

    >>> kind_colours("conv", LIGHT)
    ('#e5e7fa', '#8c91d9', '#4e56d0')
    """
    hue = KINDS[kind]
    tones = ((0.22, 0.40), (0.42, 0.55), (0.58, 0.62)) if paper.dark else _LIGHT_TONES
    return tuple(_hex(hue, light, colour) for light, colour in tones)  # type: ignore[return-value]


_LIGHT_TONES = ((0.94, 0.68), (0.70, 0.50), (0.56, 0.58))


def _hex(hue: int | None, light: float, colour: float) -> str:
    rgb = colorsys.hls_to_rgb((hue or 215) / 360, light, colour if hue is not None else 0.12)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
