"""Symbolic sizes of JAX as nodes of ONNX, which compute them from the shapes of the inputs."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["write_size"]

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "Add",
    ast.Sub: "Sub",
    ast.Mult: "Mul",
    ast.Pow: "Pow",
}
_FUNCTIONS = {"max": "Max", "min": "Min", "mod": "Mod"}


class Writer(Protocol):
    """What writes the nodes: a GraphWriter."""

    @property
    def sources(self) -> dict[str, tuple[str, int]]:
        """The input and the axis of each symbol."""

    def constant(self, array: Any, dtype: Any = None) -> str: ...

    def node(self, kind: str, inputs: Sequence[Any], **attributes: Any) -> str: ...


def write_size(graph: Writer, size: Any) -> str:
    """Returns the name of a vector of int64 with one size.

    JAX prints symbolic sizes as expressions that `jax.export.symbolic_shape` parses: that is their
    public form.
    """
    if isinstance(size, (int, np.integer)):
        return graph.constant([int(size)], np.int64)
    expression = ast.parse(str(size).replace("^", "**"), mode="eval").body
    return _write(graph, expression)


def _write(graph: Writer, node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int(value)):
            return graph.constant([value], np.int64)
        case ast.Name(id=name):
            source, axis = graph.sources[name]
            return graph.node("Shape", [source], start=axis, end=axis + 1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return graph.node("Neg", [_write(graph, operand)])
        case ast.BinOp(left=left, op=op, right=right):
            return graph.node(_OPERATORS[type(op)], [_write(graph, left), _write(graph, right)])
        case ast.Call(func=ast.Name(id="floordiv"), args=[left, right]):
            # Div truncates; a - mod(a, b) is a multiple of b.
            a, b = _write(graph, left), _write(graph, right)
            whole = graph.node("Sub", [a, graph.node("Mod", [a, b])])
            return graph.node("Div", [whole, b])
        case ast.Call(func=ast.Name(id=name), args=args) if name in _FUNCTIONS:
            return graph.node(_FUNCTIONS[name], [_write(graph, arg) for arg in args])
    raise NotImplementedError(f"The size {ast.unparse(node)} cannot be written in ONNX.")
