"""One-hot and multi-hot encoding, and polar coordinates."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.sparse import encoding
from cornu.ops.arguments import check_known, to_array, to_float, to_jax_dtype
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "multi_hot",
    "one_hot",
    "polar",
]


@op
def one_hot(
    x: ArrayLike,
    num_classes: int,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
) -> Array:
    """Encodes integers as vectors that are 1 at the index of the integer and 0 elsewhere.

    Args:
        x: integers; values outside the range of classes, such as -1, give zeros.
        num_classes: the size of the new axis.
        axis: the position of the new axis.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: whether the result is a sparse array of JAX, a BCOO.

    Shapes:
        x (...) -> (..., num_classes).

    Example:

    >>> import cornu
    >>> cornu.ops.one_hot([2, 0, -1], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    dtype = settings.get("floatx") if dtype is None else dtype
    check_known(num_classes, "num_classes", "Pass a number.")
    if sparse:
        found: Array = encoding.one_hot(x, num_classes, axis, dtype)
        return found
    return jax.nn.one_hot(x, num_classes, axis=axis, dtype=dtype)


@op
def multi_hot(
    inputs: ArrayLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    **kwargs: int,
) -> Array:
    """Encodes sets of integers as vectors that are 1 at the indices of the members and 0 elsewhere.

    Args:
        inputs: integers; values outside the range of classes, such as -1, are ignored.
        num_classes: the size of the new axis.
        axis: the position of the new axis, before the axis of members is reduced.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: whether the result is a sparse array of JAX, a BCOO.
        **kwargs: `num_tokens`, the former name of `num_classes`.

    Shapes:
        inputs (members,) -> (num_classes,), or (batch, members, ...) -> (batch, ..., num_classes).

    Raises:
        ValueError: `num_classes` is missing.

    Example:

    >>> import cornu
    >>> cornu.ops.multi_hot([[2, 0], [1, 1]], 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    inputs = to_array(inputs)
    dtype = to_jax_dtype(dtype)
    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if kwargs:
        raise TypeError(f"multi_hot: unexpected keyword argument {next(iter(kwargs))!r}.")
    if num_classes is None:
        raise ValueError("multi_hot: num_classes, the number of classes, is required.")
    members = 1 if inputs.ndim > 1 else 0
    if sparse:
        dtype = settings.get("floatx") if dtype is None else dtype
        encoded = encoding.one_hot(inputs, num_classes, axis, "int32")
        found: Array = encoding.mark_members(encoded, members, dtype)
        return found
    ones = one_hot(inputs.astype("int32"), num_classes, axis=axis, dtype=dtype)
    # The maximum instead of the sum, because a member that is repeated counts once.
    return jnp.max(ones, axis=members)


@op
def polar(abs_: ArrayLike, angle: ArrayLike) -> Array:
    """Computes the complex numbers `abs_ * (cos(angle) + i * sin(angle))`.

    Args:
        abs_: the absolute values.
        angle: the angles in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.polar(2.0, 0.0).item()
    (2+0j)
    """
    abs_, angle = to_array(abs_), to_array(angle)
    abs_, angle = to_float(abs_), to_float(angle)
    return lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))
