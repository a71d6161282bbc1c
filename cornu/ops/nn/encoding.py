"""Encodings of classes and complex numbers."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cornu import settings
from cornu.ops._table import as_float, define

__all__ = [
    "multi_hot",
    "one_hot",
    "polar",
]


@define
def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
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
    _refuse_sparse(sparse)
    dtype = settings.get("floatx") if dtype is None else dtype
    return jax.nn.one_hot(x, num_classes, axis=axis, dtype=dtype)


@define
def multi_hot(
    inputs: Array,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
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
    _refuse_sparse(sparse)
    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if kwargs:
        raise TypeError(f"multi_hot has no argument {next(iter(kwargs))!r}.")
    if num_classes is None:
        raise ValueError("multi_hot needs num_classes, the number of classes.")
    ones = one_hot(inputs.astype("int32"), num_classes, axis=axis, dtype=dtype)
    return jnp.max(ones, axis=1 if inputs.ndim > 1 else 0)


@define
def polar(abs_: Array, angle: Array) -> Array:
    """The complex numbers `abs_ * (cos(angle) + i sin(angle))`.

    Args:
        abs_: their absolute values.
        angle: their angles, in radians.

    Example:

    >>> import cornu
    >>> cornu.ops.polar(2.0, 0.0).item()
    (2+0j)
    """
    abs_, angle = as_float(abs_), as_float(angle)
    return lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise NotImplementedError("Sparse arrays do not exist here. Use sparse=False.")
