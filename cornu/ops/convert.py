"""Conversion between arrays, NumPy arrays and dtypes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import VariableBase, is_symbolic, op, unwrap
from cornu.core.sparse.arrays import is_sparse, to_dense
from cornu.core.state.dtypes import host_array, narrowed, standardize_dtype
from cornu.foreign import is_a
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
    """Casts an array to another dtype.

    Args:
        x: an array.
        dtype: the dtype. `"int64"`, `"uint64"` and `"complex128"` are replaced by `"int32"`,
            `"uint32"` and `"complex64"` unless JAX's 64-bit types are enabled; the use of
            `"float64"` enables them.

    Example:

    >>> import cornu
    >>> cornu.ops.cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    dtype = to_jax_dtype(dtype)
    if isinstance(x, np.ndarray) and dtype.kind != "i":
        x = narrowed(x)
    return to_array(x).astype(dtype)


@op
def saturate_cast(x: ArrayLike, dtype: DTypeLike) -> Array:
    """Casts an array to another dtype; values outside the range of the dtype are clipped to it.

    Args:
        x: an array.
        dtype: the dtype.

    Example:

    >>> import cornu
    >>> cornu.ops.saturate_cast([-5, 300], "uint8").tolist()
    [0, 255]
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    low, high = _value_range(dtype)
    smallest, largest = _value_range(x.dtype)
    # The narrower of both ranges: converting a bound to the dtype of x must not overflow.
    low, high = np.maximum(low, smallest), np.minimum(high, largest)
    # In the dtype of x, a bound such as 2**32 - 1 may round to a value outside the range. Then the
    # next value toward zero is used.
    bounds = [np.asarray(bound).astype(x.dtype) for bound in (low, high)]
    if float(bounds[0]) < float(low):
        bounds[0] = np.nextafter(bounds[0], x.dtype.type(0))
    if float(bounds[1]) > float(high):
        bounds[1] = np.nextafter(bounds[1], x.dtype.type(0))
    return jnp.clip(x, *bounds).astype(dtype)


def _value_range(dtype: Any) -> tuple[Any, Any]:
    if jnp.issubdtype(dtype, jnp.bool_):
        return 0, 1
    info = jnp.finfo(dtype) if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype)
    return info.min, info.max


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """Converts numbers, lists, NumPy arrays and Variables to a JAX array.

    Symbolic Tensors remain symbolic.

    Args:
        x: an object that can be converted to an array.
        dtype: the dtype; by default that of `x`, with 64-bit types reduced to 32 bits.
        sparse: with False, sparse arrays of JAX become dense arrays; they stay sparse by default.
        ragged: not supported.

    Example:

    >>> import cornu
    >>> cornu.ops.convert_to_tensor([1, 2]).dtype.name
    'int32'
    """
    if ragged:
        raise ValueError("Ragged arrays are not supported. Use dense arrays and a mask.")
    # A Tensor stays what it is, without a node, so that models need no layer for the conversion.
    if is_symbolic(x):
        return x if dtype is None or standardize_dtype(dtype) == x.dtype else cast(x, dtype)
    if is_sparse(x):
        if is_a(x, "jax", "JAXSparse") and sparse is not False:
            return x if dtype is None else cast(x, dtype)
        x = to_dense(x)
    x = unwrap(x)
    if isinstance(x, np.ndarray) and (dtype is None or to_jax_dtype(dtype).kind in "iu"):
        x = host_array(x)
    return jnp.asarray(x, to_jax_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """Copies an array to a NumPy array.

    Args:
        x: an object that can be converted to an array; symbolic Tensors cannot.

    Example:

    >>> import cornu
    >>> cornu.ops.convert_to_numpy(cornu.ops.arange(3))
    array([0, 1, 2], dtype=int32)
    """
    # A copy, because the buffer of a JAX array is read-only in NumPy.
    return np.array(to_dense(unwrap(x)))


def is_tensor(x: Any) -> bool:
    """Returns whether an object is a JAX array, dense or sparse; not a Variable or Tensor.

    Args:
        x: an object.

    Example:

    >>> import cornu
    >>> cornu.ops.is_tensor(cornu.ops.zeros(2)), cornu.ops.is_tensor([0.0, 0.0])
    (True, False)
    """
    return isinstance(x, jax.Array) or is_a(x, "jax", "JAXSparse")


def shape(x: Any) -> tuple[Any, ...]:
    """Returns the shape as a tuple; unknown sizes of symbolic Tensors are None.

    Args:
        x: an array, Variable or symbolic Tensor.

    Example:

    >>> import cornu
    >>> cornu.ops.shape(cornu.Input((3,)))
    (None, 3)
    """
    has_shape = is_symbolic(x) or isinstance(x, VariableBase) or is_sparse(x)
    return tuple(x.shape) if has_shape else np.shape(x)


def dtype(x: Any) -> str:
    """Returns the name of the dtype.

    Args:
        x: an array, Variable or symbolic Tensor.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.dtype(np.zeros(2, "float32"))
    'float32'
    """
    return standardize_dtype(x.dtype)
