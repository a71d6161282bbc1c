"""cost: floating-point operations, bytes of outputs, and weights of the parts of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax

from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.outline import Item, outline
from cornu.inspect.profile.abstract_trace import (
    CallTrace,
    InnerCalls,
    first_argument,
    is_spec,
    nbytes,
    trace_call,
)
from cornu.inspect.tables.formatting import format_bytes, format_count, format_flops, sum_known
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text

__all__ = ["Cost", "Costs", "cost", "cost_assumptions", "flops", "measure_costs"]


@dataclass(frozen=True)
class Cost:
    """The cost of a part of a model. None means unknown.

    Attributes:
        flops: floating-point operations of one forward run; a multiply-add counts as two.
        outputs: bytes of the outputs of a layer; of a block or model, of all layers in it.
        params: the number of elements of its weights, each weight counted once.
        weights: the bytes of its weights.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> cornu.inspect.cost(model)["head"].params
    8
    """

    flops: int | None = None
    outputs: int | None = None
    params: int | None = None
    weights: int | None = None


class Costs:
    """The costs of a model and its parts, by their paths in `cornu.inspect.outline`.

    Args:
        root: the outline of the model.
        costs: the Cost of each item of the outline, by its `id`.
        assumptions: a text about what the numbers contain, which the table ends with.

    Attributes:
        root: the outline of the model.
        total: the Cost of the whole model.

    `costs["stage/block"]` is the Cost of a part; `print(costs)` shows a table.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> costs = cornu.inspect.cost(model)
    >>> costs.total.params, costs["head"].outputs
    (8, 8)
    """

    def __init__(self, root: Item, costs: dict[int, Cost], assumptions: str) -> None:
        self.root = root
        self._costs = costs
        self._assumptions = assumptions
        # In reverse, so that a path that occurs twice refers to the first item.
        self._paths = {item.path: item for item in reversed(list(root.walk()))}

    @property
    def total(self) -> Cost:
        """The Cost of the whole model."""
        return self._costs[id(self.root)]

    def of(self, item: Item) -> Cost:
        """Returns the Cost of an item of the outline.

        Args:
            item: an item of the outline `root`.
        """
        return self._costs[id(item)]

    def __getitem__(self, path: str) -> Cost:
        if path not in self._paths:
            known = [known for known in self._paths if known]
            raise KeyError(f"The model has no part {path!r}. Parts: {known}")
        return self._costs[id(self._paths[path])]

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths())

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
            self._assumptions,
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


@api_boundary
def cost(model: Layer, batch_size: int = 1, length: int = 1) -> Costs:
    """Counts floating-point operations, bytes of outputs and weights of each part of a model.

    Each layer is traced abstractly, and the operations of its jaxpr are summed with one formula
    for each primitive. Nothing is computed, so the size of the model does not matter.

    * A multiply-add counts as 2 operations, any other operation on floats as 1, including `exp`.
      Moving, comparing and converting values, and integer arithmetic, count as 0.
    * The count is for one forward pass in inference. A training step costs about three times as
      much.
    * The bytes of outputs are summed over all layers. XLA fuses layers, so a run needs less memory.
    * Multiplications with the zeros of a padded convolution are counted, as usual.
    * Layers that take strings run on the host when data are read, and count as 0.
    * A count that is unknown (a loop with a data-dependent number of iterations, a layer that
      does not accept the assumed sizes) is None, and so is every sum that includes it.

    Args:
        model: a built model.
        batch_size: the size of unknown batch axes.
        length: the size of other unknown axes of inputs, such as time.

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
    return Costs(
        root, measure_costs(root, batch_size, length), cost_assumptions(model, batch_size, length)
    )


@api_boundary
def flops(model: Layer, batch_size: int = 1, length: int = 1) -> int:
    """Returns the floating-point operations of one forward pass of a model; see `cost`.

    Args:
        model: a built model.
        batch_size: the size of unknown batch axes.
        length: the size of other unknown axes of inputs, such as time.

    Raises:
        ValueError: the number is unknown.

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
        f"The FLOPs of model {model.name!r} are unknown, because of: "
        f"{', '.join(unknown[:5]) or 'the model itself'}{', ...' if unknown[5:] else ''}.\n"
        "If the model is not built, build it first. If inputs have axes of unknown size, such as "
        "time, pass `length`. A loop with a data-dependent number of iterations cannot be counted."
    )


def cost_assumptions(model: Layer, batch_size: int = 1, length: int = 1) -> str:
    """Returns a sentence with the sizes that costs are counted for."""
    functional_graph = model._graph_
    inputs = functional_graph.input_tensors if functional_graph is not None else []
    other = any(size is None for tensor in inputs for size in tensor.shape[1:])
    return f"For a batch of {batch_size}" + (f", other unknown sizes: {length}." if other else ".")


def measure_costs(root: Item, batch_size: int = 1, length: int = 1) -> dict[int, Cost]:
    """Returns the Cost of each item of an outline, by `id`."""
    found = _CostCounter()
    model = root.op
    if model._graph_ is not None:
        graph = model._graph_.device_graph
        given = [_to_spec(t, batch_size, length) for t in graph.input_tensors]
        found.add_graph(root, found.run(graph.graph, given))
    else:
        call = CallTrace(None, None)
        inputs = model._step_tensors_() if model._is_model_ else None
        if inputs is not None:
            given = tree.map(lambda t: _to_spec(t, batch_size, length), inputs)
            call = trace_call(model, (given,), {}, inside=True)
        found.add_layer(root, call)
    return found.costs


def _to_spec(tensor: Tensor, batch_size: int, length: int) -> jax.ShapeDtypeStruct:
    first = tuple(batch_size if size is None else size for size in tensor.shape[:1])
    rest = tuple(length if size is None else size for size in tensor.shape[1:])
    return jax.ShapeDtypeStruct(first + rest, tensor.dtype)


@dataclass(eq=False)
class _GraphCost:
    """The costs of a graph.

    Attributes:
        calls: the traced call of each node, by its number.
        inner: the costs of nested models, by the number of their node.
        outputs: the specs of the outputs, None where unknown.
    """

    calls: dict[int, CallTrace]
    inner: dict[int, _GraphCost]
    outputs: list[Any]

    def call(self, node: Node) -> CallTrace:
        """Returns the traced call of a node; one without cost if it runs on the host."""
        return self.calls.get(node.number, CallTrace(0, []))

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


class _CostCounter:
    """Computes the Cost of each item of an outline."""

    def __init__(self) -> None:
        self.costs: dict[int, Cost] = {}

    def run(self, graph: Graph, given: list[Any]) -> _GraphCost:
        """Traces each node of a graph on the specs of its inputs."""
        known = {id(t): spec for t, spec in zip(graph.inputs, given, strict=True)}
        run = _GraphCost({}, {}, [])
        for node in graph.nodes:
            values = [known.get(id(t)) for t in node.inputs]
            call = CallTrace(None, None)
            inner = node.op._graph_ if isinstance(node.op, Layer) else None
            if any(value is None for value in values):
                pass  # an earlier layer could not be traced
            elif inner is not None:
                inner = inner.device_graph
                given = _bind_inputs(inner, *node.substitute_inputs(values))
                run.inner[node.number] = part = self.run(inner.graph, given)
                outputs = part.outputs[: len(inner.output_tensors)]
                call = CallTrace(part.flops, outputs)
            else:
                args, kwargs = node.substitute_inputs(values)
                # Traces that record inner layers are not cached: only where needed.
                inside = isinstance(node.op, Layer) and bool(node.op._sublayers_())
                call = trace_call(node.op, args, kwargs, inside)
            run.calls[node.number] = call
            made = [None] if call.outputs is None else tree.leaves(call.outputs)
            if len(made) == len(node.output_tensors):
                known.update(
                    (id(t), spec) for t, spec in zip(node.output_tensors, made, strict=True)
                )
        run.outputs = [known.get(id(t)) for t in graph.outputs]
        return run

    def add_graph(self, item: Item, run: _GraphCost | None) -> None:
        """Sets the costs of a functional model or a block, and of all its parts."""
        for child in item.children:
            if child.kind == "block":
                self.add_graph(child, run)
            elif child.node is None:
                self.add_layer(child, CallTrace(None, None))
            elif child.kind == "input":
                self.costs[id(child)] = Cost(0, 0, 0, 0)
            else:
                self._add_call(child, run)
        if item.kind == "block":
            parts = [run.call(node) for node in item.nodes] if run is not None else []
            flops = sum_known(call.flops for call in parts) if run is not None else None
            outputs = sum_known(self.costs[id(child)].outputs for child in item.children)
        else:
            flops = run.flops if run is not None else None
            outputs = run.bytes() if run is not None else None
        self._set(item, flops, outputs)

    def _add_call(self, item: Item, run: _GraphCost | None) -> None:
        assert item.node is not None
        if isinstance(item.op, Layer) and item.op._graph_ is not None:
            self.add_graph(item, run.inner.get(item.node.number) if run is not None else None)
            return
        call = run.call(item.node) if run is not None else CallTrace(None, None)
        self.add_layer(item, call)

    def add_layer(
        self, item: Item, call: CallTrace | InnerCalls, inner: dict[int, InnerCalls] | None = None
    ) -> None:
        """Sets the costs of a layer, and of the layers that it owns."""
        inside = call.inner if isinstance(call, CallTrace) else inner or {}
        for child in item.children:
            found = inside.get(id(child.op))
            if isinstance(child.op, Layer) and child.op._graph_ is not None:
                run = None
                if found is not None:
                    graph = child.op._graph_.device_graph
                    run = self.run(graph.graph, _bind_inputs(graph, found.args, found.kwargs))
                self.add_graph(child, run)
                if found is not None:
                    self._repeat(child, len(found.outputs))
            else:
                self.add_layer(child, found or CallTrace(None, None), inside)
        outputs = None if call.outputs is None else nbytes(call.outputs)
        if item.kind == "model" and item.children:
            outputs = sum_known(self.costs[id(child)].outputs for child in item.children)
        self._set(item, call.flops, outputs)

    def _repeat(self, item: Item, times: int) -> None:
        """Multiplies the costs of one call of a model by the number of its calls."""
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
        # Shared weights count once in each part that uses them.
        weights = {id(v): v for layer in layers for v in layer.weights}.values()
        params = sum(v.size for v in weights)
        size = sum(v.stored.nbytes for v in weights)
        self.costs[id(item)] = Cost(flops, outputs, params, size)


def _bind_inputs(functional_graph: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Returns a spec for each input of a functional model called with some arguments."""
    try:
        values = functional_graph.match(first_argument(args, kwargs))
    except ValueError:
        return [None] * len(functional_graph.input_tensors)
    return [
        _to_spec(Tensor(value.shape, tensor.dtype), 1, 1) if is_spec(value) else None
        for value, tensor in zip(values, functional_graph.input_tensors, strict=True)
    ]
