"""cost: floating-point operations, bytes of outputs, and weights of the parts of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.outline import Item, outline
from cornu.inspect.profile.abstract_trace import (
    Inner,
    Traced,
    described,
    first_argument,
    is_spec,
    nbytes,
    trace,
)
from cornu.inspect.tables.formatting import format_bytes, format_count, format_flops, sum_known
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text

__all__ = ["Cost", "Costs", "cost", "flops", "measure", "note"]


@dataclass(frozen=True)
class Cost:
    """What a part of a model costs. None stands for what is not known.

    Attributes:
        flops: floating-point operations of one forward run; a multiply-add counts as two.
        outputs: bytes of what the layer returns; of a block or model, of all the layers inside.
        params: the number of elements of its weights, each weight counted once.
        weights: the bytes of these.
    """

    flops: int | None = None
    outputs: int | None = None
    params: int | None = None
    weights: int | None = None


class Costs:
    """The costs of a model and its parts, by the paths of `cornu.inspect.outline`.

    Attributes:
        root: the outline of the model.
        total: the Cost of the whole model.

    `costs["stage/block"]` is the Cost of a part; `print(costs)` shows a table.
    """

    def __init__(self, root: Item, costs: dict[int, Cost], note: str) -> None:
        self.root = root
        self._costs = costs
        self._note = note
        self._paths = {item.path: item for item in reversed(list(root.walk()))}

    @property
    def total(self) -> Cost:
        """The Cost of the whole model."""
        return self._costs[id(self.root)]

    def of(self, item: Item) -> Cost:
        """Returns the Cost of an item of the outline."""
        return self._costs[id(item)]

    def __getitem__(self, path: str) -> Cost:
        if path not in self._paths:
            known = [known for known in self._paths if known]
            raise KeyError(f"There is no part {path!r}. Parts: {known}")
        return self._costs[id(self._paths[path])]

    def __iter__(self) -> Any:
        return (path for path in self.paths())

    def __len__(self) -> int:
        return len(self.paths())

    def paths(self) -> list[str]:
        """Returns the paths of all parts, in the order of the outline."""
        return list(dict.fromkeys(item.path for item in self.root.walk() if item.path))

    def table(self) -> DisplayTable:
        """Returns the costs as a table."""
        columns = [
            TableColumn("Part", breaks="names"),
            *(
                TableColumn(title, right=True)
                for title in ("FLOPs", "Outputs", "Param #", "Weights")
            ),
        ]
        total = self._cells(self.root)
        notes = [
            f"FLOPs: {total[0]}, outputs: {total[1]}, params: {total[2]} ({total[3]})",
            self._note,
        ]
        lines = [self._line(item) for item in self.root.children]
        return DisplayTable(f'Model: "{self.root.name}"', columns, lines, notes)

    def _line(self, item: Item) -> TableRow:
        name = item.name if item.kind == "block" else f"{item.name} ({item.label})"
        children = [self._line(child) for child in item.children]
        return TableRow([name, *self._cells(item)], children, heading=item.kind == "block")

    def _cells(self, item: Item) -> list[str]:
        found = self.of(item)
        return [
            format_flops(found.flops),
            format_bytes(found.outputs),
            format_count(found.params),
            format_bytes(found.weights),
        ]

    def __str__(self) -> str:
        return to_text(self.table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return to_html(self.table())


def cost(model: Any, batch_size: int = 1, length: int = 1) -> Costs:
    """Counts floating-point operations, bytes of outputs and weights of each part of a model.

    Each layer's function is traced abstractly, and the operations of its JAX program are added
    up by the formula of each primitive. Nothing is computed, so that a large model is no problem.

    * A multiply-add counts as 2 operations, whatever else is done to a float as 1, also `exp`
      and the like. Moving, comparing and converting numbers and arithmetic on integers count as 0.
    * It is one run forward, as in inference. A training step costs about three times as much.
    * Bytes of outputs are those of all layers together. XLA fuses layers, so that a run needs less.
    * What a padded convolution multiplies with zeros at the border is counted, as is usual.
    * What cannot be known (a loop that ends when the data says so, a layer that does not take
      the sizes that were put in) is None, and so is each sum that it is part of.

    Args:
        model: a model that is built.
        batch_size: the size of a batch axis that is not known.
        length: the size of other axes of inputs that are not known, such as time.

    Returns:
        The costs, by path: `cost(model)["stage/block"].flops`.

    Example:

    >>> import cornu
    >>> x = cornu.Input((4,), name="x")
    >>> model = cornu.Model(x, cornu.layers.Dense(8, name="dense")(x))
    >>> costs = cost(model)
    >>> costs["dense"].flops, costs.total.params, costs.total.weights
    (72, 40, 160)
    """
    root = outline(model)
    return Costs(root, measure(root, batch_size, length), note(model, batch_size, length))


def flops(model: Any, batch_size: int = 1, length: int = 1) -> int:
    """Returns the floating-point operations of one run of a model forward; see `cost`.

    Args:
        model: a model that is built.
        batch_size: the size of a batch axis that is not known.
        length: the size of other axes of inputs that are not known, such as time.

    Raises:
        ValueError: they are not known.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(8)])
    >>> flops(model), flops(model, batch_size=10)
    (72, 720)
    """
    costs = cost(model, batch_size, length)
    if costs.total.flops is not None:
        return costs.total.flops
    unknown = [
        item.path
        for item in costs.root.walk()
        if item.path and not item.children and costs.of(item).flops is None
    ]
    raise ValueError(
        f"The FLOPs of model {model.name!r} are not known, because of: "
        f"{', '.join(unknown[:5]) or 'the model itself'}{', ...' if unknown[5:] else ''}.\n"
        "Build the model first, if it is not. If inputs have axes of unknown size, such as time, "
        "pass `length`. A loop that ends when the data says so cannot be counted."
    )


def note(model: Any, batch_size: int = 1, length: int = 1) -> str:
    """Returns for which sizes costs were counted."""
    drawing = model.functional_graph
    inputs = drawing.input_tensors if drawing is not None else []
    other = any(size is None for tensor in inputs for size in tensor.shape[1:])
    return f"For a batch of {batch_size}" + (f", other unknown sizes: {length}." if other else ".")


def measure(root: Item, batch_size: int = 1, length: int = 1) -> dict[int, Cost]:
    """Returns the Cost of each item of an outline, by `id`."""
    found = _Counter()
    model = root.op
    if model.functional_graph is not None:
        given = [_sized(t, batch_size, length) for t in model.functional_graph.input_tensors]
        found.drawn(root, found.run(model.functional_graph.graph, given))
    else:
        call = Traced(None, None)
        if model.is_model and model.built_inputs is not None:
            inputs = described(model.built_inputs)
            given = tree.map(lambda t: _sized(t, batch_size, length), inputs)
            call = trace(model, (given,), {}, inside=True)
        found.undrawn(root, call)
    return found.costs


def _sized(tensor: Tensor, batch_size: int, length: int) -> jax.ShapeDtypeStruct:
    first = tuple(batch_size if size is None else size for size in tensor.shape[:1])
    rest = tuple(length if size is None else size for size in tensor.shape[1:])
    return jax.ShapeDtypeStruct(first + rest, tensor.dtype)


@dataclass(eq=False)
class _Run:
    """A drawn graph, run on specs: the call of each node, and the runs of the models inside."""

    calls: dict[int, Traced]
    inner: dict[int, _Run]
    outputs: list[Any]

    @property
    def flops(self) -> int | None:
        return sum_known(call.flops for call in self.calls.values())

    def bytes(self) -> int | None:
        sizes = []
        for number, call in self.calls.items():
            inner = self.inner.get(number)
            if inner is not None:
                sizes.append(inner.bytes())
            else:
                sizes.append(None if call.outputs is None else nbytes(call.outputs))
        return sum_known(sizes)


class _Counter:
    """Finds the Cost of each item."""

    def __init__(self) -> None:
        self.costs: dict[int, Cost] = {}

    def run(self, graph: Graph, given: list[Any]) -> _Run:
        """Follows specs through a graph."""
        known = {id(t): spec for t, spec in zip(graph.inputs, given, strict=True)}
        run = _Run({}, {}, [])
        for node in graph.nodes:
            values = [known.get(id(t)) for t in node.inputs]
            call = Traced(None, None)
            inner = node.op.functional_graph if isinstance(node.op, Layer) else None
            if any(value is None for value in values):
                pass  # the layers before could not be traced
            elif inner is not None:
                given = _bound(inner, *node.substitute_inputs(values))
                run.inner[node.number] = part = self.run(inner.graph, given)
                outputs = part.outputs[: len(inner.output_tensors)]
                call = Traced(part.flops, outputs)
            else:
                args, kwargs = node.substitute_inputs(values)
                inside = isinstance(node.op, Layer) and bool(node.op.sublayers())
                call = trace(node.op, args, kwargs, inside)
            run.calls[node.number] = call
            made = [None] if call.outputs is None else tree.leaves(call.outputs)
            if len(made) == len(node.output_tensors):
                known.update(
                    (id(t), spec) for t, spec in zip(node.output_tensors, made, strict=True)
                )
        run.outputs = [known.get(id(t)) for t in graph.outputs]
        return run

    def drawn(self, item: Item, run: _Run | None) -> None:
        """Sets the costs of a drawn model or a block, and of all that is inside."""
        for child in item.children:
            if child.kind == "block":
                self.drawn(child, run)
            elif child.node is None:
                self.undrawn(child, Traced(None, None))
            elif child.kind == "input":
                self.costs[id(child)] = Cost(0, 0, 0, 0)
            else:
                self._called(child, run)
        if item.kind == "block":
            parts = [run.calls[node.number] for node in item.nodes] if run is not None else []
            flops = sum_known(call.flops for call in parts) if run is not None else None
            outputs = sum_known(self.costs[id(child)].outputs for child in item.children)
        else:
            flops = run.flops if run is not None else None
            outputs = run.bytes() if run is not None else None
        self._set(item, flops, outputs)

    def _called(self, item: Item, run: _Run | None) -> None:
        number = item.node.number if item.node is not None else -1
        if isinstance(item.op, Layer) and item.op.functional_graph is not None:
            self.drawn(item, run.inner.get(number) if run is not None else None)
            return
        call = run.calls[number] if run is not None else Traced(None, None)
        self.undrawn(item, call)

    def undrawn(
        self, item: Item, call: Traced | Inner, inner: dict[int, Inner] | None = None
    ) -> None:
        """Sets the costs of a layer, and of the layers that it owns."""
        inside = call.inner if isinstance(call, Traced) else inner or {}
        for child in item.children:
            found = inside.get(id(child.op))
            if isinstance(child.op, Layer) and child.op.functional_graph is not None:
                run = None
                if found is not None:
                    graph = child.op.functional_graph.graph
                    run = self.run(
                        graph, _bound(child.op.functional_graph, found.args, found.kwargs)
                    )
                self.drawn(child, run)
                if found is not None:
                    self._repeat(child, len(found.outputs))
            else:
                self.undrawn(child, found or Traced(None, None), inside)
        outputs = None if call.outputs is None else nbytes(call.outputs)
        if item.kind == "model" and item.children:
            outputs = sum_known(self.costs[id(child)].outputs for child in item.children)
        self._set(item, call.flops, outputs)

    def _repeat(self, item: Item, times: int) -> None:
        """Multiplies what was found for one call of a model by the number of its calls."""
        for part in item.walk():
            one = self.costs[id(part)]
            flops = None if one.flops is None else one.flops * times
            outputs = None if one.outputs is None else one.outputs * times
            self.costs[id(part)] = Cost(flops, outputs, one.params, one.weights)

    def _set(self, item: Item, flops: int | None, outputs: int | None) -> None:
        if item.kind == "block":
            layers = item.layers
        else:
            layers = [item.op] if isinstance(item.op, Layer) else []
        if not all(layer.built for layer in layers):
            self.costs[id(item)] = Cost(flops, outputs)
            return
        weights = {id(v): v for layer in layers for v in layer.weights}.values()
        params = sum(v.size for v in weights)
        size = sum(v.stored.nbytes for v in weights)
        self.costs[id(item)] = Cost(flops, outputs, params, size)


def _bound(drawing: Any, args: Any, kwargs: Any) -> list[Any]:
    """Returns a spec for each input of a drawn model that was called with some arguments."""
    try:
        values = drawing.match(first_argument(args, kwargs))
    except ValueError:
        return [None] * len(drawing.input_tensors)
    return [
        jax.ShapeDtypeStruct(value.shape, tensor.dtype) if is_spec(value) else None
        for value, tensor in zip(values, drawing.input_tensors, strict=True)
    ]
