"""The initial values of Variables: arrays, or what initializers return, perhaps later."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax import dtypes

from cornu.core.graph.op import VariableBase
from cornu.core.state import scope
from cornu.core.state.aligned import copy_to_device
from cornu.core.state.dtypes import standardize_dtype
from cornu.core.state.placement import put
from cornu.names import is_library_class
from cornu.types import ArrayLike, DTypeLike, ShapeLike

__all__ = [
    "DeferrableInitializer",
    "DeferredValue",
    "checked_value",
    "compute_initial_value",
    "defer",
    "defer_values",
    "standardize_shape",
]

# Bytes from which a value is computed later. A smaller one is computed on the host at once: errors
# in the arguments of initializers are found early. Only its copy to the device is made later.
_LARGE = 1 << 14


@runtime_checkable
class DeferrableInitializer(Protocol):
    """An initializer whose values can be computed later."""

    def _freeze_(self) -> Callable[..., Any]:
        """Returns an initializer with the values that a call would return now."""


class DeferredValue(NamedTuple):
    """An initial value that has not been computed.

    Attributes:
        initializer: a function of `(shape, dtype)`.
        shape, dtype: those of the value.
        layout: the sharding of the value, or None.
        path: the path of the Variable, for error messages.
    """

    initializer: Callable[..., Any]
    shape: tuple[int, ...]
    dtype: str
    layout: jax.sharding.Sharding | None
    path: str

    def compute(self) -> jax.Array:
        """Returns the value."""
        with jax.ensure_compile_time_eval():
            return compute_initial_value(
                self.initializer, self.shape, self.dtype, self.path, lambda shape: self.layout
            )


@contextlib.contextmanager
def defer_values() -> Iterator[None]:
    """Defers the initial values of new Variables until they are read.

    Most models of a file, and networks whose weights are loaded, never need them. The values are
    those that would have been computed at once.
    """
    current = scope.current()
    before, current.defers_values = current.defers_values, True
    try:
        yield
    finally:
        current.defers_values = before


def defer(
    initializer: Any,
    shape: int | ShapeLike | None,
    dtype: DTypeLike | None,
    find_sharding: Callable[[tuple[int, ...]], jax.sharding.Sharding | None],
    path: str,
) -> DeferredValue | None:
    """Returns the description of an initial value that can be computed later.

    Args:
        initializer, shape, dtype: the arguments of the Variable.
        find_sharding: returns the sharding of the value, given its shape.
        path: its path.

    Returns:
        None if the value is to be computed at once.
    """
    if shape is None or not isinstance(initializer, DeferrableInitializer):
        return None
    sizes, name = _checked_shape(shape, path), standardize_dtype(dtype)
    check_allocation(path, sizes, name)
    compute = initializer._freeze_()
    if math.prod(sizes) * jnp.dtype(name).itemsize < _LARGE:
        compute = _constant(_call_initializer(compute, sizes, name))
    return DeferredValue(compute, sizes, name, find_sharding(sizes), path)


def compute_initial_value(
    initializer: Any,
    shape: Any,
    dtype: Any,
    path: str,
    find_sharding: Callable[[tuple[int, ...]], jax.sharding.Sharding | None],
) -> jax.Array:
    """Returns the initial value of a Variable.

    Args:
        initializer, shape, dtype: the arguments of the Variable.
        path: its path, for error messages.
        find_sharding: returns the sharding of a value, given its shape; None for JAX's default
            device.
    """
    if callable(initializer) and not isinstance(initializer, VariableBase):
        if shape is None:
            raise ValueError(f"Variable {path!r}: an initializer function requires `shape=`.")
        shape = _checked_shape(shape, path)
        check_allocation(path, shape, standardize_dtype(dtype))
        value: Any = _call_initializer(initializer, shape, standardize_dtype(dtype))
        sharding = find_sharding(shape)
        # JAX may use the memory of a NumPy array. A function of the user may return the same array
        # again, or change it; those of the library return a new one.
        owned = is_library_class(type(initializer))
        if sharding is not None and not isinstance(value, jax.Array):
            # From the host, so that no device ever has the whole value.
            host = np.asarray if owned else np.array
            value = host(value, dtype=jnp.dtype(standardize_dtype(dtype)))
        else:
            convert = jnp.asarray if owned else jnp.array
            value = convert(value, dtype=standardize_dtype(dtype))
        if tuple(value.shape) != shape:
            raise ValueError(
                f"Variable {path!r}: the initializer returned shape {tuple(value.shape)}. "
                f"Expected: {shape}"
            )
        return value if sharding is None else put(value, sharding)
    if isinstance(initializer, VariableBase):
        initializer = initializer.value
    if dtype is None:
        # Python floats and float64 arrays get the process-wide float type, and Python integers
        # int32, as in Keras. Other arrays keep their dtype.
        array = np.asarray(initializer) if not hasattr(initializer, "dtype") else initializer
        # Of either byte order. Types of more bits than 64 do not exist on a device.
        is_float64 = array.dtype.kind == "f" and array.dtype.itemsize >= 8
        dtype = standardize_dtype(None if is_float64 else dtypes.canonicalize_dtype(array.dtype))
        if dtype == "int64" and not hasattr(initializer, "dtype"):
            dtype = "int32"
    # A copy: the array may be shared with the user's program or with another Variable.
    name = standardize_dtype(dtype)
    value = copy_to_device(checked_value(initializer, name, path), name)
    if shape is not None:
        value = _broadcast(value, shape, path)
    sharding = find_sharding(tuple(value.shape))
    return value if sharding is None else put(value, sharding)


def _broadcast(value: jax.Array, shape: Any, path: str) -> jax.Array:
    shape = standardize_shape(shape)
    if tuple(value.shape) != shape:
        check_allocation(path, shape, value.dtype)
        try:
            value = jnp.broadcast_to(value, shape) + jnp.zeros((), value.dtype)
        except ValueError:
            raise ValueError(
                f"Variable {path!r}: an initial value of shape {tuple(value.shape)} cannot be "
                f"broadcast to shape {shape}.\n"
                "Pass a value of this shape, or leave out `shape`."
            ) from None
    return value


def checked_value(value: ArrayLike, dtype: str, path: str) -> ArrayLike:
    """Returns a value.

    Raises:
        TypeError: it is complex, and the dtype is not.
        ValueError: values are masked.
        OverflowError: an integer dtype cannot represent it.
    """
    if not isinstance(value, np.ndarray) or not value.size:
        return value
    if value.dtype.kind == "c" and jnp.dtype(dtype).kind != "c":
        raise TypeError(
            f"Variable {path!r} has the dtype {dtype}; received complex numbers.\nPass their real "
            "part (value.real), or create the Variable with dtype='complex64'."
        )
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise ValueError(
            f"Variable {path!r}: received an array with masked values, which have no numbers.\n"
            "Fill them first: value.filled(0.0)."
        )
    if value.dtype.kind not in "iuf":
        return value
    if jnp.dtype(dtype).kind not in "iu" or value.dtype == dtype:
        return value
    limits = jnp.iinfo(dtypes.canonicalize_dtype(dtype))
    low, high = value.min(), value.max()
    if not (low >= limits.min and high <= limits.max):
        raise OverflowError(
            f"Variable {path!r} has the dtype {dtype}, from {limits.min} to {limits.max}. "
            f"Received values from {low} to {high}.\nUse a float dtype, or smaller numbers."
        )
    return value


def check_allocation(path: str, shape: tuple[int, ...], dtype: DTypeLike) -> None:
    """Asks the current scope whether a Variable of this size may be created."""
    # Before the array exists: a file may describe a layer of any size.
    check = scope.current().allocation_check
    if check is not None:
        check(path, math.prod(shape) * jnp.dtype(dtype).itemsize)


def _checked_shape(shape: Any, path: str) -> tuple[int, ...]:
    try:
        return standardize_shape(shape)
    except ValueError as error:
        raise ValueError(f"Variable {path!r}: {error}") from None


def _constant(value: Any) -> Callable[..., Any]:
    """Returns an initializer that returns the same value at each call."""
    return lambda shape, dtype: value


def _call_initializer(initializer: Callable[..., Any], shape: Any, dtype: str) -> Any:
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error):
            raise
        return initializer(shape)  # a function without the parameter `dtype`


def standardize_shape(shape: int | ShapeLike) -> tuple[int, ...]:
    """Returns the shape of a Variable as a tuple of integers.

    Raises:
        ValueError: a size is None or negative.
    """
    sizes: tuple[Any, ...] = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in sizes):
        hint = ""
        if None in sizes:
            hint = (
                "\nNone is a size that is unknown until data arrives, such as the batch size. The "
                "shape of a weight cannot depend on it. Use another axis, such as "
                "input_shape[-1], or pass the size to Input."
            )
        raise ValueError(
            f"A Variable's shape must contain non-negative integers. Received: {sizes}{hint}"
        )
    return tuple(int(size) for size in sizes)
