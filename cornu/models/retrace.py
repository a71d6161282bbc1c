"""replay: drawing a graph, or a part of one, again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.core.graph.call_stack import override_call
from cornu.core.graph.op import record_node
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.layers.input import Input, InputLayer

__all__ = ["is_added_mask", "new_input", "redraw", "replay", "without_masks"]


def new_input(old: Tensor, name: str | None = None) -> Tensor:
    """Returns an Input like a Tensor, in its place of the drawing, by default of its name."""
    name, optional = name or old.name, old.optional
    if old.node is None:
        return Input(batch_shape=old.shape, dtype=old.dtype, name=name, optional=optional)
    with override_call(old.node.call, old.node.location):
        return Input(batch_shape=old.shape, dtype=old.dtype, name=name, optional=optional)


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

    def draw(node: Node, args: Any, kwargs: Any) -> Any:
        with override_call(node.call, node.location):
            if isinstance(node.op, Layer):
                return call(layer_of(node.op), *args, **kwargs)
            return record_node(node.op, args, kwargs)

    return redraw(nodes, starts, draw)


def redraw(
    nodes: Sequence[Node], starts: dict[int, Any], draw: Callable[[Node, Any, Any], Any]
) -> dict[int, Any]:
    """Does what `replay` does, with `draw(node, args, kwargs)` making the outputs of each node."""
    new = dict(starts)
    for node in nodes:
        if isinstance(node.op, InputLayer) or all(id(t) in new for t in node.output_tensors):
            continue
        if is_added_mask(node.outputs):
            continue  # calling the layers again makes it again
        args, kwargs = without_masks(node, new)
        outputs = draw(node, args, kwargs)
        for old, made in zip(node.output_tensors, tree.leaves(outputs), strict=True):
            new[id(old)] = made
            if old.mask is not None and isinstance(made, Tensor) and made.mask is not None:
                new[id(old.mask)] = made.mask  # for those who use the mask itself
    return new


def without_masks(node: Node, new: dict[int, Tensor]) -> tuple[Any, Any]:
    """Returns a node's arguments on new Tensors, less the masks that calling it will add again."""
    args, kwargs = node.args, node.kwargs
    kwargs = {name: value for name, value in kwargs.items() if not is_added_mask(value)}
    replaced: tuple[Any, Any] = tree.map(
        lambda x: new[id(x)] if isinstance(x, Tensor) else x, (args, kwargs)
    )
    return replaced


def is_added_mask(value: Any) -> bool:
    """Tells whether something is a mask that calling a layer added to the graph."""
    leaves = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    return bool(leaves) and all(
        leaf.node is not None and leaf.node.name == "compute_mask" for leaf in leaves
    )
