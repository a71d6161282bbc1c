"""A small SVG writer: elements as escaped text, and the widths of texts."""

from __future__ import annotations

import html
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from cornu.names import escape_controls

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
_WIDE = 0x2E80  # from this code point on, most characters are as wide as the font size


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Returns the approximate width of a text in Helvetica or a similar font.

    Example:

    >>> round(text_width("Dense", 10), 2)
    28.9
    """
    total = 0
    for char in text:
        code = ord(char)
        total += _WIDTHS[code - 32] if 32 <= code < 127 else 1000 if code >= _WIDE else 600
    return total * size / 1000 * (_BOLD if bold else 1.0)


def escape(text: object) -> str:
    """Returns a text escaped for XML and HTML, also for use in quotes.

    Control characters other than line ends are escaped as by `repr`.

    Example:

    >>> escape('<a> & "b"')
    '&lt;a&gt; &amp; &quot;b&quot;'
    """
    return html.escape(escape_controls(str(text), keep="\n\t"))


def format_number(value: float) -> str:
    """Returns a coordinate with at most one decimal.

    Example:

    >>> format_number(2.0), format_number(1.26), format_number(-0.01)
    ('2', '1.3', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(tag: str, *children: str, **attributes: Any) -> str:
    """Returns an element as text.

    Args:
        tag: the name of the element.
        *children: elements or escaped texts.
        **attributes: attributes, with `_` for `-`, and a trailing `_` if the name is a Python
            keyword; None leaves an attribute out.

    Example:

    >>> element("text", escape("a < b"), x=1.5, class_="name", font_size=12)
    '<text x="1.5" class="name" font-size="12">a &lt; b</text>'
    """
    parts = [tag]
    for key, value in attributes.items():
        if value is not None:
            shown = format_number(value) if isinstance(value, float) else value
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inside = "".join(children)
    return f"<{' '.join(parts)}>{inside}</{tag}>" if inside else f"<{' '.join(parts)}/>"


def document(
    size: tuple[float, float], body: Iterable[str], style: str = "", title: str = ""
) -> str:
    """Returns a complete SVG document, which can also be embedded in an HTML page.

    Args:
        size: width and height.
        body: elements.
        style: CSS. Class names should be unique, because a page shares them.
        title: the title for screen readers.
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
    """An SVG image: a notebook shows it, `save` writes it, `str` returns its text.

    Args:
        text: the SVG text.
        what: the description in `repr`.
    """

    def __init__(self, text: str, what: str = "picture") -> None:
        self.text = text
        self.what = what

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the SVG file.

        Raises:
            ValueError: the file name does not end in `.svg`.
        """
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise ValueError(
                f"The file name of an SVG image must end in '.svg'. Received: {str(path)!r}\n"
                "plot(to_file=...) writes PNG and PDF files with matplotlib."
            )
        path.write_text(self.text, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<{self.what}, {len(self.text)} characters of SVG; .save('file.svg') keeps it>"
