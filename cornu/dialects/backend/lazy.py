"""Graph mode: Variables and expressions whose values are computed when a graph runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import Op, VariableBase, is_symbolic
from cornu.core.graph.operators import Operators
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.state import scope
from cornu.core.state.variable import Variable

__all__ = [
    "SymbolicVariable",
    "current_phase",
    "in_graph_mode",
    "learning_phase",
    "read",
    "record_leaf",
    "recording_reads",
    "set_learning_phase",
    "to_graph",
]

# The Variables that are read while a function is traced, if that is to be found out.
_reads: ContextVar[dict[int, Variable] | None] = ContextVar("reads", default=None)
# The learning phase of the process; None if it is an input of functions.
_phase: dict[str, int | None] = {"value": None}


def in_graph_mode() -> bool:
    """Whether no layer and no traced function is running, so that expressions are symbolic."""
    around = scope.current()
    return around.parent is None and not around.layer_path


def record_leaf(
    name: str, compute: Callable[[], Any], shape: Any = None, dtype: str | None = None
) -> Tensor:
    """Returns a Tensor without inputs, whose value `compute()` returns when a graph runs.

    Args:
        name: the name of the node.
        compute: a function that is traced.
        shape, dtype: those of the value; by default they are inferred.
    """
    if shape is None:
        with scope.abstract_scope():
            spec = jax.eval_shape(compute)
        shape, dtype = spec.shape, spec.dtype.name
    tensor = Tensor(shape, dtype)
    Node(Op(name, compute), (), {}, tensor)
    return tensor


def read(variable: Variable) -> Tensor:
    """Returns a Tensor whose value is that of a Variable when a graph runs."""
    tensor = Tensor(variable.shape, variable.dtype, name=variable.name)
    Node(ReadOp(variable), (), {}, tensor)
    return tensor


class ReadOp(Op):
    """The op that reads a Variable.

    Attributes:
        variable: the Variable.
    """

    __slots__ = ("variable",)

    def __init__(self, variable: Variable) -> None:
        super().__init__("read_variable", lambda: variable.value)
        self.variable = variable


def to_graph(value: Any) -> Any:
    """Replaces Variables in nested lists, tuples and dicts by Tensors, in graph mode."""
    if isinstance(value, Variable):
        return read(value)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(to_graph(item) for item in value)
    if isinstance(value, dict):
        return {key: to_graph(item) for key, item in value.items()}
    return value


class SymbolicVariable(Variable):
    """The result of `variable()`: a Variable whose expressions are symbolic outside of layers."""

    __slots__ = ()
    __hash__ = object.__hash__

    @property
    def value(self) -> jax.Array:
        """The current value."""
        known = _reads.get()
        if known is not None:
            known[id(self)] = self
        return super().value

    def get_shape(self) -> tuple[int, ...]:
        """Returns the shape."""
        return self.shape


def _make_operator(name: str) -> Callable[..., Any]:
    operator = getattr(Operators, name)

    def method(self: SymbolicVariable, *operands: Any) -> Any:
        if not in_graph_mode() or any(isinstance(x, jax.Array) for x in operands):
            return operator(self, *operands)
        return operator(read(self), *(to_graph(x) for x in operands))

    method.__name__ = name
    return method


for _name, _method in vars(Operators).copy().items():
    if callable(_method) and _name.startswith("__") and _name not in ("__hash__", "__doc__"):
        setattr(SymbolicVariable, _name, _make_operator(_name))


@contextlib.contextmanager
def recording_reads() -> Iterator[dict[int, Variable]]:
    """Collects the SymbolicVariables that are read in a `with` block, by `id`."""
    found: dict[int, Variable] = {}
    token = _reads.set(found)
    try:
        yield found
    finally:
        _reads.reset(token)


# ----------------------------------------------------------------------------------- learning phase


class PhaseOp(Op):
    """The op of `learning_phase()`: 1 in training and 0 otherwise."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("learning_phase", current_phase)


def current_phase() -> Any:
    """Returns the learning phase of what is running, as a number."""
    return jnp.asarray(bool(scope.current().training), "uint8")


_learning_phase: list[Tensor] = []


def learning_phase() -> Any:
    """Returns the input that is 1 in training and 0 otherwise; a number inside of a layer."""
    if _phase["value"] is not None:
        return _phase["value"]
    if not in_graph_mode():
        return int(bool(scope.current().training))
    if not _learning_phase:
        tensor = Tensor((), "uint8", name="keras_learning_phase")
        Node(PhaseOp(), (), {}, tensor)
        _learning_phase.append(tensor)
    return _learning_phase[0]


def set_learning_phase(value: int) -> None:
    """Fixes the learning phase of functions and layers to 0 or 1; None makes it an input again.

    Raises:
        ValueError: the value is something else.
    """
    if value not in (0, 1, None):
        raise ValueError(f"set_learning_phase: expected 0 or 1. Received: {value!r}")
    _phase["value"] = None if value is None else int(value)


def is_learning_phase(x: Any) -> bool:
    """Whether a value is the input that `learning_phase()` returns."""
    return isinstance(x, Tensor) and x.node is not None and isinstance(x.node.op, PhaseOp)


def fixed_phase() -> int | None:
    """Returns the value of `set_learning_phase`, or None."""
    return _phase["value"]


def is_symbolic_value(x: Any) -> bool:
    """Whether a value has no number yet: a Tensor, or a Variable in graph mode."""
    return is_symbolic(x) or (isinstance(x, VariableBase) and in_graph_mode())


def to_host(x: Any) -> np.ndarray:
    """Returns an array or a number as an array of NumPy."""
    return np.asarray(x)
