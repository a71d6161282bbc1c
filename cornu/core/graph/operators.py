"""Python operators of Variables and symbolic Tensors, generated from tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import Op, VariableBase

__all__ = ["Operators", "get_item"]

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
    # As in Keras, these are logical operations for integers, too.
    "and": ("logical_and", jnp.logical_and),
    "or": ("logical_or", jnp.logical_or),
    "xor": ("logical_xor", jnp.logical_xor),
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
    "invert": ("logical_not", jnp.logical_not),
}


class Operators:
    """Mixin with `+`, `@`, `<`, `x[...]` and the other operators.

    `&`, `|`, `^` and `~` are logical, as in Keras, and not bitwise as those of arrays: their result
    is boolean. `cornu.ops.bitwise_and` and its siblings combine bits.
    """

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
        def __round__(self, ndigits: int | None = None) -> Any: ...


def _operand(x: Any) -> Any:
    # Functions of JAX refuse lists, and Variables, which the node of a Tensor may have as an
    # argument. Numbers keep their weak type.
    if isinstance(x, VariableBase):
        return x.value
    return jnp.asarray(x) if isinstance(x, (list, tuple)) else x


def _install_binary(dunder: str, name: str, function: Callable[..., Any], reflect: bool) -> None:
    """Defines a binary operator of `Operators`, and the reflected one if `reflect` is True."""

    def compute(x1: Any, x2: Any) -> Any:
        return function(_operand(x1), _operand(x2))

    compute.__name__ = name  # by which `Op.library_name` recognizes it
    op = Op(name, compute)

    def method(self: Any, other: Any) -> Any:
        return op(self, other)

    def reflected(self: Any, other: Any) -> Any:
        return op(other, self)

    _set(f"__{dunder}__", method)
    if reflect:
        _set(f"__r{dunder}__", reflected)


def _install_unary(dunder: str, name: str, function: Callable[..., Any]) -> None:
    """Defines a unary operator of `Operators`."""
    op = Op(name, function)

    def method(self: Any) -> Any:
        return op(self)

    _set(f"__{dunder}__", method)


def _set(name: str, method: Callable[..., Any]) -> None:
    method.__name__ = name
    setattr(Operators, name, method)


for _table in (_BINARY, _COMPARE, _UNARY):
    for _dunder, _row in _table.items():
        _name, _function = _row if isinstance(_row, tuple) else (_dunder, _row)
        if _table is _UNARY:
            _install_unary(_dunder, _name, _function)
        else:
            _install_binary(_dunder, _name, _function, reflect=_table is _BINARY)


def get_item(x: jax.Array, key: Any) -> jax.Array:
    """Returns `x[key]`. A list is treated as a tuple, which JSON stores as a list.

    Raises:
        IndexError: an integer in `key` is out of bounds. JAX would return the last element.
    """
    key = tuple(key) if isinstance(key, list) else key
    _check_bounds(x.shape, key if isinstance(key, tuple) else (key,))
    return x[key]


def _check_bounds(shape: Sequence[Any], key: tuple[Any, ...]) -> None:
    """Checks the integers of a key up to the first array, from both sides of an ellipsis."""
    # `in` would compare arrays.
    dots = next((i for i, part in enumerate(key) if part is Ellipsis), len(key))
    before = zip(_axis_parts(key[:dots]), range(len(shape)), strict=False)
    after = zip(_axis_parts(key[:dots:-1]), reversed(range(len(shape))), strict=False)
    for part, axis in (*before, *after):
        # Sizes are symbolic while shapes are inferred.
        size = shape[axis]
        if isinstance(part, (int, np.integer)) and isinstance(size, int):
            if not -size <= part < size:
                raise IndexError(
                    f"index {part} is out of bounds for axis {axis} of an array of shape "
                    f"{tuple(shape)}"
                )


def _axis_parts(parts: Iterable[Any]) -> Iterator[Any]:
    """Yields the integers and slices of a key, up to a part that may index several axes."""
    for part in parts:
        is_integer = isinstance(part, (int, np.integer)) and not isinstance(part, bool)
        if is_integer or isinstance(part, slice):
            yield part
        elif part is not None:
            return


def _round(x: jax.Array, decimals: int = 0) -> jax.Array:
    return jnp.round(x, decimals)


_get_item_op = Op("get_item", get_item)
_round_op = Op("round", _round, inspect.signature(_round))


def _get_item_method(self: Any, key: Any) -> Any:
    return _get_item_op(self, key)


def _round_method(self: Any, ndigits: int | None = None) -> Any:
    return _round_op(self, ndigits or 0)


_set("__getitem__", _get_item_method)
_set("__round__", _round_method)
