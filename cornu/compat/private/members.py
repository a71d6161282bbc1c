"""Private attributes and methods of the classes of Keras that packages read or call.

`install_as_keras()` adds them to the classes of cornu, each when the package of its class has been
imported. An attribute of an instance, or a method of a subclass, takes precedence.
"""

from __future__ import annotations

import importlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from cornu.core.graph.tensor import Node
from cornu.core.layer.signature import call_signature
from cornu.core.state.overridable import overridable_property
from cornu.core.state.tracking import iterate_owned
from cornu.metrics import Metric

__all__ = ["MEMBERS", "Member", "add_members"]


class Member(NamedTuple):
    """A private member of a class of Keras.

    Attributes:
        owner: the module of the class below `cornu`, and the class.
        name: the name of the member.
        value: the member.
        packages: the distributions that use it.
    """

    owner: str
    name: str
    value: Any
    packages: tuple[str, ...]


# ------------------------------------------------------------------------------ layers and graphs


class KerasHistory(NamedTuple):
    """Where a Tensor comes from.

    Attributes:
        operation: the layer or op that returned it.
        node_index: the number of the call, among those of the operation.
        tensor_index: the number of the Tensor, among those that the call returned.
    """

    operation: Any
    node_index: int
    tensor_index: int


class KerasNode:
    """A call of a layer or op, with the attributes that it has in Keras.

    Attributes:
        operation: the layer or op.
        input_tensors, output_tensors: the Tensors.
        outputs: the Tensors that the call returned, in their structure.
    """

    def __init__(self, node: Node) -> None:
        self.operation = node.op
        self.input_tensors = list(node.inputs)
        self.output_tensors = list(node.output_tensors)
        self.outputs = node.outputs

    @property
    def is_input(self) -> bool:
        """Whether the Tensor is an input of a model."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[KerasNode]:
        """The calls that returned the inputs."""
        nodes = {id(tensor.node): tensor.node for tensor in self.input_tensors}
        return [KerasNode(node) for node in nodes.values() if node is not None]


class Tracker:
    """Registers objects as parts of a layer, for which cornu searches its attributes."""

    def track(self, value: Any) -> Any:
        """Returns the object."""
        return value


def _live_nodes(operation: Any) -> list[Node]:
    nodes = [ref() for ref in operation._nodes_]
    return [node for node in nodes if node is not None]


def _layers(layer: Any) -> list[Any]:
    if layer._is_model_ and layer._graph_ is not None:
        return list(layer._graph_.layers)
    return list(layer._sublayers_())


def _flatten_layers(self: Any, include_self: bool = True, recursive: bool = True) -> list[Any]:
    """Returns the layer and those within it, in the order of Keras, which files depend on."""
    found: dict[int, Any] = {id(self): self} if include_self else {}
    seen = {id(self)}
    pending = deque(_layers(self))
    while pending:
        layer = pending.popleft()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        found[id(layer)] = layer
        if recursive:
            pending.extendleft(_layers(layer))
    return list(found.values())


def _keras_history(tensor: Any) -> KerasHistory:
    node = tensor.node
    nodes = _live_nodes(node.op) if hasattr(node.op, "_nodes_") else [node]
    return KerasHistory(node.op, nodes.index(node), tensor.index)


def _own_metrics(layer: Any) -> list[Metric]:
    return [owned for owned in iterate_owned(layer) if isinstance(owned, Metric)]


def _set_converts_inputs(layer: Any, value: bool) -> None:
    layer._converts_inputs_ = value


def _own_variables(trainable: bool) -> Callable[[Any], list[Any]]:
    return lambda layer: [v for v in layer._own_variables_() if v.trainable == trainable]


# ---------------------------------------------------------------------------- attention, callbacks


def _compute_attention(
    self: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any = None,
    training: bool | None = None,
    return_attention_scores: bool = False,
) -> tuple[Any, Any]:
    """Returns the attention output of projected inputs, and the weights if they are wanted."""
    return self._attend_(  # type: ignore[no-any-return]
        query, key, value, attention_mask, bool(training), return_attention_scores
    )


def _should_save_on_batch(self: Any, batch: int) -> bool:
    """Counts steps; tells whether the model is to be saved after this one."""
    return bool(self._counts_to_save_(batch))


def _get_file_path(self: Any, epoch: int, batch: int | None, logs: Any) -> str:
    """Returns the path of the file of an epoch or step."""
    return str(self._path_(epoch, batch, dict(logs or {})))


def _save_model(self: Any, epoch: int, batch: int | None, logs: Any) -> None:
    """Saves the model, if it is to be saved after this epoch or step."""
    self._save_(epoch, batch, logs)


def _attribute(name: str) -> overridable_property[Any]:
    return overridable_property(lambda owner: getattr(owner, name))


def _members(owner: str, packages: str, **values: Any) -> list[Member]:
    names = tuple(packages.split())
    return [Member(owner, name, value, names) for name, value in values.items()]


_LAYER = "core.layer.layer:Layer"

MEMBERS = [
    *_members(
        _LAYER,
        "keras-hub k3-node",
        _flatten_layers=_flatten_layers,
    ),
    *_members(
        _LAYER,
        "keras-hub",
        _convert_input_args=property(
            lambda layer: layer._converts_inputs_,
            _set_converts_inputs,
        ),
    ),
    *_members(_LAYER, "visualkeras k3-node", _layers=overridable_property(_layers)),
    *_members(
        _LAYER,
        "bayesflow",
        _call_has_training_arg=overridable_property(
            lambda layer: call_signature(type(layer)).training
        ),
        _call_has_mask_arg=overridable_property(lambda layer: call_signature(type(layer)).mask),
        _tracker=overridable_property(lambda layer: Tracker()),
        _metrics=overridable_property(_own_metrics),
    ),
    *_members(
        "models.model:Model",
        "bayesflow",
        _loss_tracker=overridable_property(lambda model: model._trainer_.loss_tracker),
    ),
    *_members(
        _LAYER,
        "keras-hub",
        _trainable_variables=overridable_property(_own_variables(True)),
        _non_trainable_variables=overridable_property(_own_variables(False)),
    ),
    *_members(
        "core.graph.operation:Operation",
        "shap visualkeras wandb",
        _inbound_nodes=overridable_property(
            lambda operation: [KerasNode(node) for node in _live_nodes(operation)]
        ),
    ),
    *_members(
        "core.graph.tensor:Tensor",
        "visualkeras",
        _keras_history=overridable_property(_keras_history),
    ),
    *_members("core.state.variable:Variable", "keras-hub", _value=_attribute("value")),
    *_members(
        "layers.embedding:Embedding", "keras-hub keras-rs", _embeddings=_attribute("embeddings")
    ),
    *_members(
        "layers.attention.projected:HeadedAttention",
        "keras-hub",
        _compute_attention=_compute_attention,
        **{
            name: _attribute(name[1:])
            for name in ("_query_dense", "_key_dense", "_value_dense", "_output_dense")
        },
        **{
            name: _attribute(name[1:])
            for name in (
                *("_kernel_initializer", "_bias_initializer", "_kernel_regularizer"),
                *("_bias_regularizer", "_activity_regularizer", "_kernel_constraint"),
                *("_bias_constraint", "_attention_axes", "_dropout", "_use_bias"),
            )
        },
    ),
    *_members(
        "layers.attention.multi_head:MultiHeadAttention",
        "keras-hub",
        _num_heads=_attribute("num_heads"),
        _key_dim=_attribute("key_dim"),
        _value_dim=_attribute("value_dim"),
        _output_shape=_attribute("output_sizes"),
    ),
    *_members(
        "callbacks.model_checkpoint:ModelCheckpoint",
        "wandb",
        _current_epoch=_attribute("_epoch"),
        _should_save_on_batch=_should_save_on_batch,
        _get_file_path=_get_file_path,
        _save_model=_save_model,
    ),
]

_pending = list(MEMBERS)


def add_members() -> None:
    """Adds the members of the classes in packages that have been imported.

    `cornu.layers` imports its modules when their names are used, which happens without a look-up
    below `keras`; the modules of these classes are therefore imported now.
    """
    for member in list(_pending):
        module, _, name = member.owner.partition(":")
        package, _, _ = module.partition(".")
        if f"cornu.{package}" not in sys.modules:
            continue
        loaded = vars(importlib.import_module(f"cornu.{module}"))
        if name in loaded:  # otherwise the module is in the middle of its import
            setattr(loaded[name], member.name, member.value)
            _pending.remove(member)
