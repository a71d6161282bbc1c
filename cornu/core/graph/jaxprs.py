"""Jaxprs, the traced programs of JAX: iteration over their equations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

__all__ = ["count_multiplications", "equations", "inner_jaxprs", "uses_primitive"]


def inner_jaxprs(equation: Any) -> Iterator[Any]:
    """Yields the jaxprs in the parameters of an equation, such as the body of a loop."""
    for parameter in equation.params.values():
        for inner in parameter if isinstance(parameter, (tuple, list)) else (parameter,):
            inner = getattr(inner, "jaxpr", inner)  # of a ClosedJaxpr
            if hasattr(inner, "eqns"):
                yield inner


def equations(jaxpr: Any) -> Iterator[Any]:
    """Yields the equations of a jaxpr and of its inner jaxprs, each once."""
    seen: set[int] = set()  # a shared function occurs once per call
    todo = [jaxpr]
    while todo:
        jaxpr = todo.pop()
        if id(jaxpr) in seen:
            continue
        seen.add(id(jaxpr))
        for equation in jaxpr.eqns:
            yield equation
            todo.extend(inner_jaxprs(equation))


def uses_primitive(jaxpr: Any, primitives: frozenset[str]) -> bool:
    """Tells whether a jaxpr, or an inner jaxpr, contains one of the named primitives."""
    return any(equation.primitive.name in primitives for equation in equations(jaxpr))


def count_multiplications(product: Any) -> int:
    """Returns the number of multiplications of a `dot_general` equation."""
    (contracted, _), _ = product.params["dimension_numbers"]
    shape = product.invars[0].aval.shape
    count: int = math.prod(product.outvars[0].aval.shape)
    count *= math.prod(shape[axis] for axis in contracted)
    return count
