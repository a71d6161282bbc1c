"""A small SVG writer: elements as text, correctly escaped, and the widths of words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["FONT", "SVGImage", "document", "element", "escape", "format_number", "text_width"]

FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

# Widths of the printable ASCII characters of Helvetica, in thousandths of the font's size.
_WIDTHS = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 278),
)
_BOLD = 1.07
_WIDE = 0x2E80  # from here on most characters are as wide as the font is high

# Characters that XML does not know, in no spelling.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Returns about how wide a text is, in Helvetica or a font like it.

    Example:

    >>> round(width("Dense", 10), 2)
    28.9
    """
    total = 0
    for char in text:
        code = ord(char)
        total += _WIDTHS[code - 32] if 32 <= code < 127 else 1000 if code >= _WIDE else 600
    return total * size / 1000 * (_BOLD if bold else 1.0)


def escape(text: Any) -> str:
    """Returns a text that means itself in XML and HTML, also inside of quotes.

    Example:

    >>> escape('<a> & "b"')
    '&lt;a&gt; &amp; &quot;b&quot;'
    """
    return html.escape(_FORBIDDEN.sub("\ufffd", str(text)))


def format_number(value: float) -> str:
    """Returns a coordinate with at most one digit behind the point.

    Example:

    >>> number(2.0), number(1.26), number(-0.01)
    ('2', '1.3', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(tag: str, *children: str, **attributes: Any) -> str:
    """Returns an element as text.

    Args:
        tag: its name.
        *children: elements, or texts that are escaped already.
        **attributes: their names, with `_` for `-`, and a `_` at the end where Python has a word
            of that name; those that are None are left out.

    Example:

    >>> element("text", escape("a < b"), x=1.5, class_="name", font_size=12)
    '<text x="1.5" class="name" font-size="12">a &lt; b</text>'
    """
    words = [tag]
    for key, value in attributes.items():
        if value is not None:
            shown = format_number(value) if isinstance(value, float) else value
            words.append(f'{key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inside = "".join(children)
    return f"<{' '.join(words)}>{inside}</{tag}>" if inside else f"<{' '.join(words)}/>"


def document(
    size: tuple[float, float], body: Iterable[str], style: str = "", title: str = ""
) -> str:
    """Returns a whole SVG file, that also can stand inside of an HTML page.

    Args:
        size: width and height.
        body: elements.
        style: CSS; its classes should have names of their own, since a page shares them.
        title: what a screen reader says.
    """
    wide, high = (format_number(value) for value in size)
    head = [element("title", escape(title))] if title else []
    head += [element("style", style)] if style else []
    return (
        element(
            "svg",
            *head,
            "\n",
            "\n".join(body),
            "\n",
            xmlns="http://www.w3.org/2000/svg",
            width=wide,
            height=high,
            viewBox=f"0 0 {wide} {high}",
            role="img",
            font_family=FONT,
        )
        + "\n"
    )


class SVGImage:
    """An SVG picture: a notebook shows it, `save` writes it, `str` is its text.

    Args:
        text: the SVG file's text.
        what: what is on it, for `repr`.
    """

    def __init__(self, text: str, what: str = "picture") -> None:
        self.text = text
        self.what = what

    def save(self, path: Any) -> None:
        """Writes the SVG file.

        Raises:
            ValueError: the file's name does not end in `.svg`.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ValueError(
                f"This picture is SVG. Received the file name {str(path)!r}: let it end in '.svg'."
            )
        path.write_text(self.text, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.what}, {len(self.text)} characters of SVG; .save('file.svg') keeps it>"
