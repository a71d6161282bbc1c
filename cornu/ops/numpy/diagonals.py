"""Diagonals and triangles of matrices."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "trace",
    "tril",
    "triu",
]


@op
def diag(x: ArrayLike, k: int = 0) -> Array:
    """Extracts the diagonal of a matrix, or builds a matrix from a diagonal.

    Args:
        x: an array.
        k: the diagonal: 0 is the main one, positive ones are above it.

    Example:

    >>> import cornu
    >>> cornu.ops.diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    return jnp.diag(to_operand(x), k=k)


@op
def diagflat(x: ArrayLike, k: int = 0) -> Array:
    """Builds a matrix with all elements of an array on a diagonal.

    Args:
        x: an array.
        k: the diagonal: 0 is the main one, positive ones are above it.

    Example:

    >>> import cornu
    >>> cornu.ops.diagflat([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    return jnp.diagflat(to_operand(x), k=k)


@op
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Returns the diagonals of the matrices in two axes, along a new last axis.

    Args:
        x: an array.
        offset: the diagonal: 0 is the main one, positive ones are above it.
        axis1: the first axis.
        axis2: the second axis.

    Example:

    >>> import cornu
    >>> cornu.ops.diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    return jnp.diagonal(to_operand(x), offset=offset, axis1=axis1, axis2=axis2)


@op
def trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Computes the sum of the diagonal of each matrix in two axes.

    Args:
        x: an array.
        offset: the diagonal: 0 is the main one, positive ones are above it.
        axis1: the first axis.
        axis2: the second axis.

    Example:

    >>> import cornu
    >>> cornu.ops.trace([[1, 2], [3, 4]]).tolist()
    5
    """
    return jnp.trace(to_operand(x), offset=offset, axis1=axis1, axis2=axis2)


@op
def tril(x: ArrayLike, k: int = 0) -> Array:
    """Returns the lower triangle: elements above a diagonal are set to zero.

    Args:
        x: an array.
        k: the diagonal: 0 is the main one, positive ones are above it.

    Example:

    >>> import cornu
    >>> cornu.ops.tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return jnp.tril(to_operand(x), k=k)


@op
def triu(x: ArrayLike, k: int = 0) -> Array:
    """Returns the upper triangle: elements below a diagonal are set to zero.

    Args:
        x: an array.
        k: the diagonal: 0 is the main one, positive ones are above it.

    Example:

    >>> import cornu
    >>> cornu.ops.triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return jnp.triu(to_operand(x), k=k)
