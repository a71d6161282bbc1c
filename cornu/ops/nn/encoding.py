"""Encodings of classes and complex numbers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float, to_jax_dtype
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
    """Integers as arrays that are 1 at their place and 0 elsewhere.

    Args:
        x: integers; one that is no class (-1) gives zeros only.
        num_classes: size of the new axis.
        axis: where the new axis stands.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: not supported.

    Shapes:
        x (...) -> (..., num_classes).

    Example:

    >>> import cornu
    >>> cornu.ops.one_hot([2, 0, -1], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    _refuse_sparse(sparse)
    dtype = settings.get("floatx") if dtype is None else dtype
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
    """Sets of integers as arrays that are 1 at the places of their members and 0 elsewhere.

    Args:
        inputs: integers; one that is no class (-1) adds nothing.
        num_classes: size of the new axis.
        axis: where the new axis stands, before the axis of members is taken away.
        dtype: the dtype of the result; the process-wide float type by default.
        sparse: not supported.
        **kwargs: `num_tokens`, the older name of `num_classes`.

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
    _refuse_sparse(sparse)
    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if kwargs:
        raise TypeError(f"multi_hot has no argument {next(iter(kwargs))!r}.")
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes, the number of classes.")
    ones = one_hot(inputs.astype("int32"), num_classes, axis=axis, dtype=dtype)
    return jnp.max(ones, axis=1 if inputs.ndim > 1 else 0)


@op
def polar(abs_: ArrayLike, angle: ArrayLike) -> Array:
    """The complex numbers `abs_ * (cos(angle) + i sin(angle))`.

    Args:
        abs_: their absolute values.
        angle: their angles, in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.polar(2.0, 0.0).item()
    (2+0j)
    """
    abs_, angle = to_array(abs_), to_array(angle)
    abs_, angle = to_float(abs_), to_float(angle)
    return lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise NotImplementedError("Sparse arrays do not exist here. Use sparse=False.")
