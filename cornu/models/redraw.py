"""redraw: a graph drawn again, from other inputs or with other layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.core.blocks import Call
from cornu.core.tensor import Node, Tensor
from cornu.layers.input import Input, InputLayer
from cornu.models.functional import Drawing

__all__ = ["new_input", "replay", "stand", "without_masks"]


def new_input(old: Tensor, name: str | None = None) -> Tensor:
    """Returns an Input of the same shape, dtype and place, by default of the same name."""
    name = name or (old.name if old.node is None else old.node.name)
    shape, dtype, optional = old.shape, old.dtype, old.optional
    tensor = Input(batch_shape=shape, dtype=dtype, name=name, optional=optional)
    return tensor if old.node is None else stand(tensor, old.node)


def stand(outputs: Any, node: Node, call: Call | None = None) -> Any:
    """Makes new Tensors belong to the place and block in which the user drew a node.

    Args:
        outputs: the Tensors, in any structure.
        node: the old node.
        call: the block, if it is another one than the node's.

    Returns:
        The outputs.
    """
    call = call or node.call
    for tensor in tree.leaves(outputs):
        mask = tensor.mask
        for made in (tensor, mask):
            if made is None or made.node is None:
                continue
            if made is tensor or made.node.name == "compute_mask":
                made.node.call, made.node.place = call, node.place
    return outputs


def replay(
    drawing: Drawing, starts: Sequence[Any], draw: Callable[[Node, Any, Any], Any]
) -> dict[int, Any]:
    """Draws a graph again from other Tensors, and returns the new Tensor of each old one's `id`.

    Args:
        drawing: what to draw again.
        starts: Tensors in the place of its inputs.
        draw: given an old node and its arguments on new Tensors, returns the new outputs.
    """
    new: dict[int, Any] = {
        id(old): start for old, start in zip(drawing.input_tensors, starts, strict=True)
    }
    for node in drawing.nodes:
        if isinstance(node.op, InputLayer) or all(id(t) in new for t in node.output_tensors):
            continue
        outputs = draw(node, *without_masks(node, new))
        for old, made in zip(node.output_tensors, tree.leaves(outputs), strict=True):
            new[id(old)] = made
            if old.mask is not None and isinstance(made, Tensor) and made.mask is not None:
                new[id(old.mask)] = made.mask  # calling the layer has added it again
    return new


def without_masks(node: Node, new: dict[int, Tensor]) -> tuple[Any, Any]:
    """Returns a node's arguments on new Tensors, less the masks that calling it will add again."""
    args, kwargs = node.args, node.kwargs
    kwargs = {name: value for name, value in kwargs.items() if not _is_added_mask(value)}
    return tree.map(lambda x: new[id(x)] if isinstance(x, Tensor) else x, (args, kwargs))


def _is_added_mask(value: Any) -> bool:
    leaves = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    return bool(leaves) and all(
        leaf.node is not None and leaf.node.name == "compute_mask" for leaf in leaves
    )
