"""Expressions that Python 3 parses, and that had another meaning in Python 2.

`/` of integers returned an integer, `map` and `dict.keys()` returned lists, and dictionaries had
methods such as `iteritems`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["NAMES", "translate_expressions"]

_DIVIDE, _DIVIDE_IN_PLACE, _CALL = "_divide_of_python2", "_idivide_of_python2", "_call_of_python2"
# Methods of dictionaries that returned lists or iterators, or that no longer exist.
_METHODS: dict[str, Callable[..., Any]] = {
    "has_key": lambda x, key: key in x,
    "items": lambda x: list(x.items()),
    "iteritems": lambda x: iter(x.items()),
    "iterkeys": lambda x: iter(x.keys()),
    "itervalues": lambda x: iter(x.values()),
    "keys": lambda x: list(x.keys()),
    "values": lambda x: list(x.values()),
}


def translate_expressions(tree: ast.Module) -> ast.Module:
    """Replaces divisions and methods of dictionaries by calls of functions in `NAMES`.

    Args:
        tree: a program in Python 2, with statements of Python 3.
    """
    divides = not any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "division" for alias in node.names)
        for node in tree.body
    )
    _Translation(divides).visit(tree)
    return ast.fix_missing_locations(tree)


class _Translation(ast.NodeTransformer):
    def __init__(self, divides: bool) -> None:
        self._divides = divides

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not (self._divides and isinstance(node.op, ast.Div)):
            return node
        return _call(_DIVIDE, [node.left, node.right], node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        # The target of others is computed once, which a call would change.
        if not (
            self._divides and isinstance(node.op, ast.Div) and isinstance(node.target, ast.Name)
        ):
            return node
        value = _call(_DIVIDE_IN_PLACE, [ast.Name(node.target.id, ast.Load()), node.value], node)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if not isinstance(function, ast.Attribute) or function.attr not in _METHODS:
            return node
        if node.keywords or len(node.args) != (function.attr == "has_key"):
            return node
        return _call(_CALL, [function.value, ast.Constant(function.attr), *node.args], node)


def _call(name: str, arguments: list[ast.expr], node: ast.AST) -> ast.Call:
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), arguments, []), node)


def _are_integers(*values: Any) -> bool:
    return all(
        isinstance(x, (int, np.integer))
        or (isinstance(x, np.ndarray) and np.issubdtype(x.dtype, np.integer))
        for x in values
    )


def divide(x: Any, y: Any) -> Any:
    """Divides as Python 2 did: the quotient of integers is an integer."""
    return x // y if _are_integers(x, y) else x / y


def divide_in_place(x: Any, y: Any) -> Any:
    """Returns the result of `x /= y` in Python 2."""
    if _are_integers(x, y):
        x //= y
    else:
        x /= y
    return x


def call_method(x: Any, name: str, *arguments: Any) -> Any:
    """Calls a method of a dictionary as Python 2 did, and the method of this name of others."""
    return (_METHODS[name] if isinstance(x, dict) else getattr(x, name))(
        *((x,) if isinstance(x, dict) else ()), *arguments
    )


# What a program in Python 2 finds by these names.
NAMES: dict[str, Any] = {
    _DIVIDE: divide,
    _DIVIDE_IN_PLACE: divide_in_place,
    _CALL: call_method,
    "filter": lambda function, x: list(filter(function, x)),
    "map": lambda function, *xs: list(map(function, *xs)),
    "range": lambda *arguments: list(range(*arguments)),
    "zip": lambda *xs: list(zip(*xs, strict=False)),
}
