"""Op: a function that accepts arrays, Variables and symbolic Tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Op", "op"]


class Op:
    """A named pure function of arrays.

    A call on arrays runs the function. A call with at least one symbolic Tensor adds a node to the
    graph, whose output shapes are inferred from the same function. Variables are replaced by their
    values.
    """

    __slots__ = ("function", "name")

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name = name
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = _find_kinds(args, 0)
        if kwargs:
            found = _find_kinds(kwargs.values(), found)
        if found & SYMBOLIC:
            return record_node(self, args, kwargs)
        if found & VARIABLE:
            args = unwrap(args)
            kwargs = unwrap(kwargs)
        try:
            return self.function(*args, **kwargs)
        except Exception as error:
            raise locate_op_error(self, error, args, kwargs)  # noqa: B904

    def run(self, args: Any, kwargs: Any) -> Any:
        """Calls the function with arrays."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


SYMBOLIC, VARIABLE = 1, 2


class TensorBase:
    """Base class of symbolic Tensors, by which an Op recognizes them."""

    __slots__ = ()


class VariableBase:
    """Base class of Variables: an object that can be used as the array `value`."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The array."""
        raise NotImplementedError


def _find_kinds(items: Any, found: int) -> int:
    for item in items:
        if isinstance(item, TensorBase):
            return found | SYMBOLIC
        if isinstance(item, VariableBase):
            found |= VARIABLE
        elif isinstance(item, (list, tuple)):
            found = _find_kinds(item, found)
        elif isinstance(item, dict):
            found = _find_kinds(item.values(), found)
        elif isinstance(item, slice):
            found = _find_kinds((item.start, item.stop, item.step), found)
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
    """Tells whether some structures contain a symbolic Tensor."""
    return bool(_find_kinds(structures, 0) & SYMBOLIC)


class OpHandlers(NamedTuple):
    """What happens around an op; see `register_op_handlers`."""

    record: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
    locate_error: Callable[[Any, Exception, tuple[Any, ...], dict[str, Any]], Exception]


_handlers: list[OpHandlers] = []


def register_op_handlers(handlers: OpHandlers) -> None:
    """Sets what happens when an op is called on symbolic Tensors, and when an op fails.

    Ops are below graphs and errors in the order of imports; `cornu.core.graph.inference`, which
    is above both, registers its functions here.

    Args:
        handlers: `record(op, args, kwargs)` adds a node to the graph and returns its outputs;
            `locate_error(op, error, args, kwargs)` returns the error to raise.
    """
    _handlers[:] = [handlers]


def record_node(operation: Any, args: Any, kwargs: Any) -> Any:
    """Adds a node for a call on symbolic Tensors to the graph, and returns its outputs."""
    return _handlers[0].record(operation, args, kwargs)


def locate_op_error(operation: Op, error: Exception, args: Any, kwargs: Any) -> Exception:
    """Returns the error to raise when an op failed on arrays: it says where that was called."""
    return _handlers[0].locate_error(operation, error, args, kwargs)


def op(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Returns an op for a JAX function; it accepts arrays, Variables and symbolic Tensors.

    Args:
        function: a function of arrays, made of JAX operations.
        name: the name in graphs; by default that of the function.

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
