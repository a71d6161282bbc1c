"""Which computations treat each row of a batch by itself."""

from __future__ import annotations

from typing import Any

from cornu.core.graph.op import library_op_name
from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer

__all__ = ["is_rowwise", "keeps_rows"]

# Ops whose output rows depend only on the same rows of their operands.
_ROWWISE_OPS = frozenset(
    "add subtract multiply true_divide divide power negative absolute maximum minimum exp log "
    "sqrt rsqrt square tanh sigmoid relu gelu silu elu selu softplus softmax log_softmax clip "
    "where cast compute_mask less less_equal greater greater_equal equal not_equal "
    "logical_and logical_or logical_not bitwise_and bitwise_or bitwise_xor bitwise_not".split()
)


def is_rowwise(op: Any) -> bool:
    """Whether each row of the outputs of a layer or an op depends on the same row of the inputs."""
    if not isinstance(op, Layer):
        return library_op_name(op) in _ROWWISE_OPS
    # It sums over all rows, including those of padding.
    if op.activity_regularizer is not None:
        return False
    return op._rowwise_ is True and all(is_rowwise(layer) for layer in op._sublayers_())


def keeps_rows(node: Node) -> bool:
    """Whether a node of a rowwise op has no argument that makes it combine rows."""
    if library_op_name(node.op) not in ("softmax", "log_softmax"):
        return True
    axis = node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else -1)
    axes = axis if isinstance(axis, (list, tuple)) else (axis,)
    return not any(one is None or one in (0, -len(node.inputs[0].shape)) for one in axes)
