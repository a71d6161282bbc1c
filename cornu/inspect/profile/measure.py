"""Measuring: what each part of a model takes when its layers run one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax

from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.inspect.layer_hooks import around_inner_calls
from cornu.inspect.outline import Item
from cornu.inspect.profile.abstract_trace import first_argument, nbytes, specs, trace
from cornu.inspect.profile.stopwatch import Stopwatch, Timed
from cornu.inspect.tables.formatting import sum_known

__all__ = ["Measure", "Measuring", "calls_inside", "run_named"]

# Arguments of the calls of layers, by `id` of the layer.
Calls = dict[int, list[tuple[Any, Any]]]


@dataclass(frozen=True)
class Measure:
    """What was measured for a part of a model. None stands for what is not known.

    Attributes:
        seconds: time of the forward run.
        backward: time of the gradients.
        flops: floating-point operations of the forward run; a multiply-add counts as two.
        bytes: of the arrays that are read and written: inputs, weights and outputs.
        calls: how many calls of layers and ops it is made of.
        compiled: whether all of it ran compiled.
    """

    seconds: float | None = None
    backward: float | None = None
    flops: int | None = None
    bytes: int | None = None
    calls: int = 0
    compiled: bool = True

    @property
    def flops_per_second(self) -> float | None:
        """Operations of the forward run by its time."""
        if self.flops is None or not self.seconds:
            return None
        return self.flops / self.seconds


def run_named(model: Any, inputs: Any, root: Item) -> Any:
    """Runs a model so that the operations of each layer are in a scope of its path.

    Args:
        model: the model.
        inputs: one array for each input if it is drawn, otherwise what it is called on.
        root: its outline.
    """
    if model.functional_graph is not None:
        nodes = {item.node.number: item.path for item in root.walk() if item.node is not None}
        return _run_graph(model.functional_graph.graph, inputs, nodes)
    layers = {id(item.op): item.path for item in root.walk()}

    def around(layer: Any, call: Any, args: Any, kwargs: Any) -> Any:
        with jax.named_scope(layers.get(id(layer), layer.name)):
            return call(*args, **kwargs)

    with around_inner_calls(model, around):
        return model.run((inputs,), {})


def _run_graph(graph: Graph, values: Any, paths: dict[int, str]) -> list[Any]:
    known = {id(t): value for t, value in zip(graph.inputs, values, strict=True)}
    for node in graph.nodes:
        args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
        inner = node.op.functional_graph if isinstance(node.op, Layer) else None
        if inner is not None:
            made = _run_graph(inner.graph, inner.bind(first_argument(args, kwargs)), paths)
            node.store_outputs(known, _returned(node, made))
            continue
        with jax.named_scope(paths.get(node.number, node.name)):
            node.store_outputs(known, node.op.run(args, kwargs))
    return [known[id(t)] for t in graph.outputs]


def _returned(node: Node, made: list[Any]) -> Any:
    """Returns what a node of a model inside returned, of the outputs of that model's graph."""
    return made[0] if isinstance(node.outputs, Tensor) else made[: len(node.output_tensors)]


def calls_inside(layer: Any, args: Any, kwargs: Any, training: bool) -> Calls:
    """Runs a layer as it is; returns the arguments of each call of a layer inside, by `id`."""
    calls: Calls = {}

    def around(inner: Any, call: Any, args: Any, kwargs: Any) -> Any:
        arrays = tree.leaves((args, kwargs))
        # Inside of a loop that JAX traces there are no arrays to measure with.
        if not any(isinstance(x, jax.core.Tracer) for x in arrays):
            calls.setdefault(id(inner), []).append((args, kwargs))
        return call(*args, **kwargs)

    def run(args: Any, kwargs: Any) -> Any:
        with around_inner_calls(layer, around), scope.training_phase(training):
            return layer.run(args, kwargs)

    variables = list(layer.all_variables)
    lifted = scope.functionalize(run, variables)  # so that what it assigns is dropped
    lifted([v.stored for v in variables], jax.random.key(0), args, kwargs)
    return calls


class Measuring:
    """Measures each item of an outline."""

    def __init__(self, watch: Stopwatch) -> None:
        self.watch = watch
        self.measures: dict[int, Measure] = {}

    def drawn(self, item: Item, values: list[Any]) -> list[Any]:
        """Measures the nodes of a drawn model; returns its outputs."""
        drawing = item.op.functional_graph
        graph = drawing.graph
        items = {inner.node.number: inner for inner in _own_items(item) if inner.node is not None}
        known = {id(t): value for t, value in zip(graph.inputs, values, strict=True)}
        for node in graph.nodes:
            args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
            inner = items.get(node.number)
            if inner is not None and inner.children and inner.op.functional_graph is not None:
                made = self.drawn(
                    inner, inner.op.functional_graph.bind(first_argument(args, kwargs))
                )
                node.store_outputs(known, _returned(node, made))
                continue
            if inner is not None and inner.kind == "model" and inner.children:
                self.undrawn(inner, calls_inside(inner.op, args, kwargs, self.watch.training))
            timed = self.watch.call(node.op, args, kwargs)
            node.store_outputs(known, timed.outputs)
            if inner is not None:
                self._set(inner, [(timed, args, kwargs)])
        return [known[id(t)] for t in graph.outputs]

    def undrawn(self, item: Item, calls: Calls) -> None:
        """Measures the layers that a model called while it ran."""
        for child in item.children:
            own = calls.get(id(child.op), [])
            if child.again or not own:
                continue
            if child.children and child.op.functional_graph is not None and len(own) == 1:
                self.drawn(child, child.op.functional_graph.bind(first_argument(*own[0])))
                continue
            if child.kind == "model" and child.op.functional_graph is None:
                self.undrawn(child, calls)
            else:
                child.children.clear()  # what is inside of it is not taken apart
            self._set(child, [(self.watch.call(child.op, *each), *each) for each in own])

    def _set(self, item: Item, calls: list[tuple[Timed, Any, Any]]) -> None:
        if item.kind == "layer":
            item.children.clear()
        training = self.watch.training
        flops = (
            trace(item.op, specs(args), specs(kwargs), training=training).flops
            for _, args, kwargs in calls
        )
        size = sum(v.stored.nbytes for v in item.weights)
        self.measures[id(item)] = Measure(
            sum(timed.forward for timed, _, _ in calls),
            _sum([timed.backward for timed, _, _ in calls]),
            sum_known(flops),
            sum(
                nbytes((args, kwargs)) + nbytes(timed.outputs) + size
                for timed, args, kwargs in calls
            ),
            len(calls),
            all(timed.compiled for timed, _, _ in calls),
        )

    def add_up(self, item: Item) -> Measure:
        """Sets the Measure of each item that has none, as the sum of what is in it."""
        parts = [self.add_up(child) for child in item.children]
        if id(item) not in self.measures:
            parts = [part for part in parts if part.calls]
            self.measures[id(item)] = Measure(
                _sum([part.seconds for part in parts]) if parts else None,
                _sum([part.backward for part in parts]) if parts else None,
                sum_known(part.flops for part in parts) if parts else None,
                sum_known(part.bytes for part in parts) if parts else None,
                sum(part.calls for part in parts),
                all(part.compiled for part in parts),
            )
        return self.measures[id(item)]


def _own_items(item: Item) -> Iterator[Item]:
    """Yields the items of a model's own graph, without those of models inside."""
    for child in item.children:
        yield child
        if child.kind == "block":
            yield from _own_items(child)


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
