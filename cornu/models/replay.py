"""replay: drawing a graph, or a part of one, again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.core.blocks import drawn_in
from cornu.core.layer import Layer
from cornu.core.op import record
from cornu.core.tensor import Node, Tensor
from cornu.layers.input import Input, InputLayer

__all__ = ["is_added_mask", "new_input", "replay", "without_masks"]


def new_input(old: Tensor) -> Tensor:
    """Returns an Input like a Tensor, in its place of the drawing."""
    optional = old.optional
    if old.node is None:
        return Input(batch_shape=old.shape, dtype=old.dtype, name=old.name, optional=optional)
    with drawn_in(old.node.call, old.node.place):
        return Input(batch_shape=old.shape, dtype=old.dtype, name=old.name, optional=optional)


def replay(
    nodes: Sequence[Node],
    starts: dict[int, Tensor],
    layer_of: Callable[[Layer], Layer] = lambda layer: layer,
    call: Callable[..., Any] = lambda layer, *args, **kwargs: layer(*args, **kwargs),
) -> dict[int, Tensor]:
    """Draws a graph again from other Tensors, and returns the new Tensor of each old one's `id`.

    Args:
        nodes: what to draw again, in order.
        starts: Tensors in the place of those that come from outside, by their `id`.
        layer_of: the layer to call in the place of a layer.
        call: how.
    """
    new = dict(starts)
    for node in nodes:
        if isinstance(node.op, InputLayer) or all(id(t) in new for t in node.output_tensors):
            continue
        if is_added_mask(node.outputs):
            continue  # calling the layers again makes it again
        args, kwargs = without_masks(node, new)
        with drawn_in(node.call, node.place):
            if isinstance(node.op, Layer):
                outputs = call(layer_of(node.op), *args, **kwargs)
            else:
                outputs = record(node.op, args, kwargs)
        for old, made in zip(node.output_tensors, tree.leaves(outputs), strict=True):
            new[id(old)] = made
    return new


def without_masks(node: Node, new: dict[int, Tensor]) -> tuple[Any, Any]:
    """Returns a node's arguments on new Tensors, less the masks that calling it will add again."""
    args, kwargs = node.args, node.kwargs
    kwargs = {name: value for name, value in kwargs.items() if not is_added_mask(value)}
    return tree.map(lambda x: new[id(x)] if isinstance(x, Tensor) else x, (args, kwargs))


def is_added_mask(value: Any) -> bool:
    """Tells whether something is a mask that calling a layer added to the graph."""
    leaves = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    return bool(leaves) and all(
        leaf.node is not None and leaf.node.name == "compute_mask" for leaf in leaves
    )
