"""Functions between arrays, NumPy, shapes and dtypes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import VariableBase, is_symbolic, op, unwrap
from cornu.core.state.dtypes import standardize_dtype
from cornu.ops.arguments import to_array, to_jax_dtype
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "dtype",
    "is_tensor",
    "saturate_cast",
    "shape",
]


@op
def cast(x: ArrayLike, dtype: DTypeLike) -> Array:
    """The array in another dtype.

    Args:
        x: an array.
        dtype: the dtype. `"int64"`, `"uint64"` and `"complex128"` mean their 32-bit halves
            unless JAX's 64-bit types are enabled; asking for `"float64"` enables them.
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    return x.astype(dtype)


@op
def saturate_cast(x: ArrayLike, dtype: DTypeLike) -> Array:
    """The array in another dtype, numbers outside its range replaced by the nearest inside.

    Args:
        x: an array.
        dtype: the dtype.
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    low, high = _range(dtype)
    smallest, largest = _range(x.dtype)
    low, high = np.maximum(low, smallest), np.minimum(high, largest)
    # A bound such as 2**32 - 1 may round to a number outside in the dtype of x.
    bounds = [np.asarray(bound).astype(x.dtype) for bound in (low, high)]
    if float(bounds[0]) < float(low):
        bounds[0] = np.nextafter(bounds[0], x.dtype.type(0))
    if float(bounds[1]) > float(high):
        bounds[1] = np.nextafter(bounds[1], x.dtype.type(0))
    return jnp.clip(x, *bounds).astype(dtype)


def _range(dtype: Any) -> tuple[Any, Any]:
    if jnp.issubdtype(dtype, jnp.bool_):
        return 0, 1
    info = jnp.finfo(dtype) if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype)
    return info.min, info.max


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """A JAX array of numbers, lists, NumPy arrays, Variables; a symbolic Tensor stays one.

    Args:
        x: anything that can become an array.
        dtype: the dtype; by default its own, 64 bits being 32.
        sparse: not supported.
        ragged: not supported.

    Example:

    >>> import cornu
    >>> cornu.ops.convert_to_tensor([1, 2]).dtype.name
    'int32'
    """
    if sparse or ragged:
        raise ValueError("Sparse and ragged arrays do not exist here. Use dense ones with a mask.")
    if is_symbolic(x):
        return x if dtype is None or standardize_dtype(dtype) == x.dtype else cast(x, dtype)
    return jnp.asarray(unwrap(x), to_jax_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """A NumPy array with a copy of the numbers.

    Args:
        x: anything that can become an array; a symbolic Tensor cannot.
    """
    return np.array(unwrap(x))


def is_tensor(x: Any) -> bool:
    """Whether something is a JAX array; not a Variable, not a symbolic Tensor.

    Args:
        x: anything.
    """
    return isinstance(x, jax.Array)


def shape(x: Any) -> tuple[Any, ...]:
    """The shape as a tuple; None where the size of a symbolic Tensor is not known.

    Args:
        x: an array, Variable or symbolic Tensor.
    """
    return tuple(x.shape) if is_symbolic(x) or isinstance(x, VariableBase) else np.shape(x)


def dtype(x: Any) -> str:
    """The name of the dtype.

    Args:
        x: an array, Variable or symbolic Tensor.
    """
    return standardize_dtype(x.dtype)
