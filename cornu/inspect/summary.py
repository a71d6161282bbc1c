"""summary: a table of a model's layers, in the blocks that the user's functions made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.inspect.learning_rates import apply_rates_by_path
from cornu.inspect.outline import Item, list_tensors, outline
from cornu.inspect.outline import fold as folded
from cornu.inspect.profile.abstract_trace import described, outputs_inside
from cornu.inspect.profile.cost import Cost, measure, note
from cornu.inspect.tables.formatting import format_bytes, format_count, format_flops, sum_known
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import print_table

__all__ = ["summary", "summary_html"]


def summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    *,
    fold: bool = True,
    depth: int | None = None,
    flops: bool = False,
    memory: bool = False,
    dtype: bool = False,
    masks: bool = False,
    rates: bool = False,
) -> None:
    """Prints a table of the model's layers, their output shapes and their numbers of parameters.

    Layers that a function of the user made stand under its name; equal blocks that follow each
    other are shown once, with their number. In a terminal the table is in colours.

    Args:
        model: the model.
        line_length: width of the table; the terminal's by default.
        positions: where the columns end, as parts of the width, rising to 1.
        print_fn: called with the text instead of `print`.
        expand_nested: whether the layers of nested models (and of layers that own layers) are
            listed too.
        show_trainable: whether a column says what training changes.
        layer_range: names, paths or regular expressions of the first and last layer to list.
        fold: whether equal neighbouring blocks are folded.
        depth: how many levels of blocks and nested models are shown; deeper ones are summed up
            in their headings. 1 shows the outermost blocks alone.
        flops: whether a column tells the floating-point operations of one run forward for a batch
            of 1; see `cornu.inspect.cost` for how they are counted.
        memory: whether columns tell the bytes of outputs (for a batch of 1) and of weights.
        dtype: whether a column tells the dtype of the outputs, and that of the computation
            where it differs.
        masks: whether a column tells which outputs carry a mask.
        rates: whether a column tells what the learning rate is multiplied with, where the
            optimizer has rates by path; see `Optimizer.set_rates`.

    Raises:
        ValueError: `layer_range` names no layer; `depth` is below 1.

    Example:

    >>> import cornu
    >>> x = cornu.Input((4,), name="x")
    >>> model = cornu.Model(x, cornu.layers.Dense(2, name="out")(x), name="small")
    >>> summary(model, print_fn=lambda text: print(text.splitlines()[-3]))
     Total params: 10 (40 B)

    Differences: blocks, and the arguments that can only be given by name. The total does not
    include the variables of the optimizer, which have a line of their own.
    """
    choice = _Choice(expand_nested, show_trainable, fold, depth, flops, memory, dtype, masks, rates)
    table = _table(model, choice, layer_range)
    print_table(table, line_length, positions, print_fn)


def summary_html(model: Any) -> str:
    """Returns the summary as HTML in which blocks and nested models can be opened."""
    return to_html(_table(model, _Choice(expand_nested=True), None))


@dataclass(frozen=True)
class _Choice:
    """What is to be shown."""

    expand_nested: bool = False
    trainable: bool = False
    fold: bool = True
    depth: int | None = None
    flops: bool = False
    memory: bool = False
    dtype: bool = False
    masks: bool = False
    rates: bool = False


@dataclass(eq=False)
class _Row:
    """A row of the summary, before it becomes text."""

    name: str
    items: list[Item]  # several if equal blocks are folded
    params: int | None
    children: list[_Row] = field(default_factory=list)

    @property
    def item(self) -> Item:
        return self.items[0]

    def walk(self) -> Iterator[_Row]:
        yield self
        for child in self.children:
            yield from child.walk()


def _table(model: Any, choice: _Choice, layer_range: Sequence[str] | None) -> DisplayTable:
    if choice.depth is not None and choice.depth < 1:
        raise ValueError(
            f"`depth` is 1 or more: how many levels are shown. Received: {choice.depth}"
        )
    root = outline(model, nested=choice.expand_nested)
    rows = _rows(root.children, choice.fold)
    costs = measure(root) if choice.flops or choice.memory else {}
    drawing = model.functional_graph
    nodes = drawing.graph.nodes if drawing is not None else []
    connected = any(len(_data(node)) > 1 for node in nodes)
    titles = [
        TableColumn("Layer (type)", breaks="names"),
        TableColumn("Output Shape", breaks="shapes"),
        TableColumn("Param #", right=True),
    ]
    titles += [TableColumn("FLOPs", right=True)] if choice.flops else []
    titles += (
        [TableColumn("Outputs", right=True), TableColumn("Weights", right=True)]
        if choice.memory
        else []
    )
    titles += [TableColumn("Dtype", breaks="shapes")] if choice.dtype else []
    titles += [TableColumn("Mask")] if choice.masks else []
    titles += [TableColumn("Rate", right=True)] if choice.rates else []
    titles += [TableColumn("Connected to", breaks="names")] if connected else []
    titles += [TableColumn("Trainable")] if choice.trainable else []
    factors = _factors(model) if choice.rates else {}
    cells = _Cells(choice, connected, costs, _names(root), _inner_outputs(root), factors)
    if layer_range is None:
        lines = [cells.line(row, choice.depth) for row in rows]
    else:
        lines = _between([cells.line(row, choice.depth) for row in rows], rows, layer_range)
    return DisplayTable(f'Model: "{model.name}"', titles, lines, _notes(root, choice, costs))


def _rows(items: Sequence[Item], fold: bool) -> list[_Row]:
    rows = []
    for group in folded(items) if fold else ([item] for item in items):
        item = group[0]
        children = _rows(item.children, fold)
        name = f"{item.name} ({item.label})" if item.kind != "block" else item.name
        if item.again:
            name += " again"
        if len(group) > 1:
            name = f"{item.label} x{len(group)}"
        rows.append(_Row(name, group, _params(group), children))
    return rows


def _counted(item: Item) -> list[Variable] | None:
    """Returns the weights of an item that were not counted in an earlier part of the model."""
    if item.kind == "block":
        found: dict[int, Variable] = {}
        for child in item.children:
            inner = _counted(child)
            if inner is None:
                return None
            found.update((id(v), v) for v in inner)
        return list(found.values())
    if not isinstance(item.op, Layer) or item.again:
        return []
    return item.op.weights if item.op.built else None


def _params(items: Sequence[Item]) -> int | None:
    parts = [_counted(item) for item in items]
    return sum_known(None if part is None else sum(v.size for v in part) for part in parts)


def _weight_bytes(items: Sequence[Item]) -> int | None:
    parts = [_counted(item) for item in items]
    return sum_known(None if part is None else sum(v.stored.nbytes for v in part) for part in parts)


def _inner_outputs(root: Item) -> dict[int, Any]:
    """Returns what the layers inside of layers that are not drawn return, by `id` of the item."""
    found: dict[int, Any] = {}
    for item in root.walk():
        if not item.children or item.op is None or item.op.functional_graph is not None:
            continue
        if item.node is not None:
            made = outputs_inside(item.op, item.node.args, item.node.kwargs)
        elif item is root and root.op.is_model and root.op.built_inputs is not None:
            made = outputs_inside(root.op, (described(root.op.built_inputs),), {})
        else:
            continue
        found.update((id(part), made[id(part.op)]) for part in item.walk() if id(part.op) in made)
    return found


def _names(root: Item) -> dict[int, str]:
    """Returns the name of each node as it stands in the table."""
    return {item.node.number: item.name for item in root.walk() if item.node is not None}


class _Cells:
    """Makes the cells of rows."""

    def __init__(
        self,
        choice: _Choice,
        connected: bool,
        costs: dict[int, Cost],
        names: dict[int, str],
        inner: dict[int, Any],
        factors: dict[Variable, float],
    ) -> None:
        self.choice = choice
        self.connected = connected
        self.costs = costs
        self.names = names
        self.inner = inner
        self.factors = factors

    def line(self, row: _Row, depth: int | None) -> TableRow:
        deeper = None if depth is None else depth - 1
        children = [] if deeper == 0 else [self.line(child, deeper) for child in row.children]
        heading = row.item.kind == "block" or bool(row.children)
        return TableRow(self._cells(row), children, heading, closed=row.item.kind == "layer")

    def _cells(self, row: _Row) -> list[str]:
        item, choice = row.item, self.choice
        cells = [row.name, self._shape(item), format_count(row.params)]
        if choice.flops:
            cells.append(format_flops(sum_known(self.costs[id(i)].flops for i in row.items)))
        if choice.memory:
            cells.append(format_bytes(sum_known(self.costs[id(i)].outputs for i in row.items)))
            cells.append(format_bytes(_weight_bytes(row.items)))
        if choice.dtype:
            cells.append(_dtype(item))
        if choice.masks:
            cells.append(_mask(item))
        if choice.rates:
            cells.append(self._rate(row.items))
        if self.connected:
            cells.append(self._origins(item))
        if choice.trainable:
            cells.append(_trainable(item))
        return cells

    def _shape(self, item: Item) -> str:
        outputs = item.outputs if item.outputs is not None else self.inner.get(id(item))
        return "?" if outputs is None else _structure(outputs)

    def _rate(self, items: Sequence[Item]) -> str:
        trained = [v for item in items for v in item.weights if v.trainable]
        found = sorted({self.factors.get(variable, 1.0) for variable in trained})
        return " to ".join(f"{rate:.3g}" for rate in dict.fromkeys([*found[:1], *found[-1:]]))

    def _origins(self, item: Item) -> str:
        if item.kind == "block" or item.node is None:
            return ""
        return ", ".join(
            t.name if t.node is None else self.names.get(t.node.number, t.node.name)
            for t in _data(item.node)
        )


def _factors(model: Any) -> dict[Variable, float]:
    if model.optimizer is None:
        raise ValueError(f"Model {model.name!r} has no optimizer yet, whose rates could be shown.")
    apply_rates_by_path(model)
    return model.optimizer.rate_factors or {}


def _data(node: Node) -> list[Tensor]:
    """Returns the inputs of a node, without masks."""
    if node.name == "compute_mask":
        return []
    return [t for t in node.inputs if t.node is None or t.node.name != "compute_mask"]


def _structure(outputs: Any) -> str:
    if isinstance(outputs, dict):
        return "{" + ", ".join(f"{key}: {_structure(v)}" for key, v in outputs.items()) + "}"
    if isinstance(outputs, (list, tuple)):
        return "[" + ", ".join(_structure(item) for item in outputs) + "]"
    return str(outputs.shape)


def _dtype(item: Item) -> str:
    made = sorted({t.dtype for t in list_tensors(item.outputs)}) if item.outputs is not None else []
    shown = ", ".join(made) or "?"
    stored = sorted({v.dtype for v in item.weights})
    other = [dtype for dtype in stored if dtype not in made]
    return f"{shown} (weights {', '.join(other)})" if other else shown


def _mask(item: Item) -> str:
    outputs = [] if item.outputs is None else list_tensors(item.outputs)
    return "Y" if any(t.mask is not None for t in outputs) else "-"


def _trainable(item: Item) -> str:
    if item.kind == "block":
        states = {_trainable(child) for child in item.children} - {"-", ""}
        return states.pop() if len(states) == 1 else "partly" if states else "-"
    if not isinstance(item.op, Layer) or not item.op.weights:
        return "-"
    return "Y" if item.op.trainable else "N"


def _between(lines: list[TableRow], rows: list[_Row], ends: Sequence[str]) -> list[TableRow]:
    """Returns the rows from one layer to another, with the headings around them."""
    flat = [(row, line) for row, line in _pairs(rows, lines)]
    first, last = (_find([row for row, _ in flat], end, i) for i, end in enumerate(ends))
    shown = {id(line) for _, line in flat[first : last + 1]}

    def cut(line: TableRow) -> TableRow | None:
        children = [kept for kept in (cut(child) for child in line.children) if kept is not None]
        if id(line) in shown or children:
            return TableRow(line.cells, children, line.heading, line.closed)
        return None

    return [kept for kept in (cut(line) for line in lines) if kept is not None]


def _pairs(rows: Sequence[_Row], lines: Sequence[TableRow]) -> Iterator[tuple[_Row, TableRow]]:
    for row, line in zip(rows, lines, strict=False):
        yield row, line
        yield from _pairs(row.children, line.children)


def _find(rows: list[_Row], end: str, last: int) -> int:
    """Returns the position of the row that is meant; of several matches the outermost."""
    for same in (
        lambda item: end in (item.name, item.path),
        lambda item: re.match(end, item.name) is not None,
    ):
        found = [i for i, row in enumerate(rows) if any(same(item) for item in row.items)]
        if found:
            return found[-1 if last else 0]
    names = [row.name.partition(" ")[0] for row in rows]
    raise ValueError(f"layer_range: there is no layer {end!r}. Layers: {names}")


def _notes(root: Item, choice: _Choice, costs: dict[int, Cost]) -> list[str]:
    model = root.op
    notes = [
        _total("Total params", model.weights),
        _total("Trainable params", model.trainable_variables),
        _total("Non-trainable params", model.non_trainable_weights),
    ]
    if model.is_model and model.optimizer is not None and model.optimizer.built:
        notes.append(_total("Optimizer params", model.optimizer.variables))
    if choice.flops:
        notes.append(f"FLOPs: {format_flops(costs[id(root)].flops)}")
    if choice.memory:
        notes.append(f"Outputs of all layers: {format_bytes(costs[id(root)].outputs)}")
    if choice.flops or choice.memory:
        notes.append(note(model))
    return notes


def _total(what: str, variables: Any) -> str:
    count = sum(v.size for v in variables)
    size = sum(v.stored.nbytes for v in variables)
    return f"{what}: {count:,} ({format_bytes(size)})"
