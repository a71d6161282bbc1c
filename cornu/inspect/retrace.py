"""replay: traces a graph, or a part of one, again on other Tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.core.graph.call_stack import override_call
from cornu.core.graph.op import record_node
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.layers.input import Input, InputLayer

__all__ = ["is_added_mask", "new_input", "replay", "retrace_nodes", "without_masks"]


def new_input(old: Tensor, name: str | None = None) -> Tensor:
    """Returns an Input with the shape, dtype and source location of a Tensor, and its name."""
    arguments: dict[str, Any] = {
        "batch_shape": old.shape,
        "dtype": old.dtype,
        "sparse": old.sparse,
        "optional": old.optional,
        "name": name or old.name,
    }
    if old.node is None:
        return Input(**arguments)
    with override_call(old.node.call, old.node.location):
        return Input(**arguments)


def replay(
    nodes: Sequence[Node],
    starts: dict[int, Tensor],
    layer_of: Callable[[Layer], Layer] = lambda layer: layer,
    call: Callable[..., Any] = lambda layer, *args, **kwargs: layer(*args, **kwargs),
) -> dict[int, Tensor]:
    """Traces nodes again on other Tensors; returns the new Tensors by the `id` of the old ones.

    Args:
        nodes: the nodes, in topological order.
        starts: the new inputs, by the `id` of the Tensors that they replace.
        layer_of: maps each layer to the layer that is called instead.
        call: called as `call(layer, *args, **kwargs)` for each call of a layer.
    """

    def call_node(node: Node, args: Any, kwargs: Any) -> Any:
        with override_call(node.call, node.location):
            if isinstance(node.op, Layer):
                return call(layer_of(node.op), *args, **kwargs)
            return record_node(node.op, args, kwargs)

    return retrace_nodes(nodes, starts, call_node)


def retrace_nodes(
    nodes: Sequence[Node], starts: dict[int, Any], call_node: Callable[[Node, Any, Any], Any]
) -> dict[int, Any]:
    """Like `replay`, with `call_node(node, args, kwargs)` computing the outputs of each node."""
    new = dict(starts)
    for node in nodes:
        if isinstance(node.op, InputLayer) or all(id(t) in new for t in node.output_tensors):
            continue
        if is_added_mask(node.outputs):
            continue  # calling the layer again adds its mask again
        args, kwargs = without_masks(node, new)
        outputs = call_node(node, args, kwargs)
        for old, made in zip(node.output_tensors, tree.leaves(outputs), strict=True):
            new[id(old)] = made
            if old.mask is not None and isinstance(made, Tensor) and made.mask is not None:
                new[id(old.mask)] = made.mask  # a node may use the mask explicitly
    return new


def without_masks(node: Node, new: dict[int, Tensor]) -> tuple[Any, Any]:
    """Returns a node's arguments with new Tensors, without masks that the call adds itself."""
    args, kwargs = node.args, node.kwargs
    kwargs = {name: value for name, value in kwargs.items() if not is_added_mask(value)}
    replaced: tuple[Any, Any] = tree.map(
        lambda x: new[id(x)] if isinstance(x, Tensor) else x, (args, kwargs)
    )
    return replaced


def is_added_mask(value: Any) -> bool:
    """Whether a value is a mask that calling a layer added to the graph."""
    leaves = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    return bool(leaves) and all(leaf.node is not None and leaf.node.is_mask for leaf in leaves)
