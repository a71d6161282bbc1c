"""Op: a function that takes arrays, Variables and symbolic Tensors alike."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from cornu.errors import visible_cause

__all__ = ["Op", "op"]


class Op:
    """A named pure function of arrays.

    Called with arrays it runs; called with at least one symbolic Tensor it becomes a node of the
    graph that is being drawn, whose shape is inferred from the same function. Variables count as
    their values.
    """

    __slots__ = ("function", "name")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = _look(args, 0)
        if kwargs:
            found = _look(kwargs.values(), found)
        if found & SYMBOLIC:
            return record_node(self, args, kwargs)
        if found & VARIABLE:
            args = unwrap(args)
            kwargs = unwrap(kwargs)
        try:
            return self.function(*args, **kwargs)
        except Exception as error:
            new = locate_op_error(self, error, args, kwargs)
            if new is error:
                raise
            raise new from visible_cause(error)

    def run(self, args: Any, kwargs: Any) -> Any:
        """Calls the function with arrays."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


SYMBOLIC, VARIABLE = 1, 2


class TensorBase:
    """Base of symbolic Tensors, so that an Op recognizes them without knowing more."""

    __slots__ = ()


class VariableBase:
    """Base of Variables: something that stands for the array `value`."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The array."""
        raise NotImplementedError


def _look(items: Any, found: int) -> int:
    for item in items:
        if isinstance(item, TensorBase):
            return found | SYMBOLIC
        if isinstance(item, VariableBase):
            found |= VARIABLE
        elif isinstance(item, (list, tuple)):
            found = _look(item, found)
        elif isinstance(item, dict):
            found = _look(item.values(), found)
        elif isinstance(item, slice):
            found = _look((item.start, item.stop, item.step), found)
    return found


def unwrap(structure: Any) -> Any:
    """Replaces Variables in nested lists, tuples and dicts by their values."""
    if isinstance(structure, VariableBase):
        return structure.value
    if isinstance(structure, (list, tuple)):
        items = [unwrap(item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    if isinstance(structure, dict):
        return {key: unwrap(item) for key, item in structure.items()}
    return structure


def is_symbolic(*structures: Any) -> bool:
    """Tells whether a symbolic Tensor is among the leaves of some structures."""
    return bool(_look(structures, 0) & SYMBOLIC)


def record_node(operation: Any, args: Any, kwargs: Any) -> Any:
    """Makes a node of a call on symbolic Tensors; set by `cornu.core.graph.inference`."""
    raise NotImplementedError


def place(operation: Any, error: Exception, args: Any, kwargs: Any) -> Exception:
    """Returns an error that says where an op was called; set by `cornu.core.graph.inference`."""
    raise NotImplementedError


def locate_op_error(operation: Op, error: Exception, args: Any, kwargs: Any) -> Exception:
    """Returns an error of an op called on arrays, with its place."""
    return place(operation, error, args, kwargs)


def op(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Makes an op of any JAX function, to be used on arrays, Variables and symbolic Tensors.

    Args:
        function: a function of arrays (JAX operations only).
        name: the name in graphs; the function's own by default.

    Example:

    >>> import jax.numpy as jnp
    >>> hypotenuse = op(lambda a, b: jnp.sqrt(a * a + b * b), name="hypotenuse")
    >>> float(hypotenuse(jnp.array(3.0), jnp.array(4.0)))
    5.0
    """
    inner = Op(name or str(getattr(function, "__name__", "op")), function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    call.op = inner  # type: ignore[attr-defined]
    try:
        call.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        pass
    return call
