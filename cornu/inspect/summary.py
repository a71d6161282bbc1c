"""summary: a table of a model's layers, in the blocks that the user's functions made."""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cornu.core.block import Block
from cornu.core.layer import Layer
from cornu.core.tensor import Node, Tensor

__all__ = ["summary"]


@dataclass
class Row:
    """A line of the table."""

    name: str
    depth: int
    shape: str = ""
    params: int | None = None
    inputs: str = ""
    trainable: str = ""
    heading: bool = False


def summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: tuple[str, str] | None = None,
    fold: bool = True,
) -> None:
    """Prints a table of the model's layers, their output shapes and their numbers of parameters.

    Layers that a function of the user made stand under its name; equal blocks that follow each
    other are shown once, with their number.

    Args:
        model: the model.
        line_length: width of the table; the terminal's by default.
        positions: relative widths of the columns, rising to 1.
        print_fn: called with the text instead of `print`.
        expand_nested: whether the layers of nested models are listed too.
        show_trainable: whether a column says what training changes.
        layer_range: names of the first and last layer to list.
        fold: whether equal neighbouring blocks are folded.
    """
    drawing = model._drawing
    if drawing is not None:
        rows = list(_block_rows(drawing.graph.root, 0, _Seen(), expand_nested, fold))
        inputs = [
            Row(_label(t.node.op), 0, str(t.shape), 0)
            for t in drawing.input_tensors
            if (t.node is not None)
        ]
        rows = inputs + rows
        chain = all(len(node.inputs) <= 1 for node in drawing.graph.nodes)
    else:
        rows = list(_layer_rows(model, 0, expand_nested))
        chain = True
    if layer_range is not None:
        rows = _between(rows, layer_range)
    text = _table(model, rows, not chain, show_trainable, line_length, positions)
    (print_fn or print)(text)


class _Seen:
    """Layers whose parameters were counted already, because a layer may be used twice."""

    def __init__(self) -> None:
        self.ids: set[int] = set()

    def params(self, op: Any) -> int:
        if not isinstance(op, Layer) or id(op) in self.ids:
            return 0
        self.ids.add(id(op))
        return sum(v.size for v in op.weights)


def _label(op: Any) -> str:
    kind = type(op).__name__ if isinstance(op, Layer) else "op"
    return f"{op.name} ({kind})"


def _block_rows(block: Block, depth: int, seen: _Seen, nested: bool, fold: bool) -> Iterator[Row]:
    for _, group in itertools.groupby(block.parts, key=_Shape(fold)):
        parts = list(group)
        first = parts[0]
        if isinstance(first, Node):
            for part in parts:
                yield from _node_rows(part, depth, seen, nested)  # type: ignore[arg-type]
            continue
        heading = Row(first.name, depth, heading=True)
        yield heading
        params = 0
        for row in _block_rows(first, depth + 1, seen, nested, fold):
            params += 0 if row.heading else row.params or 0
            yield row
        heading.params = params
        heading.shape = _shape(first.nodes[-1].outputs)
        if len(parts) > 1:
            heading.name = f"{first.function} x{len(parts)}"
            heading.params = params * len(parts)
            for part in parts[1:]:
                for node in part.nodes:  # type: ignore[union-attr]
                    seen.params(node.op)


class _Shape:
    """Key under which equal neighbouring blocks fall together; nodes and others stay alone."""

    def __init__(self, fold: bool) -> None:
        self.fold = fold
        self.number = itertools.count()

    def __call__(self, part: Node | Block) -> Any:
        if isinstance(part, Node) or not self.fold:
            return next(self.number)
        return (part.function, tuple(_node_shape(node) for node in part.nodes))


def _node_shape(node: Node) -> Any:
    size = sum(v.size for v in node.op.weights) if isinstance(node.op, Layer) else 0
    return (type(node.op), size, _shape(node.outputs), len(node.inputs))


def _node_rows(node: Node, depth: int, seen: _Seen, nested: bool) -> Iterator[Row]:
    op = node.op
    used = isinstance(op, Layer) and id(op) in seen.ids
    row = Row(
        _label(op) + (" again" if used else ""),
        depth,
        _shape(node.outputs),
        seen.params(op),
        ", ".join(_origin(t) for t in node.inputs),
        _trainable(op),
    )
    yield row
    if nested and isinstance(op, Layer) and op.sublayers() and not used:
        for inner in _layer_rows(op, depth + 1, nested):
            inner.params = None if inner.params is None else inner.params
            inner.heading = True
            yield inner


def _layer_rows(layer: Any, depth: int, nested: bool) -> Iterator[Row]:
    for inner in layer.sublayers():
        params = sum(v.size for v in inner.weights) if inner.built else None
        yield Row(_label(inner), depth, _known_shape(inner), params, "", _trainable(inner))
        if nested and inner.sublayers():
            for row in _layer_rows(inner, depth + 1, nested):
                row.heading = True
                yield row


def _known_shape(layer: Layer) -> str:
    nodes = [node for node in (ref() for ref in layer._nodes) if node is not None]
    return _shape(nodes[0].outputs) if nodes else "?"


def _origin(tensor: Tensor) -> str:
    return tensor.node.name if tensor.node is not None else tensor.name


def _trainable(op: Any) -> str:
    if not isinstance(op, Layer) or not op.weights:
        return "-"
    return "Y" if op.trainable else "N"


def _shape(outputs: Any) -> str:
    if isinstance(outputs, Tensor):
        return str(outputs.shape)
    if isinstance(outputs, dict):
        return "{" + ", ".join(f"{key}: {_shape(value)}" for key, value in outputs.items()) + "}"
    return "[" + ", ".join(_shape(item) for item in outputs) + "]"


def _between(rows: list[Row], ends: tuple[str, str]) -> list[Row]:
    names = [row.name.partition(" ")[0] for row in rows]
    for end in ends:
        if end not in names:
            raise ValueError(f"layer_range: there is no layer {end!r}. Layers: {names}")
    return rows[names.index(ends[0]) : names.index(ends[1]) + 1]


def _size(count: int) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.2f} {unit}" if unit != "B" else f"{count} B"
        count /= 1024  # type: ignore[assignment]
    return ""


def _total(what: str, variables: Any) -> str:
    count = sum(v.size for v in variables)
    size = sum(v.stored.nbytes for v in variables)
    return f" {what}: {count:,} ({_size(size)})"


def _table(
    model: Any,
    rows: list[Row],
    connected: bool,
    show_trainable: bool,
    line_length: int | None,
    positions: Any,
) -> str:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    columns = ["Layer (type)", "Output Shape", "Param #"]
    columns += ["Connected to"] if connected else []
    columns += ["Trainable"] if show_trainable else []
    ratios = _ratios(positions, len(columns))
    table = Table(show_lines=False, width=line_length)
    for column, ratio in zip(columns, ratios, strict=True):
        right = column == "Param #"
        table.add_column(column, justify="right" if right else "left", ratio=ratio)
    for row in rows:
        params = "?" if row.params is None else f"{row.params:,}"
        name = "  " * row.depth + row.name
        cells = [name, row.shape, params]
        cells += [row.inputs] if connected else []
        cells += [row.trainable] if show_trainable else []
        style = "bold" if row.heading else None
        table.add_row(*(escape(cell) for cell in cells), style=style)
    console = Console(width=line_length or _width(), force_jupyter=False)
    with console.capture() as capture:
        console.print(f'Model: "{model.name}"', style="bold", highlight=False)
        console.print(table)
    weights, trained = model.weights, model.trainable_variables
    lines = [
        _total("Total params", weights),
        _total("Trainable params", trained),
        _total("Non-trainable params", model.non_trainable_weights),
    ]
    if model.optimizer is not None and model.optimizer.built:
        lines.append(_total("Optimizer params", model.optimizer.variables))
    return capture.get() + "\n".join(lines)


def _width() -> int:
    """Returns the terminal's width, or that of a page where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100


def _ratios(positions: Any, count: int) -> list[int | None]:
    if positions is None:
        return [None] * count
    ends = [*positions, 1.0][:count]
    return [max(1, round(100 * (b - a))) for a, b in itertools.pairwise([0.0, *ends])]
