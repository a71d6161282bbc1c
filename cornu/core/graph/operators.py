"""Python operators of Variables and symbolic Tensors, generated from tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from cornu.core.graph.op import Op

__all__ = ["Operators"]

# Special method (without underscores) -> op, with its name in graphs if that differs.
_BINARY = {
    "add": jnp.add,
    "sub": ("subtract", jnp.subtract),
    "mul": ("multiply", jnp.multiply),
    "truediv": ("true_divide", jnp.true_divide),
    "floordiv": ("floor_divide", jnp.floor_divide),
    "mod": jnp.mod,
    "pow": ("power", jnp.power),
    "matmul": jnp.matmul,
    "and": ("bitwise_and", jnp.bitwise_and),
    "or": ("bitwise_or", jnp.bitwise_or),
    "xor": ("bitwise_xor", jnp.bitwise_xor),
}
_COMPARE = {
    "lt": ("less", jnp.less),
    "le": ("less_equal", jnp.less_equal),
    "gt": ("greater", jnp.greater),
    "ge": ("greater_equal", jnp.greater_equal),
    "eq": ("equal", jnp.equal),
    "ne": ("not_equal", jnp.not_equal),
}
_UNARY = {
    "neg": ("negative", jnp.negative),
    "abs": ("absolute", jnp.absolute),
    "invert": ("bitwise_not", jnp.invert),
}


class Operators:
    """Mixin with `+`, `@`, `<`, `x[...]` and the other operators."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getitem__(self, key: Any) -> Any: ...
        def __add__(self, other: Any) -> Any: ...
        def __radd__(self, other: Any) -> Any: ...
        def __sub__(self, other: Any) -> Any: ...
        def __rsub__(self, other: Any) -> Any: ...
        def __mul__(self, other: Any) -> Any: ...
        def __rmul__(self, other: Any) -> Any: ...
        def __truediv__(self, other: Any) -> Any: ...
        def __rtruediv__(self, other: Any) -> Any: ...
        def __floordiv__(self, other: Any) -> Any: ...
        def __rfloordiv__(self, other: Any) -> Any: ...
        def __mod__(self, other: Any) -> Any: ...
        def __rmod__(self, other: Any) -> Any: ...
        def __pow__(self, other: Any) -> Any: ...
        def __rpow__(self, other: Any) -> Any: ...
        def __matmul__(self, other: Any) -> Any: ...
        def __rmatmul__(self, other: Any) -> Any: ...
        def __and__(self, other: Any) -> Any: ...
        def __rand__(self, other: Any) -> Any: ...
        def __or__(self, other: Any) -> Any: ...
        def __ror__(self, other: Any) -> Any: ...
        def __xor__(self, other: Any) -> Any: ...
        def __rxor__(self, other: Any) -> Any: ...
        def __lt__(self, other: Any) -> Any: ...
        def __le__(self, other: Any) -> Any: ...
        def __gt__(self, other: Any) -> Any: ...
        def __ge__(self, other: Any) -> Any: ...
        def __neg__(self) -> Any: ...
        def __abs__(self) -> Any: ...
        def __invert__(self) -> Any: ...


def _install(dunder: str, name: str, function: Callable[..., Any], swapped: bool = False) -> None:
    """Defines a special method of `Operators`; with `swapped`, the reflected one."""
    op = Op(name, function)
    if swapped:

        def method(self: Any, *other: Any) -> Any:
            return op(*other, self)
    else:

        def method(self: Any, *other: Any) -> Any:
            return op(self, *other)

    method.__name__ = f"__{dunder}__"
    setattr(Operators, method.__name__, method)


for _table in (_BINARY, _COMPARE, _UNARY):
    for _dunder, _row in _table.items():
        _name, _function = _row if isinstance(_row, tuple) else (_dunder, _row)
        _install(_dunder, _name, _function)
        if _table is _BINARY:
            _install(f"r{_dunder}", _name, _function, swapped=True)


def _get_item(x: Any, key: Any) -> Any:
    return x[key]


_install("getitem", "get_item", _get_item)
