"""clone_model: the same architecture with new layers, and replaying a graph in general."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import tree
from cornu.core.layer import Layer
from cornu.core.op import record
from cornu.core.tensor import Node, Tensor
from cornu.layers.input import Input, InputLayer
from cornu.models.functional import Drawing
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["clone_model", "replay"]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Returns a model of the same architecture, with new layers and new weights.

    Args:
        model: a Sequential or drawn model, or one whose constructor can be called again.
        input_tensors: Tensors to begin from, instead of new inputs.
        clone_function: makes the new layer from the old one; by default from its config.
        call_function: called as `(layer, *args, **kwargs)` instead of `layer(*args, **kwargs)`.
        recursive: whether models inside go layer by layer through `clone_function`, too.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> copy = cornu.models.clone_model(model)
    >>> copy.layers[0] is model.layers[0], copy.output_shape
    (False, (None, 2))
    """
    clone = clone_function or _from_config
    call = call_function or (lambda layer, *args, **words: layer(*args, **words))

    def clone_layer(layer: Layer) -> Layer:
        if isinstance(layer, Model) and recursive:
            return clone_model(layer, None, clone_function, call_function, True)
        return clone(layer)

    if isinstance(model, Sequential):
        first = [] if model._drawing is None else [_new_input(model.inputs[0])]
        if input_tensors is not None:
            first = tree.leaves(input_tensors)
        if not model._declared and input_tensors is None:
            first = []
        copy = Sequential(
            [*first, *(clone_layer(layer) for layer in model.layers)], name=model.name
        )
        if not first and model._drawing is not None:
            copy.build(model.inputs[0].shape)
        return copy
    if model._drawing is None or type(model) is not Model:
        return clone(model)  # type: ignore[return-value]
    drawing = model._drawing
    starts = tree.leaves(input_tensors) if input_tensors is not None else None
    if starts is None:
        starts = [_new_input(tensor) for tensor in drawing.input_tensors]
    layers: dict[int, Layer] = {}

    def mapped(layer: Layer) -> Layer:
        if id(layer) not in layers:
            layers[id(layer)] = clone_layer(layer)
        return layers[id(layer)]

    new = replay(drawing, starts, mapped, call)
    definition = tree.take_apart(drawing.inputs)[1]
    outputs = tree.map(lambda t: new[id(t)], drawing.outputs)
    return Model(tree.unflatten(definition, starts), outputs, name=model.name)


def _from_config(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())


def _new_input(old: Tensor) -> Tensor:
    optional = old.optional
    tensor = Input(batch_shape=old.shape, dtype=old.dtype, name=old.name, optional=optional)
    _stand_where(tensor, old)
    return tensor


def _stand_where(new: Tensor, old: Tensor) -> None:
    """Makes a new node belong to the place and block in which the user drew the old one."""
    if new.node is not None and old.node is not None:
        new.node.call, new.node.place = old.node.call, old.node.place


def replay(
    drawing: Drawing,
    starts: Sequence[Tensor],
    layer_of: Callable[[Layer], Layer],
    call: Callable[..., Any] = lambda layer, *args, **kwargs: layer(*args, **kwargs),
) -> dict[int, Tensor]:
    """Draws a graph again from other Tensors, and returns the new Tensor of each old one's `id`.

    Args:
        drawing: what to draw again.
        starts: Tensors in the place of its inputs.
        layer_of: the layer to call in the place of a layer.
        call: how.
    """
    new: dict[int, Tensor] = {
        id(old): start for old, start in zip(drawing.input_tensors, starts, strict=True)
    }
    for node in drawing.nodes:
        if isinstance(node.op, InputLayer) or all(id(t) in new for t in node.output_tensors):
            continue
        args, kwargs = without_masks(node, new)
        if isinstance(node.op, Layer):
            outputs = call(layer_of(node.op), *args, **kwargs)
        else:
            outputs = record(node.op, args, kwargs)
        for old, made in zip(node.output_tensors, tree.leaves(outputs), strict=True):
            new[id(old)] = made
            _stand_where(made, old)
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
