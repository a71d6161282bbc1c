"""summary: a table of a model's layers, grouped by the blocks of the user's functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.folding import fold as folded
from cornu.inspect.folding import format_repeats
from cornu.inspect.learning_rates import apply_rates_by_path
from cornu.inspect.outline import Item, list_tensors, outline
from cornu.inspect.profile.abstract_trace import infer_inner_outputs
from cornu.inspect.profile.cost import Cost, cost_assumptions, measure_costs
from cornu.inspect.tables.formatting import format_bytes, format_count, format_flops, sum_known
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import print_table
from cornu.inspect.weight_layouts import WeightLayouts

__all__ = ["summary", "summary_html"]


@api_boundary
def summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
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
    sharding: bool = False,
) -> None:
    """Prints a table of the model's layers, their output shapes and their numbers of parameters.

    Layers created in a function of the user are grouped under its name. Consecutive equal blocks
    are shown once, with their number and the arguments that vary, such as `block x3, rate 0.1, 0.2,
    0.3`. A terminal shows colors.

    Args:
        model: the model.
        line_length: the width of the table; the width of the terminal by default.
        positions: the ends of the columns, as increasing fractions of the width up to 1.
        print_fn: called with the text instead of `print`.
        expand_nested: whether the layers of nested models (and of layers that own layers) are
            listed.
        show_trainable: whether a column shows which layers are trainable.
        layer_range: names, paths or regular expressions of the first and last layer to list.
        fold: whether consecutive equal blocks are folded.
        depth: the number of levels of blocks and nested models to show. The row of a block
            includes the deeper levels. 1 shows only the outermost blocks.
        flops: whether a column shows the floating-point operations of a forward pass with batch
            size 1; see `cornu.inspect.cost`.
        memory: whether columns show the bytes of outputs (for batch size 1) and of weights.
        dtype: whether a column shows the dtype of the outputs, and of the weights if it differs.
        masks: whether a column shows which outputs have a mask.
        rates: whether a column shows the learning rate multipliers of an optimizer with rates by
            path; see `Optimizer.set_rates`.
        sharding: whether columns show along which axes of the mesh the weights are divided, and
            their bytes on each device; see `cornu.distribution`.

    Raises:
        ValueError: `layer_range` matches no layer, or `depth` is below 1; `sharding=True` without
            a distribution.

    Example:

    >>> import cornu
    >>> x = cornu.Input((4,), name="x")
    >>> model = cornu.Model(x, cornu.layers.Dense(2, name="out")(x), name="small")
    >>> summary(model, print_fn=lambda text: print(text.splitlines()[-3]))
     Total params: 10 (40 B)

    Differences: blocks, and the keyword-only arguments. The total excludes the variables of the
    optimizer, which are on a line of their own.
    """
    options = _SummaryOptions(
        *(expand_nested, show_trainable, fold, depth, flops, memory, dtype, masks, rates),
        sharding,
    )
    table = _table(model, options, layer_range)
    print_table(table, line_length, positions, print_fn)


@api_boundary
def summary_html(model: Any) -> str:
    """Returns the summary as HTML, with blocks and nested models that open and close.

    Args:
        model: a built model or layer.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> "head" in cornu.inspect.summary_html(model)
    True
    """
    return to_html(_table(model, _SummaryOptions(expand_nested=True), None))


@dataclass(frozen=True)
class _SummaryOptions:
    """The options of `summary`."""

    expand_nested: bool = False
    trainable: bool = False
    fold: bool = True
    depth: int | None = None
    flops: bool = False
    memory: bool = False
    dtype: bool = False
    masks: bool = False
    rates: bool = False
    sharding: bool = False


@dataclass(eq=False)
class _SummaryRow:
    """A row of the summary, before it becomes text."""

    name: str
    items: list[Item]  # several if equal blocks are folded
    params: int | None
    children: list[_SummaryRow] = field(default_factory=list)

    @property
    def item(self) -> Item:
        return self.items[0]

    def walk(self) -> Iterator[_SummaryRow]:
        yield self
        for child in self.children:
            yield from child.walk()


def _table(model: Any, options: _SummaryOptions, layer_range: Sequence[str] | None) -> DisplayTable:
    if options.depth is not None and options.depth < 1:
        raise ValueError(
            f"`depth` is the number of levels to show, at least 1. Received: {options.depth}"
        )
    root = outline(model, nested=options.expand_nested)
    rows = _rows(root.children, options.fold)
    costs = measure_costs(root) if options.flops or options.memory else {}
    functional_graph = model._graph_
    nodes = functional_graph.graph.nodes if functional_graph is not None else []
    connected = any(len(_data(node)) > 1 for node in nodes)
    titles = [
        TableColumn("Layer (type)", breaks="names"),
        TableColumn("Output Shape", breaks="shapes"),
        TableColumn("Param #", right=True),
    ]
    titles += [TableColumn("FLOPs", right=True)] if options.flops else []
    titles += (
        [TableColumn("Outputs", right=True), TableColumn("Weights", right=True)]
        if options.memory
        else []
    )
    titles += [TableColumn("Dtype", breaks="shapes")] if options.dtype else []
    titles += [TableColumn("Mask")] if options.masks else []
    titles += [TableColumn("Rate", right=True)] if options.rates else []
    layouts = WeightLayouts(model) if options.sharding else None
    if options.sharding:
        titles += [TableColumn("Sharding", breaks="shapes"), TableColumn("Per device", right=True)]
    titles += [TableColumn("Connected to", breaks="names")] if connected else []
    titles += [TableColumn("Trainable")] if options.trainable else []
    factors = _factors(model) if options.rates else {}
    cells = _RowFormatter(
        *(options, connected, costs, _names(root), _inner_outputs(root), factors), layouts
    )
    if layer_range is None:
        lines = [cells.line(row, options.depth) for row in rows]
    else:
        lines = _select_range([cells.line(row, options.depth) for row in rows], rows, layer_range)
    notes = _notes(root, options, costs)
    if layouts is not None:
        notes += layouts.notes()
    return DisplayTable(f'Model: "{model.name}"', titles, lines, notes)


def _rows(items: Sequence[Item], fold: bool) -> list[_SummaryRow]:
    rows = []
    for group in folded(items) if fold else ([item] for item in items):
        item = group[0]
        children = _rows(item.children, fold)
        name = f"{item.name} ({item.label})" if item.kind != "block" else item.name
        if item.again:
            name += " again"
        if len(group) > 1:
            name = format_repeats(group)
        rows.append(_SummaryRow(name, group, _params(group), children))
    return rows


def _count_once(item: Item) -> list[Variable] | None:
    """Returns the weights of an item without those of layers that occur earlier."""
    if item.kind == "block":
        found: dict[int, Variable] = {}
        for child in item.children:
            inner = _count_once(child)
            if inner is None:
                return None
            found.update((id(v), v) for v in inner)
        return list(found.values())
    if not isinstance(item.op, Layer) or item.again:
        return []
    return item.op.weights if item.op.built else None


def _params(items: Sequence[Item]) -> int | None:
    parts = [_count_once(item) for item in items]
    return sum_known(None if part is None else sum(v.size for v in part) for part in parts)


def _weight_bytes(items: Sequence[Item]) -> int | None:
    parts = [_count_once(item) for item in items]
    return sum_known(None if part is None else sum(v.stored.nbytes for v in part) for part in parts)


def _inner_outputs(root: Item) -> dict[int, Any]:
    """Returns the outputs of layers inside subclassed models and layers, by `id` of the item."""
    found: dict[int, Any] = {}
    for item in root.walk():
        if not item.children or item.op is None or item.op._graph_ is not None:
            continue
        if item.node is not None:
            made = infer_inner_outputs(item.op, item.node.args, item.node.kwargs)
        else:
            inputs = item.op._step_tensors_() if item is root and item.op._is_model_ else None
            if inputs is None:
                continue
            made = infer_inner_outputs(item.op, (inputs,), {})
        found.update((id(part), made[id(part.op)]) for part in item.walk() if id(part.op) in made)
    return found


def _names(root: Item) -> dict[int, str]:
    """Returns the name of each node in the table."""
    return {item.node.number: item.name for item in root.walk() if item.node is not None}


class _RowFormatter:
    """Formats the cells of rows."""

    def __init__(
        self,
        options: _SummaryOptions,
        connected: bool,
        costs: dict[int, Cost],
        names: dict[int, str],
        inner: dict[int, Any],
        factors: dict[Variable, float],
        layouts: WeightLayouts | None,
    ) -> None:
        self.options = options
        self.connected = connected
        self.costs = costs
        self.names = names
        self.inner = inner
        self.factors = factors
        self.layouts = layouts

    def line(self, row: _SummaryRow, depth: int | None) -> TableRow:
        deeper = None if depth is None else depth - 1
        children = [] if deeper == 0 else [self.line(child, deeper) for child in row.children]
        heading = row.item.kind == "block" or bool(row.children)
        return TableRow(self._cells(row), children, heading, closed=row.item.kind == "layer")

    def _cells(self, row: _SummaryRow) -> list[str]:
        item, options = row.item, self.options
        cells = [row.name, self._shape(item), format_count(row.params)]
        if options.flops:
            cells.append(format_flops(sum_known(self.costs[id(i)].flops for i in row.items)))
        if options.memory:
            cells.append(format_bytes(sum_known(self.costs[id(i)].outputs for i in row.items)))
            cells.append(format_bytes(_weight_bytes(row.items)))
        if options.dtype:
            cells.append(_dtype(item))
        if options.masks:
            cells.append(_mask(item))
        if options.rates:
            cells.append(self._rate(row.items))
        if self.layouts is not None:
            parts = [_count_once(item) for item in row.items]
            weights = [v for part in parts for v in part or ()]
            cells += [self.layouts.describe(weights), self.layouts.bytes_of(weights)]
        if self.connected:
            cells.append(self._origins(item))
        if options.trainable:
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
    optimizer = model._trainer_.optimizer
    if optimizer is None:
        raise ValueError(f"`rates=True` needs an optimizer; model {model.name!r} is not compiled.")
    apply_rates_by_path(model)
    return optimizer._resolved_rates_ or {}


def _data(node: Node) -> list[Tensor]:
    """Returns the inputs of a node, without masks."""
    if node.is_mask:
        return []
    return [t for t in node.inputs if t.node is None or not t.node.is_mask]


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


def _select_range(
    lines: list[TableRow], rows: list[_SummaryRow], ends: Sequence[str]
) -> list[TableRow]:
    """Returns the rows from one layer to another, with their headings."""
    flat = [(row, line) for row, line in _pairs(rows, lines)]
    first, last = (_find([row for row, _ in flat], end, i) for i, end in enumerate(ends))
    shown = {id(line) for _, line in flat[first : last + 1]}

    def prune(line: TableRow) -> TableRow | None:
        children = [kept for kept in (prune(child) for child in line.children) if kept is not None]
        if id(line) in shown or children:
            return TableRow(line.cells, children, line.heading, line.closed)
        return None

    return [kept for kept in (prune(line) for line in lines) if kept is not None]


def _pairs(
    rows: Sequence[_SummaryRow], lines: Sequence[TableRow]
) -> Iterator[tuple[_SummaryRow, TableRow]]:
    for row, line in zip(rows, lines, strict=False):
        yield row, line
        yield from _pairs(row.children, line.children)


def _find(rows: list[_SummaryRow], end: str, last: int) -> int:
    """Returns the index of the matching row; of several matches, the outermost."""

    def is_name(item: Item) -> bool:
        return end in (item.name, item.path)

    def is_match(item: Item) -> bool:
        return re.match(end, item.name) is not None

    for matches in (is_name, is_match):
        found = [i for i, row in enumerate(rows) if any(map(matches, row.items))]
        if found:
            return found[-1 if last else 0]
    names = [row.name.partition(" ")[0] for row in rows]
    raise ValueError(f"layer_range: the model has no layer {end!r}. Layers: {names}")


def _notes(root: Item, options: _SummaryOptions, costs: dict[int, Cost]) -> list[str]:
    model = root.op
    if not model.built and not model.weights:
        return [
            "Not built: the layers create their parameters when they are called on data, or by "
            "build(input_shape)."
        ]
    notes = [
        _total("Total params", model.weights),
        _total("Trainable params", model.trainable_variables),
        _total("Non-trainable params", model.non_trainable_weights),
    ]
    optimizer = model._trainer_.optimizer if model._is_model_ else None
    if optimizer is not None and optimizer.built:
        notes.append(_total("Optimizer params", optimizer.variables))
    if options.flops:
        notes.append(f"FLOPs: {format_flops(costs[id(root)].flops)}")
    if options.memory:
        notes.append(f"Outputs of all layers: {format_bytes(costs[id(root)].outputs)}")
    if options.flops or options.memory:
        notes.append(cost_assumptions(model))
    return notes


def _total(what: str, variables: Any) -> str:
    count = sum(v.size for v in variables)
    size = sum(v.stored.nbytes for v in variables)
    return f"{what}: {count:,} ({format_bytes(size)})"
