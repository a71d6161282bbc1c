"""Records the outputs of layers while a function runs, and can add probes to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.types import PyTree

__all__ = ["OutputRecord", "record_outputs"]


class OutputRecord:
    """The recorded outputs of layers, and of calls in functional graphs.

    Attributes:
        layers: the recorded layers.
        calls: for each of them the outputs of its calls, in order.
        nodes: by the number of each recorded node, the leaves of its outputs, for each run of its
            graph.
        inputs: by the `id` of each recorded model, the arrays that its graph takes, for each run.
        inner: the layers that ran inside a JAX transformation such as a loop (the cell of a
            recurrent layer), whose outputs do not exist outside of it.
    """

    def __init__(
        self, layers: Sequence[Layer], nodes: Iterable[int] = (), models: Iterable[Layer] = ()
    ) -> None:
        self.layers = tuple(layers)
        self.calls: list[list[Any]] = [[] for _ in self.layers]
        self.nodes: dict[int, list[list[Any]]] = {number: [] for number in nodes}
        self.inputs: dict[int, list[list[Any]]] = {id(model): [] for model in models}
        self.inner: list[Layer] = []
        # The number of the node that each call runs, or None.
        self._callers: list[list[int | None]] = [[] for _ in self.layers]
        self._positions = {id(layer): i for i, layer in enumerate(self.layers)}

    def of(self, layer: Layer) -> list[Any]:
        """Returns the outputs of the calls of a layer."""
        return self.calls[self._positions[id(layer)]]

    def outside_nodes(self, layer: Layer, nodes: Collection[int]) -> list[Any]:
        """Returns the outputs of the calls of a layer that do not run one of some nodes."""
        callers = self._callers[self._positions[id(layer)]]
        pairs = zip(self.of(layer), callers, strict=True)
        return [outputs for outputs, number in pairs if number not in nodes]

    def add(self, layer: Layer, outputs: Any, node: int | None) -> None:
        """Adds a call of a layer, and the number of the node that it runs."""
        position = self._positions[id(layer)]
        self.calls[position].append(outputs)
        self._callers[position].append(node)


def record_outputs(
    fn: Callable[..., Any],
    layers: Sequence[Layer],
    probes: PyTree = None,
    nodes: Iterable[int] = (),
    models: Sequence[Layer] = (),
) -> Callable[..., tuple[Any, OutputRecord]]:
    """Returns a function that returns the result of `fn` and an OutputRecord.

    Args:
        fn: a function that calls layers, under `pure` or not.
        layers: the layers to record.
        probes: for each layer and each of its calls, an array that is added to each float output
            (`None` for none). The gradient by a probe of zeros equals that by the output.
        nodes: the numbers of the nodes of functional graphs to record.
        models: the functional models whose inputs are recorded.

    Example:

    >>> import cornu, numpy as np
    >>> a, b = cornu.layers.ReLU(), cornu.layers.ReLU()
    >>> out, record = record_outputs(lambda x: b(a(x) - 1), [a])(np.array([3.0, -3.0], "float32"))
    >>> out.tolist(), [x.tolist() for x in record.of(a)]
    ([2.0, 0.0], [[3.0, 0.0]])
    """
    positions = {id(layer): i for i, layer in enumerate(layers)}
    numbers = frozenset(nodes)
    recorded_models = {id(model) for model in models}

    def run(*args: Any, **kwargs: Any) -> tuple[Any, OutputRecord]:
        from jax.extend.core import get_opaque_trace_state

        record = OutputRecord(layers, numbers, models)
        outside = get_opaque_trace_state()
        running: Node | None = None  # the node whose layer is about to be called

        def hook(
            op: Any,
            node: Node | None,
            call: Callable[..., Any],
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            nonlocal running
            # A tracer of an inner transformation must not leak: JAX raises UnexpectedTracerError.
            is_outside = get_opaque_trace_state() == outside
            if node is not None:
                running = node
                outputs = call(*args, **kwargs)
                running = None
                if is_outside and node.number in numbers:
                    single = isinstance(node.outputs, Tensor)
                    leaves = [outputs] if single else jax.tree_util.tree_leaves(outputs)
                    record.nodes[node.number].append(leaves)
                return outputs
            caller = running.number if running is not None and running.op is op else None
            running = None
            if is_outside and id(op) in recorded_models:
                record.inputs[id(op)].append(op._graph_.bind(args[0] if args else kwargs["inputs"]))
            outputs = call(*args, **kwargs)
            position = positions.get(id(op))
            if position is None:
                return outputs
            if not is_outside:
                if all(known is not op for known in record.inner):
                    record.inner.append(op)
                return outputs
            calls = record.calls[position]
            if probes is not None and len(calls) < len(probes[position]):
                outputs = _add_probes(outputs, probes[position][len(calls)])
            record.add(op, outputs, caller)
            return outputs

        with scope.intercept_calls(hook):
            return fn(*args, **kwargs), record

    return run


def _add_probes(outputs: Any, probes: Any) -> Any:
    masks = scope.current().masks
    leaves, definition = jax.tree_util.tree_flatten(outputs)
    probed = []
    for leaf, probe in zip(leaves, probes, strict=True):
        new = leaf
        if probe is not None:
            new = leaf + jnp.asarray(probe, leaf.dtype)
            mask = masks.get(leaf)
            if mask is not None:
                masks.put(new, mask)
        probed.append(new)
    return jax.tree_util.tree_unflatten(definition, probed)
