"""Op: a function that accepts arrays, Variables and symbolic Tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple, ParamSpec, TypeVar

import jax
import numpy as np

from cornu.core.sparse.arrays import is_sparse
from cornu.core.sparse.rules import run_on_sparse
from cornu.core.state.dtypes import standardize_dtype
from cornu.names import printable

__all__ = ["MaskOp", "Op", "library_op_name", "op"]

P = ParamSpec("P")
R = TypeVar("R")

# Types of arguments that contain neither Variables nor Tensors, so that a call with nothing else
# is not searched for them. The class of JAX's arrays has no public name; it is added when the
# first array is seen.
_PLAIN: set[type] = {type(None), bool, int, float, complex, str, np.ndarray}
# Where the functions of ops are defined; operators such as `-x` use functions of `jax.numpy`.
_LIBRARY_MODULES = ("cornu.ops.", "cornu.core.graph.", "jax.")


class Op:
    """A named pure function of arrays.

    A call on arrays runs the function. A call with at least one symbolic Tensor adds a node to the
    graph; the shapes of its outputs are inferred by tracing the function. Variables are replaced
    by their values.

    Args:
        name: the name in graphs and error messages.
        function: a function that computes with operations of JAX.
        signature: its signature, if known. Arguments of nodes are then normalized.
    """

    __slots__ = ("function", "name", "public", "signature")

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        signature: inspect.Signature | None = None,
    ) -> None:
        self.name = name
        self.function = function
        self.signature = signature
        self.public: Callable[..., Any] = self  # what programs call, if `op` made it

    @property
    def library_name(self) -> str:
        """The name, if the function is that of cornu; "" for a function of the program.

        A program may give its own function any name, so `name` alone does not say what is computed.
        """
        module = getattr(self.function, "__module__", None) or ""
        named = getattr(self.function, "__name__", "").removeprefix("_") == self.name
        return self.name if named and module.startswith(_LIBRARY_MODULES) else ""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        is_plain = _PLAIN.issuperset
        if not (is_plain(map(type, args)) and is_plain(map(type, kwargs.values()))):
            found = _find_kinds(args, 0)
            if kwargs:
                found = _find_kinds(kwargs.values(), found)
            if found & SYMBOLIC:
                return record_node(self, *self._bind(args, kwargs))
            if found & VARIABLE:
                args = unwrap(args)
                kwargs = unwrap(kwargs)
            if found & SPARSE:
                return run_sparse(self, args, kwargs)
        try:
            return self.function(*args, **kwargs)
        except Exception as error:
            # Python's message about wrong arguments names the function and needs no location.
            if isinstance(error, TypeError) and not self._accepts(args, kwargs):
                raise
            raise locate_op_error(self, error, args, kwargs)  # noqa: B904

    def _run_(self, args: Any, kwargs: Any) -> Any:
        """Calls the function on arrays, in a graph or to infer shapes."""
        if _find_kinds(args, 0) & SPARSE or _find_kinds(kwargs.values(), 0) & SPARSE:
            return run_on_sparse(self.library_name, self.function, args, kwargs)
        return self.function(*args, **kwargs)

    def _bind(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Returns the arguments in the order of the parameters, with defaults.

        Nodes, and their configs in saved models, then do not depend on which arguments are passed
        by keyword.
        """
        if self.signature is None:
            return args, kwargs
        if not self._accepts(args, kwargs):
            self.function(*args, **kwargs)  # raises Python's TypeError
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.arguments.get("dtype") is not None:
            bound.arguments["dtype"] = standardize_dtype(bound.arguments["dtype"])
        return bound.args, bound.kwargs

    def _accepts(self, args: Any, kwargs: Any) -> bool:
        """Tells whether the arguments match the signature; True if it is unknown."""
        if self.signature is not None:
            try:
                self.signature.bind(*args, **kwargs)
            except TypeError:
                return False
        return True

    def __repr__(self) -> str:
        return f"<op {printable(self.name)}>"


class MaskOp(Op):
    """The op that computes a mask which the call of a layer adds to the graph.

    A new call of the layer adds the mask again, so it is not part of configs and descriptions.

    Args:
        function: `compute_mask` of the layer, or a function that looks the mask up.
    """

    __slots__ = ()

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__("compute_mask", function)

    @property
    def library_name(self) -> str:
        """The name, although the function may be a method of a layer of the program."""
        return self.name


def library_op_name(operation: object) -> str:
    """Returns the name of an op of cornu; "" for all other ops, operations and layers."""
    return operation.library_name if isinstance(operation, Op) else ""


SYMBOLIC, VARIABLE, SPARSE = 1, 2, 4  # bits of what `_find_kinds` returns


class TensorBase:
    """Base class of symbolic Tensors, by which an Op recognizes them without an import cycle."""

    __slots__ = ()


class VariableBase:
    """Base class of Variables, objects that ops replace by the array `value`."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The array."""
        raise NotImplementedError


def _find_kinds(items: Iterable[Any], found: int) -> int:
    """Returns `found` with bits for the Variables, Tensors and sparse arrays in nested items."""
    for item in items:
        if type(item) in _PLAIN:
            continue
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
        elif isinstance(item, jax.Array) and not isinstance(item, jax.core.Tracer):
            _PLAIN.add(type(item))
        elif is_sparse(item):
            found |= SPARSE
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
    """Tells whether a structure contains a symbolic Tensor."""
    return bool(_find_kinds(structures, 0) & SYMBOLIC)


class OpHandlers(NamedTuple):
    """The functions that ops call; see `register_op_handlers`."""

    record: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
    locate_error: Callable[[Any, Exception, tuple[Any, ...], dict[str, Any]], Exception]


_handlers: list[OpHandlers] = []


def register_op_handlers(handlers: OpHandlers) -> None:
    """Sets the functions for ops that are called on symbolic Tensors, and for ops that fail.

    This module cannot import graphs and error messages, which depend on it.
    `cornu.core.graph.inference`, which imports all of them, registers its functions here.

    Args:
        handlers: `record(op, args, kwargs)` adds a node to the graph and returns its outputs;
            `locate_error(op, error, args, kwargs)` returns the error to raise.
    """
    _handlers[:] = [handlers]


# The packages of `cornu.ops` by name, with "" for `cornu.ops` itself. They depend on this module,
# which offers their functions to messages and to the functions of NumPy that Tensors implement.
_op_packages: dict[str, ModuleType] = {}


def register_op_packages(packages: Mapping[str, ModuleType]) -> None:
    """Makes the functions of packages known to `find_op`. `cornu.ops` calls this."""
    _op_packages.update(packages)


def find_op(name: str, package: str = "") -> Any:
    """Returns a function of `cornu.ops`, or of a package in it; None if there is none.

    Args:
        name: the name of the function.
        package: the name of the package, such as "linalg".
    """
    module = _op_packages.get(package)
    return None if module is None or name not in module.__all__ else getattr(module, name)


def record_node(operation: Any, args: Any, kwargs: Any) -> Any:
    """Adds a node for a call on symbolic Tensors to the graph, and returns its outputs."""
    if isinstance(operation, Op):
        return _handlers[0].record(operation, args, kwargs)
    return operation(*args, **kwargs)  # an Operation of the program


def locate_op_error(operation: Op, error: Exception, args: Any, kwargs: Any) -> Exception:
    """Returns the error to raise if an op fails on arrays: it contains the source location."""
    return _handlers[0].locate_error(operation, error, args, kwargs)


def run_sparse(operation: Op, args: Any, kwargs: Any) -> Any:
    """Calls an op with sparse arguments."""
    try:
        return run_on_sparse(operation.library_name, operation.function, args, kwargs)
    except Exception as error:
        raise locate_op_error(operation, error, args, kwargs)  # noqa: B904


def op(function: Callable[P, R], name: str | None = None) -> Callable[P, R]:
    """Converts a function of arrays to one of arrays, Variables and symbolic Tensors.

    Args:
        function: a function that computes with operations of JAX.
        name: the name in graphs; by default that of the function.

    Returns:
        A function with the same signature. Called with symbolic Tensors, it returns symbolic
        Tensors.

    Example:

    >>> import jax.numpy as jnp
    >>> hypotenuse = op(lambda a, b: jnp.sqrt(a * a + b * b), name="hypotenuse")
    >>> float(hypotenuse(jnp.array(3.0), jnp.array(4.0)))
    5.0
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions that are written in C
        signature = None
    inner = Op(name or str(getattr(function, "__name__", "op")), function, signature)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        result: R = inner(*args, **kwargs)
        return result

    call.op = inner  # type: ignore[attr-defined]
    inner.public = call
    return call
