"""Values of arguments in source text: constants, and expressions, whose text alone is known."""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst

__all__ = ["Expression", "code_of", "parse", "read_value"]


class Expression:
    """An argument that is not a constant.

    The conversions of the dialects pass it on as any other value.

    Args:
        node: the expression.
    """

    def __init__(self, node: cst.BaseExpression) -> None:
        self.node = node

    def __add__(self, other: Any) -> Expression:
        return Expression(parse(f"{_in_parentheses(self.node)} + {other!r}"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises an error: conversions pass functions on."""
        raise TypeError(f"{self!r} is not a constant")

    def __repr__(self) -> str:
        return code_of(self.node)


def code_of(node: cst.CSTNode) -> str:
    """Returns the source text of a node."""
    return cst.Module([]).code_for_node(node)


def parse(text: str) -> cst.BaseExpression:
    """Returns the expression of a text."""
    return cst.parse_expression(text)


def _in_parentheses(node: cst.BaseExpression) -> str:
    simple = isinstance(node, (cst.Name, cst.Attribute, cst.Call, cst.Subscript))
    return code_of(node) if simple else f"({code_of(node)})"


def read_value(node: cst.BaseExpression) -> Any:
    """Returns the value of a constant, and an `Expression` for everything else.

    Example:

    >>> read_value(parse("(3, 3)")), read_value(parse("size // 2"))
    ((3, 3), size // 2)
    """
    try:
        return ast.literal_eval(code_of(node))
    except (ValueError, SyntaxError, TypeError):
        return Expression(node)
