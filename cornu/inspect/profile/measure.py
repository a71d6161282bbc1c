"""The time of each part of a model, measured by running its layers one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from cornu.inspect.profile.abstract_trace import first_argument, nbytes, to_specs, trace_call
from cornu.inspect.profile.stopwatch import Stopwatch, Timing
from cornu.inspect.tables.formatting import sum_known
from cornu.types import PyTree

__all__ = ["LayerTimer", "Measure", "record_inner_calls", "run_with_scopes"]

# Arguments of the calls of layers, by `id` of the layer.
Calls = dict[int, list[tuple[Any, Any]]]


@dataclass(frozen=True)
class Measure:
    """The measured time and the cost of a part of a model. None means unknown.

    Attributes:
        seconds: the time of the forward pass.
        backward: the time of the backward pass, in seconds.
        flops: floating-point operations of the forward pass; a multiply-add counts as two.
        bytes: the size of the arrays read and written: inputs, weights and outputs.
        calls: the number of calls of layers and ops in it.
        compiled: whether all of them were compiled.
    """

    seconds: float | None = None
    backward: float | None = None
    flops: int | None = None
    bytes: int | None = None
    calls: int = 0
    compiled: bool = True

    @property
    def flops_per_second(self) -> float | None:
        """Operations of the forward pass per second."""
        if self.flops is None or not self.seconds:
            return None
        return self.flops / self.seconds


def run_with_scopes(model: Layer, inputs: PyTree, root: Item) -> Any:
    """Runs a model with the operations of each layer in a named scope of its path.

    Args:
        model: the model.
        inputs: a list of arrays for a functional model, otherwise the argument of the call.
        root: its outline.
    """
    if model._graph_ is not None:
        nodes = {item.node.number: item.path for item in root.walk() if item.node is not None}
        return _run_graph(model._graph_.device_graph.graph, inputs, nodes)
    layers = {id(item.op): item.path for item in root.walk()}

    def around(
        layer: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        with jax.named_scope(layers.get(id(layer), layer.name)):
            return call(*args, **kwargs)

    with around_inner_calls(model, around):
        return model._run_((inputs,), {})


def _run_graph(graph: Graph, values: Any, paths: dict[int, str]) -> list[Any]:
    known = {id(t): value for t, value in zip(graph.inputs, values, strict=True)}
    for node in graph.nodes:
        args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
        inner = node.op._graph_ if isinstance(node.op, Layer) else None
        if inner is not None:
            values = inner.bind(first_argument(args, kwargs))
            made = _run_graph(inner.device_graph.graph, values, paths)
            node.store_outputs(known, _pick_outputs(node, made))
            continue
        with jax.named_scope(paths.get(node.number, node.name)):
            node.store_outputs(known, node.op._run_(args, kwargs))
    return [known[id(t)] for t in graph.outputs]


def _pick_outputs(node: Node, made: list[Any]) -> Any:
    """Returns the outputs of a nested model's graph that its node uses."""
    return made[0] if isinstance(node.outputs, Tensor) else made[: len(node.output_tensors)]


def record_inner_calls(
    layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], training: bool
) -> Calls:
    """Runs a layer eagerly; returns the arguments of each call of its inner layers, by `id`."""
    calls: Calls = {}

    def around(
        inner: Any, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        arrays = tree.leaves((args, kwargs))
        # In a loop that JAX traces there are no concrete arrays to measure with.
        if not any(isinstance(x, jax.core.Tracer) for x in arrays):
            calls.setdefault(id(inner), []).append((args, kwargs))
        return call(*args, **kwargs)

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with around_inner_calls(layer, around), scope.training_phase(training):
            return layer._run_(args, kwargs)

    variables = list(layer._all_variables_)
    lifted = scope.functionalize(run, variables)  # discards assignments to Variables
    lifted([v.stored for v in variables], jax.random.key(0), args, kwargs)
    return calls


class LayerTimer:
    """Measures the time of each item of an outline."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self.stopwatch = stopwatch
        self.measures: dict[int, Measure] = {}

    def measure_graph(self, item: Item, values: list[Any]) -> list[Any]:
        """Measures the nodes of a functional model; returns its outputs.

        Nodes that run on the host, because they take strings, are not measured.
        """
        graph = item.op._graph_.device_graph.graph
        items = {inner.node.number: inner for inner in _own_items(item) if inner.node is not None}
        known = {id(t): value for t, value in zip(graph.inputs, values, strict=True)}
        for node in graph.nodes:
            args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
            inner = items.get(node.number)
            if inner is not None and inner.children and inner.op._graph_ is not None:
                made = self.measure_graph(
                    inner, inner.op._graph_.bind(first_argument(args, kwargs))
                )
                node.store_outputs(known, _pick_outputs(node, made))
                continue
            if inner is not None and inner.kind == "model" and inner.children:
                self.measure_layers(
                    inner, record_inner_calls(inner.op, args, kwargs, self.stopwatch.training)
                )
            timed = self.stopwatch.call(node.op, args, kwargs)
            node.store_outputs(known, timed.outputs)
            if inner is not None:
                self._set(inner, [(timed, args, kwargs)])
        return [known[id(t)] for t in graph.outputs]

    def measure_layers(self, item: Item, calls: Calls) -> None:
        """Measures the layers that a subclassed model called."""
        for child in item.children:
            own = calls.get(id(child.op), [])
            if child.again or not own:
                continue
            if child.children and child.op._graph_ is not None and len(own) == 1:
                self.measure_graph(child, child.op._graph_.bind(first_argument(*own[0])))
                continue
            if child.kind == "model" and child.op._graph_ is None:
                self.measure_layers(child, calls)
            else:
                child.children.clear()  # measured as a whole
            self._set(child, [(self.stopwatch.call(child.op, *each), *each) for each in own])

    def _set(self, item: Item, calls: list[tuple[Timing, Any, Any]]) -> None:
        if item.kind == "layer":
            item.children.clear()
        training = self.stopwatch.training
        # From the specs, because a compiled program has no jaxpr to count.
        flops = (
            trace_call(item.op, to_specs(args), to_specs(kwargs), training=training).flops
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

    def sum_parts(self, item: Item) -> Measure:
        """Sets the Measure of each item without one to the sum of its parts."""
        parts = [self.sum_parts(child) for child in item.children]
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
    """Yields the items of a model's own graph, without those of nested models."""
    for child in item.children:
        yield child
        if child.kind == "block":
            yield from _own_items(child)


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
