"""Plots in the dot language, for graphviz and other tools."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from cornu.inspect.plot.colors import LIGHT, family_colors
from cornu.inspect.plot.diagram import Diagram
from cornu.inspect.plot.layout import Box
from cornu.names import escape_controls

__all__ = ["DotSource", "to_dot"]


class DotSource(str):
    """The text of a graph in the dot language.

    Differences: Keras returns a `pydot.Dot`. This is a string with two of its methods,
        `to_string()` and `write(path)`.
    """

    def to_string(self) -> str:
        """Returns the text."""
        return str(self)

    def write(self, path: str | PathLike[str]) -> None:
        """Writes the text to a file."""
        Path(path).write_text(self, encoding="utf-8")


def to_dot(
    diagram: Diagram, dpi: float | None, splines: str | bool, subgraph: bool = False
) -> DotSource:
    """Returns a diagram in the dot language.

    Args:
        diagram: the boxes and edges.
        dpi: the resolution for graphviz.
        splines: the style of edges for graphviz.
        subgraph: whether the text is a cluster for use in a larger graph.
    """
    names: dict[int, str] = {}
    head = f"subgraph {quote_dot('cluster_' + diagram.name)}" if subgraph else "digraph G"
    lines = [f"{head} {{"]
    if subgraph:
        lines.append(f"  label={quote_dot(diagram.name)};")
    else:
        shown = str(splines).lower() if isinstance(splines, bool) else splines
        lines.append(f"  rankdir={diagram.options.rankdir};")
        lines.append(f"  graph [splines={quote_dot(shown)}, fontname=Helvetica];")
        if dpi is not None:
            lines.append(f"  graph [dpi={dpi:g}];")
    lines.append('  node [shape=box, style="rounded,filled", fontname=Helvetica];')
    _boxes(diagram.root, names, lines, "  ")
    for edge in diagram.edges:
        attributes = "" if edge.visible else " [style=invis]"
        tag = edge.source.data.tag
        if tag and edge.visible:
            label = "xlabel" if splines == "ortho" else "label"  # which graphviz can place
            attributes = f" [{label}={quote_dot(tag)}, fontname=Helvetica, fontsize=10]"
        lines.append(f"  {names[id(edge.source)]} -> {names[id(edge.target)]}{attributes};")
    return DotSource("\n".join([*lines, "}", ""]))


def _boxes(frame: Box, names: dict[int, str], lines: list[str], indent: str) -> None:
    for box in frame.parts:
        name = names[id(box)] = f"n{len(names)}"
        part = box.data
        if box.parts:
            lines.append(f"{indent}subgraph cluster_{name} {{")
            lines.append(f"{indent}  label={quote_dot(part.title)}; style=rounded;")
            _boxes(box, names, lines, indent + "  ")
            lines.append(f"{indent}}}")
            continue
        title = f"{part.title}"
        texts = [title, part.name, ", ".join(part.chips), part.tag if part.ends else ""]
        label = "\n".join(text for text in texts if text)
        fill, border, _ = family_colors(part.family, LIGHT)
        lines.append(
            f'{indent}{name} [label={quote_dot(label)}, fillcolor="{fill}", color="{border}"];'
        )


def quote_dot(text: object) -> str:
    """Returns a text as a quoted string in the dot language.

    Example:

    >>> print(quote_dot('a "b"'))
    "a \\"b\\""
    """
    text = escape_controls(str(text), keep="\n")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
