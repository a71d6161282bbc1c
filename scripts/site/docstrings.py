"""Docstrings as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator

__all__ = ["to_markdown"]

Link = Callable[[str], str | None]

# Sections whose entries have names, and how a page calls them.
_TABLES = {
    "Args": "Arguments",
    "Attributes": "Attributes",
    "Call arguments": "Call arguments",
    "Raises": "Raises",
}
# Sections of text: the title, and the kind of box that Material shows them in.
_TEXTS = {
    "Returns": ("Returns", None),
    "Yields": ("Yields", None),
    "Shapes": ("Shapes", None),
    "Formula": ("Formula", None),
    "Example": ("Example", None),
    "References": ("References", None),
    "Differences": ("Differences from Keras", "warning"),
    "Fixes": ("Mended faults of Keras", "success"),
    "Extensions": ("More than Keras", "info"),
    "Note": ("Note", "note"),
}
_HEAD = re.compile(rf"({'|'.join([*_TABLES, *_TEXTS])}):(?:\s+|$)")
_ENTRY = re.compile(r"(\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*|`[^`]+`(?:, `[^`]+`)*):\s+")
# A line such as "y = x @ kernel" or "m <- beta * m", unlike a sentence.
_FORMULA = re.compile(r"[\w\[\](), .+-]{1,40} (=|<-|->) \S")
_CODE = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)


def to_markdown(text: str, link: Link) -> str:
    """Returns a docstring as Markdown.

    Args:
        text: the docstring, without indentation, as `inspect.getdoc` returns it.
        link: returns the address of a public name, or None.
    """
    return "\n\n".join(_sections(text, link)) + "\n"


def _sections(text: str, link: Link) -> Iterator[str]:
    for name, body in _split(text):
        if name in _TABLES:
            yield f"**{_TABLES[name]}**\n\n{_entries(body, link)}"
        elif name in _TEXTS:
            title, box = _TEXTS[name]
            content = _blocks(body, link)
            if box is None:
                yield f"**{title}**\n\n{content}"
            else:
                content = content[:1].upper() + content[1:]
                yield f'!!! {box} "{title}"\n\n{textwrap.indent(content, "    ")}'
        elif body:
            yield _blocks(body, link)


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Yields the sections of a docstring: their names, and their texts without indentation."""
    name, lines = "", list[str]()
    for number, line in enumerate(text.splitlines()):
        head = _HEAD.match(line)
        starts = number == 0 or not lines or not lines[-1].strip()
        if head and starts:
            yield name, _dedent(lines)
            name, lines = head[1], [line[head.end() :]]
        elif name and lines and line[:1].strip() and not lines[-1].strip() and not _is_code(line):
            if name in _TABLES:  # text after a table
                yield name, _dedent(lines)
                name, lines = "", [line]
            else:
                lines.append(line)
        else:
            lines.append(line)
    yield name, _dedent(lines)


def _is_code(line: str) -> bool:
    return line.startswith((">>>", "..."))


def _dedent(lines: list[str]) -> str:
    first, rest = lines[:1], lines[1:]
    return "\n".join([*(line.strip() for line in first), textwrap.dedent("\n".join(rest))]).strip()


def _entries(text: str, link: Link) -> str:
    """Returns the entries of a section, `name: text`, as a list."""
    items: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry and not line[:1].isspace():
            items.append((entry[1], [line[entry.end() :]]))
        elif items:
            items[-1][1].append(line.strip())
        else:
            items.append(("", [line]))
    lines = []
    for names, words in items:
        shown = ", ".join(f"`{name.strip('` ')}`" for name in names.split(", ")) if names else ""
        content = _prose(" ".join(word for word in words if word), link)
        lines.append(f"- {shown}: {content}" if shown else f"- {content}")
    return "\n".join(lines)


def _blocks(text: str, link: Link) -> str:
    """Returns paragraphs, formulas and examples."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = paragraph.splitlines()
        if not lines:
            continue
        if _is_code(lines[0]):
            parts.append(f"```pycon\n{paragraph}\n```")
        elif _is_formula(lines):
            parts.append(f"```text\n{textwrap.dedent(paragraph)}\n```")
        elif lines[0].startswith("- "):
            parts.append("\n".join(_prose(line, link) for line in lines))
        else:
            parts.append(_prose("\n".join(line.strip() for line in lines), link))
    return "\n\n".join(parts)


def _is_formula(lines: list[str]) -> bool:
    if all(line.startswith("    ") for line in lines):
        return True
    return all(_FORMULA.match(line) for line in lines) and not lines[-1].rstrip().endswith(".")


def _prose(text: str, link: Link) -> str:
    """Returns a text in which nothing but code has a meaning for Markdown."""
    parts = []
    for number, part in enumerate(_CODE.split(text)):
        if number % 2 == 0:
            parts.append(re.sub(r"([*_<\[\]])", r"\\\1", part))
            continue
        address = link(part.strip("`"))
        parts.append(part if address is None else f"[{part}]({address})")
    return "".join(parts)
