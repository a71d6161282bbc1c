"""clone_model: the same architecture with new layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import registry, tree
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.inspect.retrace import new_input, replay
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["clone_model"]


@api_boundary
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Returns a model of the same architecture, with new layers and new weights.

    A compiled model gives a compiled one, with an optimizer, losses and metrics of its own.

    Args:
        model: a Sequential or Functional model, or a subclass that can be created from its config.
        input_tensors: Tensors to use as inputs, instead of new ones.
        clone_function: returns the new layer for an old one; by default from its config.
        call_function: called as `(layer, *args, **kwargs)` instead of `layer(*args, **kwargs)`.
        recursive: whether nested models are cloned layer by layer with `clone_function`, too.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> copy = cornu.models.clone_model(model)
    >>> copy.layers[0] is model.layers[0], copy.output_shape
    (False, (None, 2))
    """
    copy = _clone_architecture(model, input_tensors, clone_function, call_function, recursive)
    with registry.copy_scope():  # with losses and metrics of the program, and Optax
        config = model.get_compile_config() if model.compiled else None
    if config is not None:
        copy.compile_from_config(config)
    return copy


def _clone_architecture(
    model: Model,
    input_tensors: Any,
    clone_function: Callable[[Layer], Layer] | None,
    call_function: Callable[..., Any] | None,
    recursive: bool,
) -> Model:
    clone = clone_function or _from_config
    call = call_function or (lambda layer, *args, **kwargs: layer(*args, **kwargs))

    def clone_layer(layer: Layer) -> Layer:
        if isinstance(layer, Model) and recursive:
            return _clone_architecture(layer, None, clone_function, call_function, True)
        return clone(layer)

    if isinstance(model, Sequential):
        first = [] if model._graph_ is None else [new_input(model._graph_.input_tensors[0])]
        if input_tensors is not None:
            first = tree.leaves(input_tensors)
        # An input shape that was inferred from data is not part of the architecture: `build`
        # below keeps it undeclared, so that only the number of axes is checked in the copy, too.
        if not model._declared_ and input_tensors is None:
            first = []
        copy = Sequential(
            [*first, *(clone_layer(layer) for layer in model.layers)], name=model.name
        )
        if not first and model._graph_ is not None:
            copy.build(model._graph_.input_tensors[0].shape)
        return copy
    # A subclass is cloned from its config: its graph alone would lose its methods.
    if model._graph_ is None or type(model) is not Model:
        return clone(model)  # type: ignore[return-value]
    graph = model._graph_
    starts = tree.leaves(input_tensors) if input_tensors is not None else None
    if starts is None:
        starts = [new_input(tensor) for tensor in graph.input_tensors]
    layers: dict[int, Layer] = {}

    def mapped(layer: Layer) -> Layer:
        if id(layer) not in layers:
            layers[id(layer)] = clone_layer(layer)
        return layers[id(layer)]

    begin = {id(old): new for old, new in zip(graph.input_tensors, starts, strict=True)}
    new = replay(graph.nodes, begin, mapped, call)
    definition = tree.flatten_with_treedef(graph.inputs)[1]
    outputs = tree.map(lambda t: new[id(t)], graph.outputs)
    return Model(tree.unflatten(definition, starts), outputs, name=model.name)


def _from_config(layer: Layer) -> Layer:
    with registry.copy_scope():
        config = registry.complete_config(layer)
    made: Layer = type(layer)._from_stored_config_(config)
    return made
