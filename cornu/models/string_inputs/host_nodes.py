"""Which nodes of a graph run on the host: those that take strings, and those before them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from cornu.core.graph.op import MaskOp
from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer

__all__ = ["find_host_nodes", "split_model"]


def find_host_nodes(nodes: Sequence[Node]) -> dict[int, bool]:
    """Returns which nodes run on the host, by number; True for those that are split themselves."""
    found: dict[int, bool] = {}
    used: dict[int, Node] = {}  # Tensors that nodes on the host take, by `id`
    for node in reversed(nodes):
        users = [used[id(t)] for t in node.output_tensors if id(t) in used]
        strings = any(t.dtype == "string" for t in node.inputs)
        if not strings and not users:
            continue
        nested = strings and split_model(node) is not None
        if strings and not nested:
            _check_takes_strings(node)
        found[node.number] = nested and not users
        if users:
            _check_has_no_weights(node, users[0])
        used.update((id(t), node) for t in node.inputs)
    return found


def split_model(node: Node) -> Any:
    """Returns the nested model with inputs of strings that a node, or its mask, calls, or None."""
    op = node.op
    if isinstance(op, MaskOp) and inspect.ismethod(op.function):
        op = op.function.__self__
    is_model = isinstance(op, Layer) and op._is_model_
    return op if is_model and op._string_graph_ is not None else None


def _check_takes_strings(node: Node) -> None:
    op = node.op
    if not (isinstance(op, Layer) and op._accepts_strings_):
        raise TypeError(
            f"{node.name!r} (called at {node.location}) takes numbers; received strings.\n"
            "Convert strings to numbers first, with TextVectorization, StringLookup or Hashing."
        )


def _check_has_no_weights(node: Node, user: Node) -> None:
    if isinstance(node.op, Layer) and node.op.trainable_variables:
        raise TypeError(
            f"{user.name!r} (called at {user.location}) takes strings and runs on the host, where "
            f"the weights of {node.name!r}, which is before it, cannot be trained.\nCompute its "
            "inputs of numbers without weights, or convert strings to numbers separately."
        )
