"""Conversion of arguments: what users pass, as what JAX accepts.

Ops accept lists, NumPy arrays, numbers and objects that convert to arrays. JAX accepts all but
lists, so that an op that only calls a function of `jax.numpy` uses `to_operand`, and one that
needs an array's attributes uses `to_array` or `to_float`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.state.dtypes import host_array, narrowed, standardize_dtype
from cornu.types import Array, ArrayLike, Axes, DTypeLike

__all__ = [
    "check_known",
    "to_array",
    "to_arrays",
    "to_axes",
    "to_float",
    "to_jax_dtype",
    "to_operand",
    "to_pair",
]

# Types that functions of JAX convert faster by themselves than `jnp.asarray` does. The class of
# JAX's arrays has no public name; it is added when the first array is seen.
_ACCEPTED: set[type] = {bool, int, float, complex}


def check_known(x: Any, name: str, remedy: str) -> None:
    """Raises a TypeError if the values of an argument are unknown, on which a shape depends.

    Args:
        x: the argument. Its values are unknown while a symbolic Tensor is called or a function is
            traced.
        name: its name.
        remedy: what to do.
    """
    if isinstance(x, jax.core.Tracer):
        raise TypeError(
            f"the shape of the result depends on the values of `{name}`, which are unknown for "
            f"symbolic Tensors and in compiled functions.\n{remedy}"
        )


@overload
def to_array(x: None) -> None: ...
@overload
def to_array(x: ArrayLike) -> Array: ...
@overload
def to_array(x: ArrayLike | None) -> Array | None: ...
def to_array(x: ArrayLike | None) -> Array | None:
    """Returns a JAX array. Python numbers stay weakly typed, None stays None."""
    if isinstance(x, jax.Array):
        if not isinstance(x, jax.core.Tracer):
            _ACCEPTED.add(type(x))
        return x
    if isinstance(x, np.ndarray):
        x = host_array(x)
    return None if x is None else jnp.asarray(x)


def to_arrays(xs: Iterable[ArrayLike]) -> list[Array]:
    """Returns a list of JAX arrays."""
    return [to_array(x) for x in xs]


# The declared results are arrays, although NumPy arrays and numbers are passed through: what JAX
# does with them is the same.
@overload
def to_operand(x: None) -> None: ...
@overload
def to_operand(x: ArrayLike) -> Array: ...
@overload
def to_operand(x: ArrayLike | None) -> Array | None: ...
def to_operand(x: ArrayLike | None) -> Any:
    """Returns an argument for a function of JAX: a list becomes an array, an array stays."""
    if isinstance(x, np.ndarray):
        return host_array(x)
    return x if type(x) in _ACCEPTED else to_array(x)


def to_float(x: ArrayLike) -> Array:
    """Returns a JAX array of floats: integers and booleans get the process-wide float type."""
    array = to_array(narrowed(x) if isinstance(x, np.ndarray) else x)
    return array.astype(settings.get("floatx")) if array.dtype.kind in "biu" else array


@overload
def to_jax_dtype(dtype: None) -> None: ...
@overload
def to_jax_dtype(dtype: DTypeLike) -> np.dtype[Any]: ...
@overload
def to_jax_dtype(dtype: DTypeLike | None) -> np.dtype[Any] | None: ...
def to_jax_dtype(dtype: DTypeLike | None) -> np.dtype[Any] | None:
    """Returns the dtype that JAX uses for a dtype: 64 bits only where they are enabled."""
    if dtype is None:
        return None
    # JAX warns about a 64-bit dtype while 64-bit types are disabled; Keras reduces it silently.
    return jax.dtypes.canonicalize_dtype(standardize_dtype(dtype))


def to_axes(axis: Axes) -> int | tuple[int, ...] | None:
    """Returns one axis as an integer, several as a tuple, which JAX requires."""
    # A list is accepted by NumPy, but is not hashable, as static arguments of JAX must be.
    return axis if axis is None or isinstance(axis, int) else tuple(axis)


def to_pair(result: Any) -> tuple[Array, Array]:
    """Returns a plain tuple: JAX's named tuples are not part of this library's interface."""
    first, second = result
    return first, second
