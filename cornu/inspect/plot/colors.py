"""Colors of plots, in light and dark mode."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from cornu.inspect.plot.layer_families import FAMILY_HUES, Family

__all__ = ["DARK", "LIGHT", "ColorScheme", "family_colors"]


@dataclass(frozen=True)
class ColorScheme:
    """Colors that do not depend on the family of a layer.

    Attributes:
        back: the background.
        ink: titles.
        faint: small text.
        line: edges.
        frames: fills of frames, by their nesting depth.
        border: borders of frames.
    """

    dark: bool
    back: str
    ink: str
    faint: str
    line: str
    frames: tuple[str, str, str]
    border: str


LIGHT = ColorScheme(
    dark=False,
    back="#ffffff",
    ink="#1c2330",
    faint="#5c6678",
    line="#7b8698",
    frames=("#f3f6fb", "#e8eef7", "#dde5f2"),
    border="#b9c5d9",
)
DARK = ColorScheme(
    dark=True,
    back="#14181f",
    ink="#e8ecf3",
    faint="#a3adbd",
    line="#8390a3",
    frames=("#1b212b", "#232b38", "#2c3646"),
    border="#46546a",
)


def family_colors(family: Family, scheme: ColorScheme) -> tuple[str, str, str]:
    """Returns the fill, border and stripe colors of a family.

    Example:

    >>> family_colors("conv", LIGHT)
    ('#e5e7fa', '#8c91d9', '#4e56d0')
    """
    hue = FAMILY_HUES[family]
    tones = ((0.22, 0.40), (0.42, 0.55), (0.58, 0.62)) if scheme.dark else _LIGHT_TONES
    fill, border, stripe = (_to_hex(hue, *tone) for tone in tones)
    return fill, border, stripe


# Lightness and saturation of fill, border and stripe.
_LIGHT_TONES = ((0.94, 0.68), (0.70, 0.50), (0.56, 0.58))


def _to_hex(hue: int | None, lightness: float, saturation: float) -> str:
    rgb = colorsys.hls_to_rgb(
        (hue or 215) / 360, lightness, saturation if hue is not None else 0.12
    )
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
