"""Products of matrices and tensors, and determinants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_arrays, to_operand, to_pair
from cornu.ops.kernel_product import einsum_axes, is_product, multiply
from cornu.types import Array, ArrayLike

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


@op
def matmul(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the matrix product over the last two axes; the axes before them broadcast.

    The product of int8 matrices is int32.

    Args:
        x1: an array of shape (..., rows, inner), or a vector.
        x2: an array of shape (..., inner, columns), or a vector.

    Example:

    >>> import cornu
    >>> cornu.ops.matmul([[1, 2], [3, 4]], [[1], [1]]).tolist()
    [[3], [7]]
    """
    x1, x2 = to_array(x1), to_array(x2)
    if x2.ndim == 2 and is_product(x1, x2):
        return multiply(x1, x2)
    return jnp.matmul(x1, x2, preferred_element_type=_accumulator(x1, x2))


@op
def einsum(subscripts: str, *operands: ArrayLike, **kwargs: Any) -> Array:
    """Computes the sum of products in Einstein notation.

    Args:
        subscripts: letters for the axes of each operand and of the result, as in
            `"bij,bjk->bik"`; axes that are missing in the result are summed over.
        operands: arrays.
        kwargs: `optimize`, the strategy that finds the order of several products.

    Example:

    >>> import cornu
    >>> x = cornu.ops.ones((2, 3, 4))
    >>> cornu.ops.einsum("bij,bkj->bik", x, x).shape
    (2, 3, 3)
    """
    arrays = to_arrays(operands)
    if len(arrays) == 2:
        x, kernel = arrays
        axes = einsum_axes(subscripts, x.ndim, kernel.ndim)
        if is_product(x, kernel, axes):
            return multiply(x, kernel, axes)
    accumulator = _accumulator(*arrays)
    return jnp.einsum(subscripts, *arrays, preferred_element_type=accumulator, **kwargs)


@op
def dot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the dot product over the last axis of `x1` and the second to last of `x2`.

    Args:
        x1: an array.
        x2: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.dot([1, 2], [3, 4]).tolist()
    11
    """
    return jnp.dot(to_operand(x1), to_operand(x2))


@op
def vdot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the dot product of flattened arrays; `x1` is conjugated.

    Args:
        x1: an array.
        x2: an array with the same number of elements.

    Example:

    >>> import cornu
    >>> cornu.ops.vdot([[1, 2], [3, 4]], [[1, 0], [0, 1]]).tolist()
    5
    """
    return jnp.vdot(to_operand(x1), to_operand(x2))


@op
def inner(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the inner product over the last axes.

    Args:
        x1: an array.
        x2: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.inner([1, 2], [3, 4]).tolist()
    11
    """
    return jnp.inner(to_operand(x1), to_operand(x2))


@op
def outer(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the outer product of flattened arrays.

    Args:
        x1: an array.
        x2: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.outer([1, 2], [3, 4]).tolist()
    [[3, 4], [6, 8]]
    """
    return jnp.outer(to_operand(x1), to_operand(x2))


@op
def kron(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the Kronecker product, which consists of the blocks `x1[i, j] * x2`.

    Args:
        x1: an array.
        x2: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.kron([1, 10], [1, 2]).tolist()
    [1, 2, 10, 20]
    """
    return jnp.kron(to_operand(x1), to_operand(x2))


@op
def tensordot(x1: ArrayLike, x2: ArrayLike, axes: int | Sequence[Sequence[int]] = 2) -> Array:
    """Computes the sum of products over several axes.

    Args:
        x1: an array.
        x2: an array.
        axes: the number of axes (the last of `x1` and the first of `x2`), or a list of axes for
            each.

    Example:

    >>> import cornu
    >>> cornu.ops.tensordot([[1, 2], [3, 4]], [[1, 0], [0, 1]], axes=2).tolist()
    5
    """
    return jnp.tensordot(to_operand(x1), to_operand(x2), axes=axes)


@op
def cross(
    x1: ArrayLike,
    x2: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Array:
    """Computes the cross product of vectors with two or three components.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.
        axisa: the axis of the components in `x1`.
        axisb: the axis of the components in `x2`.
        axisc: the axis of the components in the result.
        axis: the axis in both inputs and in the result; overrides the three others.

    Example:

    >>> import cornu
    >>> cornu.ops.cross([1, 0, 0], [0, 1, 0]).tolist()
    [0, 0, 1]
    """
    return jnp.cross(
        to_operand(x1), to_operand(x2), axisa=axisa, axisb=axisb, axisc=axisc, axis=axis
    )


@op
def correlate(
    x1: ArrayLike, x2: ArrayLike, mode: Literal["valid", "same", "full"] = "valid"
) -> Array:
    """Computes the cross-correlation of two vectors.

    Args:
        x1: a vector.
        x2: a vector.
        mode: `"valid"`, `"same"` or `"full"`.

    Example:

    >>> import cornu
    >>> cornu.ops.correlate([1, 2, 3], [1, 1]).tolist()
    [3.0, 5.0]
    """
    return jnp.correlate(to_operand(x1), to_operand(x2), mode=mode)


@op
def slogdet(x: ArrayLike) -> tuple[Array, Array]:
    """Computes the sign and the natural logarithm of the absolute value of the determinant.

    Args:
        x: matrices, of shape (..., n, n).

    Returns:
        The signs and the logarithms, of shape (...).

    Example:

    >>> import cornu
    >>> sign, logarithm = cornu.ops.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> float(sign), float(logarithm)
    (-1.0, 0.0)
    """
    return to_pair(jnp.linalg.slogdet(to_operand(x)))


def _accumulator(*arrays: Array) -> Any:
    # Sums of int8 products overflow int8; accelerators sum them in int32 at no cost.
    return jnp.int32 if all(array.dtype == jnp.int8 for array in arrays) else None
