"""Calls of layers in the configs of Keras 1 and 2, as the configs of today describe them.

A call was the list of its inputs, each `[layer, call, output, kwargs]`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from cornu.types import Config

__all__ = ["Call", "convert_references", "count_from_zero", "describe_call", "read_calls"]

_CONSTANT = "_CONSTANT_VALUE"  # in place of the name of a layer: a number or a list, not a Tensor


class Call(NamedTuple):
    """One call of a layer.

    Attributes:
        inputs: the first argument: a Tensor as `__keras_tensor__`, or a structure of them.
        kwargs: the other arguments by name.
    """

    inputs: Any
    kwargs: dict[str, Any]


def read_calls(entry: Config, names: Collection[str], keeps_lists: bool = False) -> list[Call]:
    """Returns the calls of a layer.

    Args:
        entry: the entry of the layer.
        names: the names of all layers.
        keeps_lists: whether a list of one input is passed as a list.

    Raises:
        ValueError: a call is not described as Keras 1 and 2 did.
    """
    nodes = entry.get("inbound_nodes", [])
    if not isinstance(nodes, list):
        raise ValueError(f"inbound_nodes must be a list. Received: {str(nodes)[:80]}")
    calls = []
    for node in nodes:
        kwargs: dict[str, Any] = {}
        inputs = _read_inputs(node, kwargs)
        if isinstance(inputs, list) and len(inputs) == 1 and not keeps_lists:
            inputs = inputs[0]
        given = {k: _read_argument(v, names) for k, v in kwargs.items() if v is not None}
        calls.append(Call(inputs, given))
    return calls


def _read_inputs(node: Any, kwargs: dict[str, Any]) -> Any:
    if _is_reference(node):
        kwargs.update(node[3] if len(node) == 4 else {})
        return node[2] if node[0] == _CONSTANT else _tensor(node)
    if isinstance(node, list):
        return [_read_inputs(item, kwargs) for item in node]
    if isinstance(node, dict):
        return {key: _read_inputs(item, kwargs) for key, item in node.items()}
    raise ValueError(f"The input of a layer must be [layer, call, output]. Received: {node!r:.80}")


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and (isinstance(value[2], int) or value[0] == _CONSTANT)
        and (len(value) == 3 or isinstance(value[3], dict))
    )


def _read_argument(value: Any, names: Collection[str]) -> Any:
    """Replaces the references within the value of a keyword argument."""
    if _is_reference(value) and len(value) == 3 and value[0] in names:
        return _tensor(value)
    if isinstance(value, list):
        return [_read_argument(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _read_argument(item, names) for key, item in value.items()}
    return value


def _tensor(reference: list[Any]) -> Config:
    config = {"shape": [], "dtype": "float32", "keras_history": reference[:3]}
    return {"class_name": "__keras_tensor__", "config": config}


def describe_call(position: int, args: list[Any], kwargs: dict[str, Any]) -> Config:
    """Returns the description of a call in a config of today.

    Args:
        position: the position of the call among all calls of the graph.
        args: its arguments by position.
        kwargs: its arguments by name.
    """
    return {"args": args, "kwargs": kwargs, "position": position}


def convert_references(value: Any) -> Any:
    """Returns the inputs or outputs of a model; a list of one is the one itself."""
    if isinstance(value, list) and len(value) == 1 and _is_reference(value[0]):
        return value[0]
    return value


def count_from_zero(nodes: Any, counts: dict[str, int]) -> Any:
    """Returns calls, inputs or outputs in which the calls of every layer are counted from 0.

    tf.keras counts the calls of a nested model from 1 if the model has a call of its own, which
    defined it. Such a model is referred to by a number that it would not reach otherwise.

    Args:
        nodes: the calls of all layers, or references to some.
        counts: the number of calls of each layer.
    """
    largest: dict[str, int] = {}
    for reference in _references(nodes):
        name, index = reference[0], reference[1]
        largest[name] = max(index, largest.get(name, 0))
    shifted = {name for name, index in largest.items() if index >= counts.get(name, 1) > 0}
    return _shift(nodes, shifted)


def _references(value: Any) -> list[list[Any]]:
    found: list[list[Any]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        if _is_reference(item):
            found.append(item)
            pending.extend(item[3].values() if len(item) == 4 else ())
        elif isinstance(item, (list, dict)):
            pending.extend(item.values() if isinstance(item, dict) else item)
    return found


def _shift(value: Any, names: Collection[str]) -> Any:
    if not names:
        return value
    if _is_reference(value):
        name, index, *rest = value
        return [name, index - (name in names), *(_shift(item, names) for item in rest)]
    if isinstance(value, list):
        return [_shift(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _shift(item, names) for key, item in value.items()}
    return value
