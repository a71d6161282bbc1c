"""Records the outputs of layers while a function runs, and can add probes to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.types import PyTree

__all__ = ["OutputRecord", "record_outputs"]


class OutputRecord:
    """The recorded outputs of layers.

    Attributes:
        layers: the recorded layers.
        calls: for each of them the outputs of its calls, in order.
        inner: the layers that ran inside a JAX transformation such as a loop (the cell of a
            recurrent layer), whose outputs do not exist outside of it.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self.calls: list[list[Any]] = [[] for _ in self.layers]
        self.inner: list[Layer] = []

    def of(self, layer: Layer) -> list[Any]:
        """Returns the outputs of the calls of a layer."""
        return self.calls[self._position(layer)]

    def _position(self, layer: Layer) -> int:
        return next(i for i, known in enumerate(self.layers) if known is layer)


def record_outputs(
    fn: Callable[..., Any], layers: Sequence[Layer], probes: PyTree = None
) -> Callable[..., tuple[Any, OutputRecord]]:
    """Returns a function that returns the result of `fn` and an OutputRecord.

    Args:
        fn: a function that calls layers, under `pure` or not.
        layers: the layers to record.
        probes: for each layer and each of its calls, an array that is added to each float output
            (`None` for none). The gradient by a probe of zeros equals that by the output.

    Example:

    >>> import cornu, numpy as np
    >>> a, b = cornu.layers.ReLU(), cornu.layers.ReLU()
    >>> out, record = record_outputs(lambda x: b(a(x) - 1), [a])(np.array([3.0, -3.0], "float32"))
    >>> out.tolist(), [x.tolist() for x in record.of(a)]
    ([2.0, 0.0], [[3.0, 0.0]])
    """
    positions = {id(layer): i for i, layer in enumerate(layers)}

    def run(*args: Any, **kwargs: Any) -> tuple[Any, OutputRecord]:
        from jax.extend.core import get_opaque_trace_state

        record = OutputRecord(layers)
        outside = get_opaque_trace_state()

        def hook(
            layer: Any,
            node: Node | None,
            call: Callable[..., Any],
            args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:
            outputs = call(*args, **kwargs)
            position = positions.get(id(layer))
            if node is not None or position is None:
                return outputs
            # A tracer of an inner transformation must not leak: JAX raises UnexpectedTracerError.
            if get_opaque_trace_state() != outside:
                if all(known is not layer for known in record.inner):
                    record.inner.append(layer)
                return outputs
            calls = record.calls[position]
            if probes is not None and len(calls) < len(probes[position]):
                outputs = _add_probes(outputs, probes[position][len(calls)])
            calls.append(outputs)
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
