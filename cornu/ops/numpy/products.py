"""Sums of products: matrices, tensors, Einstein's convention."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu.ops._table import define, row

__all__ = [
    "correlate",
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "outer",
    "slogdet",
    "tensordot",
    "vdot",
]

dot = row(
    "dot(x1, x2)",
    jnp.dot,
    """The sum of products over the last axis of x1 and the last but one of x2.
    x2: an array.""",
)
vdot = row("vdot(x1, x2)", jnp.vdot, "The sum of all products conj(x1) * x2.")
inner = row(
    "inner(x1, x2)",
    jnp.inner,
    """The sum of products over the last axes.
    x2: an array.""",
)
outer = row(
    "outer(x1, x2)",
    jnp.outer,
    """The products of every element with every element, of flat arrays.
    x2: an array.""",
)
kron = row(
    "kron(x1, x2)",
    jnp.kron,
    """The Kronecker product: blocks x1[i, j] * x2.
    x2: an array.""",
)
tensordot = row(
    "tensordot(x1, x2, axes=2)",
    jnp.tensordot,
    """The sum of products over some axes.
    x2: an array.
    axes: how many axes (the last of x1, the first of x2), or a list of axes for each.""",
)
cross = row(
    "cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None)",
    jnp.cross,
    """The cross product of vectors with three (or two) components.
    axisa: the axis of the components in x1.
    axisb: the axis of the components in x2.
    axisc: the axis of the components in the result.
    axis: the axis in all three.""",
)
correlate = row(
    'correlate(x1, x2, mode="valid")',
    jnp.correlate,
    """The cross-correlation of two vectors.
    x2: a vector.
    mode: `"valid"`, `"same"` or `"full"`.""",
)


def _wide(*arrays: Array) -> Any:
    # int8 products are summed in int32, as accelerators do it anyway.
    return jnp.int32 if all(a.dtype == jnp.int8 for a in arrays) else None


@define
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product of the last two axes; the axes before them broadcast.

    int8 matrices give an int32 product.

    Args:
        x1: an array of shape (..., rows, inner), or a vector.
        x2: an array of shape (..., inner, columns), or a vector.
    """
    return jnp.matmul(x1, x2, preferred_element_type=_wide(x1, x2))


@define
def einsum(subscripts: str, *operands: Array, **kwargs: Any) -> Array:
    """A sum of products in Einstein's notation.

    Args:
        subscripts: letters for the axes of each operand and of the result, as in
            `"bij,bjk->bik"`; what is missing in the result is summed over.
        operands: arrays.
        kwargs: `optimize`, the way to find the order of several products.

    Example:

    >>> import cornu
    >>> x = cornu.ops.ones((2, 3, 4))
    >>> cornu.ops.einsum("bij,bkj->bik", x, x).shape
    (2, 3, 3)
    """
    return jnp.einsum(subscripts, *operands, preferred_element_type=_wide(*operands), **kwargs)


_MATRIX = """
    x: matrices, of shape (..., n, n)."""

slogdet = row(
    "slogdet(x)",
    lambda x: tuple(jnp.linalg.slogdet(x)),
    "The sign and the logarithm of the absolute value of the determinant." + _MATRIX,
)
