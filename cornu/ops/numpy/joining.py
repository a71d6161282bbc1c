"""Joining and splitting arrays."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import op
from cornu.ops.arguments import to_arrays, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "append",
    "array_split",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "vsplit",
    "vstack",
]


@op
def concatenate(xs: Sequence[ArrayLike], axis: int | None = 0) -> Array:
    """Joins arrays along an existing axis.

    Args:
        xs: arrays whose shapes are equal except along the axis.
        axis: the axis; None to flatten the arrays first.

    Example:

    >>> import cornu
    >>> cornu.ops.concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    return jnp.concatenate(to_arrays(xs), axis=axis)


@op
def stack(x: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Joins arrays along a new axis.

    Args:
        x: arrays of equal shape.
        axis: the position of the new axis in the result.

    Example:

    >>> import cornu
    >>> cornu.ops.stack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return jnp.stack(to_arrays(x), axis=axis)


@op
def hstack(xs: Sequence[ArrayLike]) -> Array:
    """Joins arrays along the second axis (vectors along the first).

    Args:
        xs: arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.hstack([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    return jnp.hstack(to_arrays(xs))


@op
def vstack(xs: Sequence[ArrayLike]) -> Array:
    """Joins arrays along the first axis; vectors become rows.

    Args:
        xs: arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return jnp.vstack(to_arrays(xs))


@op
def dstack(xs: Sequence[ArrayLike]) -> Array:
    """Joins arrays along the third axis.

    Args:
        xs: arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return jnp.dstack(to_arrays(xs))


@op
def append(x1: ArrayLike, x2: ArrayLike, axis: int | None = None) -> Array:
    """Joins two arrays along an axis.

    Args:
        x1: an array.
        x2: an array.
        axis: the axis; None to flatten the arrays first.

    Example:

    >>> import cornu
    >>> cornu.ops.append([1, 2], [3]).tolist()
    [1, 2, 3]
    """
    return jnp.append(to_operand(x1), to_operand(x2), axis=axis)


@op
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Splits an array into parts of equal size along an axis.

    Args:
        x: an array.
        indices_or_sections: the number of parts, or the indices at which the array is split.
        axis: the axis.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    return jnp.split(to_operand(x), indices_or_sections, axis=axis)


@op
def array_split(
    x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[Array]:
    """Splits an array into parts along an axis, whose sizes may differ by one.

    Args:
        x: an array.
        indices_or_sections: the number of parts, or the indices at which the array is split.
        axis: the axis.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    return jnp.array_split(to_operand(x), indices_or_sections, axis=axis)


@op
def hsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Splits an array along the second axis (a vector along the first).

    Args:
        x: an array.
        indices_or_sections: the number of parts, or the indices at which the array is split.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.hsplit([[1, 2], [3, 4]], 2)]
    [[[1], [3]], [[2], [4]]]
    """
    return jnp.hsplit(to_operand(x), _sections(indices_or_sections))


@op
def vsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Splits an array along the first axis.

    Args:
        x: an array.
        indices_or_sections: the number of parts, or the indices at which the array is split.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.vsplit([[1, 2], [3, 4]], 2)]
    [[[1, 2]], [[3, 4]]]
    """
    return jnp.vsplit(to_operand(x), _sections(indices_or_sections))


@op
def dsplit(x: ArrayLike, indices_or_sections: int | Sequence[int]) -> list[Array]:
    """Splits an array along the third axis.

    Args:
        x: an array.
        indices_or_sections: the number of parts, or the indices at which the array is split.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> [part.shape for part in cornu.ops.dsplit(np.zeros((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return jnp.dsplit(to_operand(x), _sections(indices_or_sections))


def _sections(indices_or_sections: int | Sequence[int]) -> int | np.ndarray:
    # The annotation of JAX's function accepts several indices only as an array.
    return (
        indices_or_sections
        if isinstance(indices_or_sections, int)
        else np.asarray(indices_or_sections)
    )
