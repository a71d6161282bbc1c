"""Reductions over segments of the first axis."""

from __future__ import annotations

import jax

from cornu.core.graph.op import op
from cornu.ops.arguments import check_known, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
]


@op
def segment_sum(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Computes the sum of each segment.

    Args:
        data: an array of shape (n, ...).
        segment_ids: the segment index of each of the n slices, integers of shape (n,).
        num_segments: the number of segments; required in compiled code.
        sorted: whether the segment ids are in ascending order, which is faster.

    Example:

    >>> import cornu
    >>> cornu.ops.segment_sum([1, 4, 3], [0, 0, 1], num_segments=2).tolist()
    [5, 3]

    Fixes: without `num_segments`, eager calls take the largest index, as Keras documents; Keras on
    JAX raises an error.
    """
    _check_count(segment_ids, num_segments)
    return jax.ops.segment_sum(
        to_operand(data), to_operand(segment_ids), num_segments, indices_are_sorted=sorted
    )


@op
def segment_prod(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Computes the product of each segment.

    Args:
        data: an array of shape (n, ...).
        segment_ids: the segment index of each of the n slices, integers of shape (n,).
        num_segments: the number of segments; required in compiled code.
        sorted: whether the segment ids are in ascending order, which is faster.

    Example:

    >>> import cornu
    >>> cornu.ops.segment_prod([2, 4, 3], [0, 0, 1], num_segments=2).tolist()
    [8, 3]

    Fixes: without `num_segments`, eager calls take the largest index, as Keras documents; Keras on
    JAX raises an error.
    """
    _check_count(segment_ids, num_segments)
    return jax.ops.segment_prod(
        to_operand(data), to_operand(segment_ids), num_segments, indices_are_sorted=sorted
    )


@op
def segment_max(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Computes the maximum of each segment.

    Args:
        data: an array of shape (n, ...).
        segment_ids: the segment index of each of the n slices, integers of shape (n,).
        num_segments: the number of segments; required in compiled code.
        sorted: whether the segment ids are in ascending order, which is faster.

    Example:

    >>> import cornu
    >>> cornu.ops.segment_max([1, 4, 3], [0, 0, 1], num_segments=2).tolist()
    [4, 3]

    Fixes: without `num_segments`, eager calls take the largest index, as Keras documents; Keras on
    JAX raises an error.
    """
    _check_count(segment_ids, num_segments)
    return jax.ops.segment_max(
        to_operand(data), to_operand(segment_ids), num_segments, indices_are_sorted=sorted
    )


@op
def segment_min(
    data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Computes the minimum of each segment.

    Args:
        data: an array of shape (n, ...).
        segment_ids: the segment index of each of the n slices, integers of shape (n,).
        num_segments: the number of segments; required in compiled code.
        sorted: whether the segment ids are in ascending order, which is faster.

    Example:

    >>> import cornu
    >>> cornu.ops.segment_min([1, 4, 3], [0, 0, 1], num_segments=2).tolist()
    [1, 3]

    Fixes: without `num_segments`, eager calls take the largest index, as Keras documents; Keras on
    JAX raises an error.
    """
    _check_count(segment_ids, num_segments)
    return jax.ops.segment_min(
        to_operand(data), to_operand(segment_ids), num_segments, indices_are_sorted=sorted
    )


def _check_count(segment_ids: ArrayLike, num_segments: int | None) -> None:
    if num_segments is None:
        check_known(segment_ids, "segment_ids", "Pass `num_segments`, the number of segments.")
