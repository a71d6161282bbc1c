"""Methods and attributes of layers of Keras 1 and 2, on layers of cornu."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from cornu.core.graph.tensor import Node, Tensor, register_attribute
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.core.state.overridable import overridable_property
from cornu.core.state.sharing import copy_to_host
from cornu.core.state.variable import Variable
from cornu.dialects.backend.functions import Step, Update
from cornu.dialects.backend.session import Session
from cornu.dialects.old_configs import ConfigMethods
from cornu.dialects.tensor_shape import TensorShape
from cornu.legacy.arrays import convert_arrays, in_old_order, restore_arrays
from cornu.legacy.keras1.calls import find_call
from cornu.legacy.source import Source
from cornu.registry.custom_objects import registered_names

__all__ = [
    "GraphMethods",
    "LayerMethods",
    "LayerUpdates",
    "derive_class",
    "inbound_nodes",
    "layout_of",
    "set_attributes",
]


class LayerUpdates(Step):
    """What layers assign when they compute, such as batch statistics, in `updates` of `function`.

    Args:
        layers: the layers.
        tensors: the Tensors whose computation assigns them.
    """

    def __init__(self, layers: Sequence[Layer], tensors: Sequence[Tensor]) -> None:
        self._variables = [v for layer in layers for v in layer.non_trainable_variables]
        self._tensors = list(tensors)

    def variables(self) -> list[Variable]:
        """Returns the Variables that the layers do not train."""
        return self._variables

    def tensors(self) -> list[Tensor]:
        """Returns the Tensors that are computed."""
        return self._tensors

    def run(self, evaluation: Any) -> None:
        """Assigns what the layers assigned."""
        for variable in self._variables:
            if id(variable) in evaluation.layer_values:
                variable.assign(evaluation.layer_values[id(variable)])


def inbound_nodes(layer: Layer) -> list[Node]:
    """Returns the calls of a layer on Tensors, in order."""
    return [node for node in (ref() for ref in layer._nodes_) if node is not None]


class GraphMethods(ConfigMethods):
    """Mixin with what layers of Keras 1 and 2 return about their calls: shapes, masks, updates."""

    # Programs may assign these names in layers of their own.
    inbound_nodes = overridable_property(lambda self: inbound_nodes(self))
    _inbound_nodes = overridable_property(lambda self: inbound_nodes(self))
    uses_learning_phase = overridable_property(lambda self: False)
    batch_input_shape = overridable_property(lambda self: self._input_shape_given_)

    def _node_at(self: Any, index: int, what: str) -> Node:
        nodes = inbound_nodes(self)
        if not -len(nodes) <= index < len(nodes):
            raise ValueError(
                f"{self._label_()} was called {len(nodes)} times: it has no {what} at node {index}."
            )
        return nodes[index]

    def get_input_at(self, node_index: int) -> Any:
        """Returns what the layer was called on in its call number `node_index`."""
        node = self._node_at(node_index, "input")
        return node.args[0] if node.args else node.outputs

    def get_output_at(self, node_index: int) -> Any:
        """Returns the result of call number `node_index`."""
        return self._node_at(node_index, "output").outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        """Returns the shape of the input of call number `node_index`."""
        return _shapes(self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        """Returns the shape of the result of call number `node_index`."""
        return _shapes(self.get_output_at(node_index))

    def get_input_mask_at(self, node_index: int) -> Any:
        """Returns the mask of the input of call number `node_index`, or None."""
        return _masks(self.get_input_at(node_index))

    def get_output_mask_at(self, node_index: int) -> Any:
        """Returns the mask of the result of call number `node_index`, or None."""
        return _masks(self.get_output_at(node_index))

    @overridable_property
    def outbound_nodes(self: Any) -> list[Node]:
        """An empty list: calls of later layers are not recorded here."""
        return []

    @overridable_property
    def state_updates(self: Any) -> list[Any]:
        """An empty list: layers assign their states when they are called."""
        return []

    @overridable_property
    def input_shape(self: Any) -> Any:
        """The shape of the input, if the calls of the layer agree."""
        shapes = [self.get_input_shape_at(i) for i in range(len(inbound_nodes(self)))]
        return _the_only(self, "input_shape", shapes)

    @overridable_property
    def output_shape(self: Any) -> Any:
        """The shape of the result, if the calls of the layer agree."""
        shapes = [self.get_output_shape_at(i) for i in range(len(inbound_nodes(self)))]
        return _the_only(self, "output_shape", shapes)

    @overridable_property
    def input_mask(self: Any) -> Any:
        """The mask of the input."""
        return self.get_input_mask_at(0)

    @overridable_property
    def output_mask(self: Any) -> Any:
        """The mask of the result."""
        return self.get_output_mask_at(0)

    def assert_input_compatibility(self: Any, input: Any) -> None:
        """Does nothing: the input is checked when the layer is called."""

    # ----------------------------------------------------------------------------------- updates

    @overridable_property
    def updates(self: Any) -> list[Any]:
        """What the layer assigns when it computes, for `function`."""
        tensors = [t for node in inbound_nodes(self) for t in node.output_tensors]
        return [LayerUpdates([self], tensors)] if self.non_trainable_variables else []

    def get_updates_for(self: Any, inputs: Any) -> list[Any]:
        """Returns what the layer assigns when it computes."""
        found: list[Any] = self.updates
        return found

    def get_losses_for(self: Any, inputs: Any) -> list[Any]:
        """Returns the losses that the layer added in its last call."""
        return list(self.losses)

    def add_update(self: Any, updates: Any, inputs: Any = None) -> None:
        """Assigns new values to Variables of the layer; of layers without states in training."""
        if scope.current().training is False and not vars(self).get("stateful"):
            return
        for one in updates if isinstance(updates, (list, tuple)) else [updates]:
            variable, value = one if isinstance(one, Update) else one
            variable.assign(value)

    def add_loss(self: Any, losses: Any, inputs: Any = None) -> None:
        """Adds losses to that of the model."""
        for one in losses if isinstance(losses, (list, tuple)) else [losses]:
            super().add_loss(one)  # type: ignore[misc]


_KERAS_1 = Source((1, 2, 2), backend="tensorflow")


def layout_of(layer: Layer) -> Source:
    """Returns the layout of the arrays of a layer in Keras 1, and whether its gates share one."""
    pending = [layer]
    while pending:
        one = pending.pop()
        call = find_call(one)
        if call is not None and call.arguments.get("consume_less") == "gpu":
            return replace(_KERAS_1, fuses_gates=True)
        pending += one._sublayers_()
        if call is not None and isinstance(call.arguments.get("layer"), Layer):
            pending.append(call.arguments["layer"])
    return _KERAS_1


class LayerMethods(GraphMethods):
    """Mixin with the methods and attributes of layers of Keras 1.

    Attributes:
        layout: what the arrays of `get_weights` and `set_weights` are those of.
    """

    layout: ClassVar[Source] = _KERAS_1

    regularizers = overridable_property(
        lambda self: [v.regularizer for v in self.weights if v.regularizer is not None]
    )
    constraints = overridable_property(
        lambda self: {v: v.constraint for v in self.weights if v.constraint is not None}
    )

    def get_output_shape_for(self: Any, input_shape: Any) -> Any:
        """Returns the shape of the result for a shape of the input."""
        return self.compute_output_shape(input_shape)

    def get_weights(self: Any) -> list[np.ndarray]:
        """Returns the weights in the order and layout of the old version."""
        return restore_arrays(self, copy_to_host(in_old_order(self)), layout_of(self))

    def set_weights(self: Any, weights: Sequence[Any]) -> None:
        """Sets the weights, in the order and layout of `get_weights`."""
        arrays = [np.asarray(array) for array in weights]
        values = convert_arrays(self, arrays, self.layout, "the list")
        for variable, value in zip(in_old_order(self), values, strict=True):
            variable.assign(value)

    @overridable_property
    def W(self: Any) -> Any:
        """The kernel, or the embeddings."""
        return self.embeddings if "embeddings" in vars(self) else self.kernel

    @overridable_property
    def U(self: Any) -> Any:
        """The recurrent kernel."""
        return self.recurrent_kernel

    @overridable_property
    def b(self: Any) -> Any:
        """The bias."""
        return self.bias


def _shapes(tensors: Any) -> Any:
    if isinstance(tensors, (list, tuple)):
        return [_shapes(tensor) for tensor in tensors]
    return tuple(tensors.shape)


def _masks(tensors: Any) -> Any:
    if isinstance(tensors, (list, tuple)):
        return [_masks(tensor) for tensor in tensors]
    return tensors.mask


def _the_only(layer: Any, what: str, found: list[Any]) -> Any:
    if not found:
        raise AttributeError(f"{layer._label_()} has no {what}: it was not called on a Tensor.")
    if any(one != found[0] for one in found):
        raise AttributeError(
            f"{layer._label_()} was called {len(found)} times, with different shapes: {found}.\n"
            f"Use get_{what}_at(index)."
        )
    return found[0]


def derive_class(target: type, name: str, methods: type, members: Mapping[str, Any]) -> type:
    """Returns a subclass of a class of layers, with the name and methods of an old version.

    Configs refer to the class itself.

    Args:
        target: a class of cornu.
        name: its name in the old version.
        methods: the mixin.
        members: attributes of `ConfigMethods`.
    """
    body = {
        **members,
        "__module__": __name__,
        "__doc__": target.__doc__,
        "_is_derived_": True,
    }
    made = type(name, (methods, target), body)
    if target in registered_names:
        registered_names[made] = registered_names[target]
    return made


def set_attributes(layer: Layer, arguments: Mapping[str, Any]) -> None:
    """Sets what the constructor of today does not accept: the shape of the input, and `trainable`.

    Args:
        layer: the layer.
        arguments: the arguments of its old class.
    """
    shape, batch_shape = arguments.get("input_shape"), arguments.get("batch_input_shape")
    if batch_shape is None and shape is not None:
        batch_shape = (arguments.get("batch_size"), *shape)
    layer._input_shape_given_ = None if batch_shape is None else tuple(batch_shape)
    layer.trainable = arguments["trainable"]


# --------------------------------------------------------------------------- attributes of Tensors


def _history(tensor: Tensor) -> tuple[Any, int, int]:
    node = tensor.node
    layer: Any = None if node is None else node.op
    index = 0
    if isinstance(layer, Layer) and node is not None:
        index = [n.number for n in inbound_nodes(layer)].index(node.number)
    return layer, index, tensor.index


register_attribute("_keras_shape", lambda tensor: tensor.shape)
register_attribute("_keras_history", _history)
register_attribute("_uses_learning_phase", lambda tensor: False)
register_attribute("_shape", lambda tensor: TensorShape(tensor.shape))
register_attribute("get_shape", lambda tensor: functools.partial(TensorShape, tensor.shape))
register_attribute("eval", lambda tensor: functools.partial(_evaluate, tensor))


def _evaluate(tensor: Tensor, feed_dict: Any = None, session: Any = None) -> np.ndarray:
    value: np.ndarray = Session().run(tensor, feed_dict)
    return value
