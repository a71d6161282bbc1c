"""recording: what layers return while a function runs, and what else could be put in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.core.state import scope

__all__ = ["OutputRecord", "record_outputs"]


class OutputRecord:
    """What some layers returned.

    Attributes:
        layers: the layers that were watched.
        calls: for each of them what its calls returned, in their order.
        inner: the layers that ran inside a loop or another transformation of JAX, such as the
            cell of a recurrent layer: what they returned exists there alone.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self.calls: list[list[Any]] = [[] for _ in self.layers]
        self.inner: list[Layer] = []

    def of(self, layer: Layer) -> list[Any]:
        """Returns what the calls of a layer returned."""
        return self.calls[self._position(layer)]

    def _position(self, layer: Layer) -> int:
        return next(i for i, known in enumerate(self.layers) if known is layer)


def record_outputs(
    fn: Callable[..., Any], layers: Sequence[Layer], probes: Any = None
) -> Callable[..., tuple[Any, OutputRecord]]:
    """Returns a function that does what `fn` does, and returns a Record beside it.

    Args:
        fn: a function that calls layers, under `pure` or not.
        layers: whose outputs are recorded.
        probes: for each layer, for each of its calls, an array that is added to each float output
            (`None` for none). The gradient by a probe of zeros is that by the output.

    Example:

    >>> import cornu, numpy as np
    >>> a, b = cornu.layers.ReLU(), cornu.layers.ReLU()
    >>> out, record = recording(lambda x: b(a(x) - 1), [a])(np.array([3.0, -3.0], "float32"))
    >>> out.tolist(), [x.tolist() for x in record.of(a)]
    ([2.0, 0.0], [[3.0, 0.0]])
    """
    positions = {id(layer): i for i, layer in enumerate(layers)}

    def run(*args: Any, **kwargs: Any) -> tuple[Any, OutputRecord]:
        from jax.extend.core import get_opaque_trace_state

        record = OutputRecord(layers)
        outside = get_opaque_trace_state()

        def look(layer: Any, node: Any, call: Any, args: Any, kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            position = positions.get(id(layer))
            if node is not None or position is None:
                return outputs
            if get_opaque_trace_state() != outside:
                if all(known is not layer for known in record.inner):
                    record.inner.append(layer)
                return outputs
            calls = record.calls[position]
            if probes is not None and len(calls) < len(probes[position]):
                outputs = _probed(outputs, probes[position][len(calls)])
            calls.append(outputs)
            return outputs

        with scope.intercept_calls(look):
            return fn(*args, **kwargs), record

    return run


def _probed(outputs: Any, probes: Any) -> Any:
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
