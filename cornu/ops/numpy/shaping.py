"""Shapes and axes of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_jax_dtype, to_operand
from cornu.ops.convert import shape
from cornu.types import Array, ArrayLike, Axes, DTypeLike, ShapeLike

__all__ = [
    "broadcast_to",
    "copy",
    "expand_dims",
    "moveaxis",
    "ndim",
    "ravel",
    "reshape",
    "size",
    "squeeze",
    "swapaxes",
    "transpose",
    "view",
]


@op
def reshape(x: ArrayLike, newshape: ShapeLike | int) -> Array:
    """Gives an array a new shape.

    Args:
        x: an array.
        newshape: the new shape; one size may be -1 and is then inferred.

    Example:

    >>> import cornu
    >>> cornu.ops.reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    return jnp.reshape(to_array(x), newshape)


@op
def ravel(x: ArrayLike) -> Array:
    """Flattens an array to one axis.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return jnp.ravel(to_operand(x))


@op
def broadcast_to(x: ArrayLike, shape: ShapeLike | int) -> Array:
    """Broadcasts an array to a shape.

    Args:
        x: an array.
        shape: the shape of the result.

    Example:

    >>> import cornu
    >>> cornu.ops.broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return jnp.broadcast_to(to_operand(x), shape)


@op
def expand_dims(x: ArrayLike, axis: int | Sequence[int]) -> Array:
    """Inserts axes of size 1.

    Args:
        x: an array.
        axis: the position of the new axes in the result.

    Example:

    >>> import cornu
    >>> cornu.ops.expand_dims([1, 2], 1).tolist()
    [[1], [2]]
    """
    return jnp.expand_dims(to_operand(x), axis)


@op
def squeeze(x: ArrayLike, axis: Axes = None) -> Array:
    """Removes axes of size 1.

    Args:
        x: an array.
        axis: the axes to remove; None for all of size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.squeeze([[1, 2]]).tolist()
    [1, 2]
    """
    return jnp.squeeze(to_operand(x), axis=axis)


@op
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """Permutes the axes.

    Args:
        x: an array.
        axes: for each axis of the result, the axis of the input; reversed by default.

    Example:

    >>> import cornu
    >>> cornu.ops.transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    return jnp.transpose(to_operand(x), axes=axes)


@op
def moveaxis(x: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """Moves axes to new positions; the others keep their order.

    Args:
        x: an array.
        source: the axes to move.
        destination: their positions in the result.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return jnp.moveaxis(to_operand(x), source, destination)


@op
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Array:
    """Swaps two axes.

    Args:
        x: an array.
        axis1: the first axis.
        axis2: the second axis.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return jnp.swapaxes(to_operand(x), axis1, axis2)


def ndim(x: Any) -> int:
    """Returns the number of axes.

    Args:
        x: an array, Variable or symbolic Tensor.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.ndim(np.zeros((2, 3)))
    2
    """
    return len(shape(x))


@op
def size(x: ArrayLike) -> Any:
    """Returns the number of elements.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.size(np.zeros((2, 3)))
    6
    """
    x = to_array(x)
    return x.size


@op
def copy(x: ArrayLike) -> Array:
    """Returns a copy of an array.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.copy([1, 2]).tolist()
    [1, 2]
    """
    return jnp.copy(to_operand(x))


@op
def view(x: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Reinterprets the bytes as another dtype; the size of the last axis changes accordingly.

    Args:
        x: an array.
        dtype: the dtype; that of the array by default.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.view(np.array([1.0], "float32"), "int32").tolist()
    [1065353216]
    """
    x = to_array(x)
    dtype = to_jax_dtype(dtype)
    return x.view(dtype)
