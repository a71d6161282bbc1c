"""Execution of a graph. Blocks with equal structural keys share one traced function.

Tracing a repeated block once takes less than half of the time for deep models; see `block_sharing`
in `cornu.deviations`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from cornu import settings
from cornu.core.graph.block import Block
from cornu.core.graph.remat import check_nesting
from cornu.core.graph.shared_function import (
    SharedFunction,
    ambient_key,
    count_draws,
    have_seed_indices,
)
from cornu.core.graph.structural_key import Subgraph, describe_subgraph
from cornu.core.graph.tensor import Node, Tensor, format_shape
from cornu.core.layer.layer import Layer
from cornu.core.layer.walk import holds_tracers
from cornu.core.state import scope
from cornu.core.state.placement import Pipeline, lays_out_outputs
from cornu.core.state.placement import current as current_placement
from cornu.core.tracebacks.api_boundary import has_location, locate_error, replace_prefix

if TYPE_CHECKING:
    from cornu.core.graph.graph import Graph

__all__ = ["run_graph"]


def run_graph(graph: Graph, values: Sequence[Any], masks: Sequence[Any] | None = None) -> list[Any]:
    """Computes the outputs of a graph from arrays for its inputs; see `Graph.run`."""
    known = {id(t): v for t, v in zip(graph.inputs, values, strict=True)}
    current = scope.current()
    # Functions are shared only in compiled steps. Shape inference runs a graph once, and an
    # interceptor would not be called for the calls inside a shared function.
    observed = current.inferring_shapes or current.interceptor is not None
    shares = masks is None and current.in_pure_function and not observed
    units = _find_units(graph) if shares else {}
    run = _GraphRun(graph, units, masks is not None)
    placement = current_placement()
    if shares and placement is not None:
        run.use_pipelines(placement._find_pipelines_(graph))
    run.run_parts(graph.parts, known)
    return [known[id(t)] for t in graph.outputs]


class Unit(NamedTuple):
    """A part of a graph that runs as a shared function."""

    name: str
    subgraph: Subgraph
    remat: bool


class _GraphRun:
    """One execution of a graph.

    Args:
        graph: the graph.
        units: the parts that run as shared functions, by `id`.
        masks_by_array: whether layers look up the masks of their inputs by array. Otherwise, the
            masks are arguments of the nodes.
    """

    def __init__(self, graph: Graph, units: dict[int, Unit], masks_by_array: bool) -> None:
        self.graph = graph
        self.units = units
        self.masks_by_array = masks_by_array
        self._pipelines: dict[int, Pipeline] = {}
        self._first: set[int] = set()

    def use_pipelines(self, pipelines: Sequence[Pipeline]) -> None:
        """Lets pipelines compute their parts of the graph."""
        for pipeline in pipelines:
            self._pipelines.update((id(part), pipeline) for part in pipeline.parts)
            self._first.add(id(pipeline.parts[0]))

    def run_parts(self, parts: Sequence[Node | Block], known: dict[int, Any]) -> None:
        """Computes nodes and blocks in order; `known` maps the `id` of Tensors to arrays."""
        for part in parts:
            if id(part) in self._pipelines:
                if id(part) in self._first:
                    plain = _GraphRun(self.graph, self.units, self.masks_by_array)
                    self._pipelines[id(part)].run(plain.run_parts, known)
                continue
            with jax.named_scope(part.name):
                unit = self.units.get(id(part))
                if unit is None or not self._call_shared(unit, part, known):
                    self._run_inline(part, known)

    def _run_inline(self, part: Node | Block, known: dict[int, Any]) -> None:
        if isinstance(part, Block):
            self.run_parts(part.parts, known)
        else:
            self._run_node(part, known)

    def _call_shared(self, unit: Unit, part: Node | Block, known: dict[int, Any]) -> bool:
        """Runs a part as a shared function; returns False if that is not possible."""
        around = scope.current()
        if unit.remat:
            check_nesting()
        _, inputs, outputs, variables, sources, layers = unit.subgraph
        arrays = [known[id(t)] for t in inputs]
        # Masks of the inputs would have to be arguments as well; this is rare.
        reachable = have_seed_indices(sources) and all(around.can_access(v) for v in variables)
        if not reachable or any(around.masks.get(x) is not None for x in arrays):
            return False
        # Layouts of outputs depend on the names of layers.
        own = id(part) if lays_out_outputs() else None
        recomputed = tuple(b.remat for b in part.walk()) if isinstance(part, Block) else ()
        key = (unit.subgraph.structural_key, ambient_key(sources), unit.remat, recomputed, own)
        if key in around.shared_functions:
            function = around.shared_functions[key]
        else:

            def fn(*arrays: Any) -> list[Any]:
                inner = {id(t): x for t, x in zip(inputs, arrays, strict=True)}
                self._run_inline(part, inner)
                # The attribute would have to be set by each call, and the function runs once.
                if any(holds_tracers(layer) for layer in layers):
                    raise scope.CaptureError("a layer stores a traced value as an attribute")
                return [inner[id(t)] for t in outputs]

            transform = _rematerialized if unit.remat else jax.jit
            function = around.shared_functions[key] = SharedFunction(
                fn, variables, sources, count_draws(sources), transform, unit.name
            )
        if function is None:
            return False
        try:
            results = function(variables, sources, arrays)
        except scope.CaptureError:
            around.shared_functions[key] = None  # do not try again for equal parts
            return False
        known.update((id(t), x) for t, x in zip(outputs, results, strict=True))
        return True

    def _run_node(self, node: Node, known: dict[int, Any]) -> None:
        args, kwargs = node.substitute_inputs([known[id(t)] for t in node.inputs])
        masks = () if self.masks_by_array else self.graph.masks_of(node)
        try:
            if not masks:
                result = self._call_node(node, args, kwargs)
            else:
                pairs = [(known[id(t)], known[id(mask)]) for t, mask in masks]
                with scope.current().masks.attached(pairs):
                    result = self._call_node(node, args, kwargs)
        except Exception as error:
            shapes = ", ".join(format_shape(known[id(t)]) for t in node.inputs)
            path = self.graph.path(node)
            where = f"{path.replace('/', ' > ')} > {node.name}" if path else node.name
            if has_location(error):  # raised inside a nested model
                replace_prefix(error, "In ", f"In {where} > ")
            head = f"In {where} (called at {node.location}), inputs of shape {shapes}"
            raise locate_error(error, head)  # noqa: B904
        node.store_outputs(known, result)

    def _call_node(self, node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        interceptor = scope.current().interceptor
        if interceptor is not None:
            return interceptor(node.op, node, self._callable(node), args, kwargs)
        if self.masks_by_array:
            return node.op(*args, **kwargs)
        return node.op._run_(args, kwargs)

    def _callable(self, node: Node) -> Callable[..., Any]:
        return (
            node.op if self.masks_by_array else lambda *args, **kwargs: node.op._run_(args, kwargs)
        )


def _rematerialized(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def recomputed(*args: Any) -> Any:
        around = scope.Scope(scope.current())
        around.recomputes = True
        with scope.use_scope(around):
            return fn(*args)

    return jax.jit(jax.checkpoint(recomputed))


def _find_units(graph: Graph) -> dict[int, Unit]:
    """Returns the parts that run as shared functions, by `id`.

    These are blocks, nested models and layers with sublayers whose structural key occurs more than
    once, and blocks that the backward pass recomputes.
    """
    shares = settings.get("share_blocks")
    # If the parts are single nodes, those of blocks alternate, and no block can run as a whole.
    candidates = _find_candidates(graph.root) if graph.parts is graph.root.parts else []
    # Structural keys are expensive: they are computed only where cheap keys are equal.
    groups: dict[Any, list[tuple[Node | Block, list[Node]]]] = defaultdict(list)
    for part, nodes in candidates:
        groups[tuple(_cheap_key(node) for node in nodes)].append((part, nodes))
    last = _last_uses(graph)
    subgraphs = {
        id(part): (part, describe_subgraph(nodes, _outputs_used_later(nodes, last), graph.masks_of))
        for group in groups.values()
        for part, nodes in group
        if (shares and len(group) > 1) or _is_remat(part)
    }
    counts = Counter(subgraph.structural_key for _, subgraph in subgraphs.values())
    return {
        key: Unit(part.name, subgraph, _is_remat(part))
        for key, (part, subgraph) in subgraphs.items()
        if (shares and counts[subgraph.structural_key] > 1) or _is_remat(part)
    }


def _is_remat(part: Node | Block) -> bool:
    return isinstance(part, Block) and part.remat


def _find_candidates(block: Block) -> list[tuple[Node | Block, list[Node]]]:
    """Returns the parts that may run as shared functions, each with its nodes."""
    found: list[tuple[Node | Block, list[Node]]] = []
    for part in block.parts:
        if isinstance(part, Block):
            # A block that contains all nodes of its parent would be the same function again.
            same = len(part.nodes) == len(block.nodes)
            if (len(part.nodes) > 1 and not same) or (part.remat and not (same and block.remat)):
                found.append((part, part.nodes))
            found += _find_candidates(part)
        elif isinstance(part.op, Layer) and part.op._sublayers_():
            found.append((part, [part]))
    return found


def _cheap_key(node: Node) -> Any:
    """Returns a cheap key that is equal for nodes with equal structural keys."""
    # Layers with equal arguments have different names.
    return (type(node.op), node.op.name if not isinstance(node.op, Layer) else "", *_specs(node))


def _specs(node: Node) -> Any:
    return tuple((t.shape, t.dtype) for t in itertools.chain(node.inputs, node.output_tensors))


def _last_uses(graph: Graph) -> dict[int, float]:
    """Returns the number of the last node that uses each Tensor, by `id`; infinity for outputs."""
    last: dict[int, float] = {}
    for node in graph.nodes:
        last.update((id(t), node.number) for t in node.inputs)
        last.update((id(mask), node.number) for _, mask in graph.masks_of(node))
    last.update((id(t), math.inf) for t in graph.outputs)
    return last


def _outputs_used_later(nodes: Sequence[Node], last: dict[int, float]) -> list[Tensor]:
    end = nodes[-1].number
    return [t for node in nodes for t in node.output_tensors if last.get(id(t), 0) > end]
