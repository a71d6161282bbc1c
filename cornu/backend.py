"""The functions of `keras.backend`: dtypes, settings and masks."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import names, ops
from cornu.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from cornu.core.graph.tensor import is_keras_tensor
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest_names
from cornu.types import DTypeLike
from cornu.utils.dtypes import standardize_dtype
from cornu.utils.session import clear_session

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_keras_mask",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_keras_mask",
    "standardize_dtype",
]


@api_boundary
def get_uid(prefix: str = "") -> int:
    """Returns the next number of a prefix, starting with 1; automatic names count as well.

    Args:
        prefix: the prefix, such as "dense".

    Example:

    >>> get_uid("example"), get_uid("example")
    (1, 2)
    """
    return names.count_up(prefix)


@api_boundary
def is_float_dtype(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a floating type.

    Args:
        dtype: a dtype or its name.

    Example:

    >>> is_float_dtype("bfloat16"), is_float_dtype("int32")
    (True, False)
    """
    return jnp.issubdtype(jnp.dtype(dtype), jnp.floating)


@api_boundary
def is_int_dtype(dtype: DTypeLike) -> bool:
    """Tells whether a dtype is a signed or unsigned integer type; `bool` is not.

    Args:
        dtype: a dtype or its name.

    Example:

    >>> import cornu
    >>> cornu.backend.is_int_dtype("uint8"), cornu.backend.is_int_dtype("float32")
    (True, False)
    """
    return jnp.issubdtype(jnp.dtype(dtype), jnp.integer)


def result_type(*dtypes: DTypeLike | None) -> str:
    """Returns the dtype that results from an operation on values of several dtypes.

    The Python types `int` and `float` stand for literals, which adopt the dtype of the other
    operands; `None` stands for `floatx()`.

    Args:
        *dtypes: dtypes or their names, the types `int` and `float`, or None.

    Example:

    >>> result_type("int8", "float16"), result_type("bfloat16", float), result_type("bool", int)
    ('float16', 'bfloat16', 'int32')
    """
    return jnp.result_type(*(_canonicalize(dtype) for dtype in dtypes or (None,))).name


def get_keras_mask(x: Any) -> Any:
    """Returns the mask of an array or Tensor; None if it has none.

    For arrays of JAX and Tensors it is the attribute `x._keras_mask`. Inside a compiled function
    arrays have no attributes, and this function works there as well.

    Args:
        x: an array or symbolic Tensor.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> embed = cornu.layers.Embedding(5, 2, mask_zero=True)
    >>> get_keras_mask(embed(np.array([[3, 1, 0]]))).tolist()
    [[True, True, False]]
    """
    return scope.current().masks.get(x)


@api_boundary
def set_keras_mask(x: Any, mask: Any) -> None:
    """Attaches a mask to an array or Tensor. Layers that are called on it receive the mask.

    Args:
        x: the array or Tensor.
        mask: a boolean array, or None to remove the mask.

    Example:

    >>> import cornu
    >>> x = cornu.ops.ones((1, 3))
    >>> set_keras_mask(x, cornu.ops.array([[True, True, False]]))
    >>> get_keras_mask(x).tolist()
    [[True, True, False]]
    """
    scope.current().masks.put(x, mask)


def _canonicalize(dtype: Any) -> Any:
    if dtype in (int, float, complex):
        return dtype
    return jax.dtypes.canonicalize_dtype(floatx() if dtype is None else dtype)


suggest_names(__name__, __all__, moved_to_ops=ops.__all__)
