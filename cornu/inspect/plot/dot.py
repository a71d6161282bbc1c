"""dot: a picture as text for graphviz and the tools that read its language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cornu.inspect.plot.colors import LIGHT, kind_colours
from cornu.inspect.plot.diagram import Picture
from cornu.inspect.plot.layout import Box

__all__ = ["Dot", "to_dot"]


class Dot(str):
    """The text of a graph in the dot language.

    Differences: Keras returns a `pydot.Dot`. Here it is a string, with the methods that programs
        use of the other: `to_string()` and `write(path)`.
    """

    def to_string(self) -> str:
        """Returns the text."""
        return str(self)

    def write(self, path: Any) -> None:
        """Writes the text to a file."""
        Path(path).write_text(self, encoding="utf-8")


def to_dot(picture: Picture, dpi: float | None, splines: Any, subgraph: bool = False) -> Dot:
    """Returns the dot text of a picture.

    Args:
        picture: what is drawn.
        dpi: resolution that is written into it.
        splines: how graphviz is to draw edges.
        subgraph: whether it becomes a cluster to stand in another graph.
    """
    names: dict[int, str] = {}
    head = f"subgraph {quoted('cluster_' + picture.name)}" if subgraph else "digraph G"
    lines = [f"{head} {{"]
    if subgraph:
        lines.append(f"  label={quoted(picture.name)};")
    else:
        shown = str(splines).lower() if isinstance(splines, bool) else splines
        lines.append(f"  rankdir={picture.options.rankdir};")
        lines.append(f"  graph [splines={quoted(shown)}, fontname=Helvetica];")
        if dpi is not None:
            lines.append(f"  graph [dpi={dpi:g}];")
    lines.append('  node [shape=box, style="rounded,filled", fontname=Helvetica];')
    _boxes(picture.root, names, lines, "  ")
    for edge in picture.edges:
        words = "" if edge.drawn else " [style=invis]"
        tag = edge.source.data.tag
        if tag and edge.drawn:
            label = "xlabel" if splines == "ortho" else "label"  # which graphviz can place
            words = f" [{label}={quoted(tag)}, fontname=Helvetica, fontsize=10]"
        lines.append(f"  {names[id(edge.source)]} -> {names[id(edge.target)]}{words};")
    return Dot("\n".join([*lines, "}", ""]))


def _boxes(frame: Box, names: dict[int, str], lines: list[str], indent: str) -> None:
    for box in frame.parts:
        name = names[id(box)] = f"n{len(names)}"
        part = box.data
        if box.parts:
            lines.append(f"{indent}subgraph cluster_{name} {{")
            lines.append(f"{indent}  label={quoted(part.title)}; style=rounded;")
            _boxes(box, names, lines, indent + "  ")
            lines.append(f"{indent}}}")
            continue
        title = f"{part.title}"
        words = [title, part.name, ", ".join(part.chips), part.tag if part.ends else ""]
        label = "\n".join(word for word in words if word)
        fill, border, _ = kind_colours(part.kind, LIGHT)
        lines.append(
            f'{indent}{name} [label={quoted(label)}, fillcolor="{fill}", color="{border}"];'
        )


def quoted(text: Any) -> str:
    """Returns a text as a quoted string of the dot language.

    Example:

    >>> print(quoted('a "b"'))
    "a \\"b\\""
    """
    text = re.sub("[\\x00-\\x09\\x0b-\\x1f]", " ", str(text))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
