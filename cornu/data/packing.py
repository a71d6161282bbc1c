"""Packs and unpacks batches `(x, y, sample_weight)`."""

from __future__ import annotations

from typing import NamedTuple

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.types import Batch, PyTree

__all__ = [
    "pack_as_given",
    "pack_x_y_sample_weight",
    "unpack_batch",
    "unpack_x_y_sample_weight",
    "with_count",
]


@api_boundary
def pack_x_y_sample_weight(x: PyTree, y: PyTree = None, sample_weight: PyTree = None) -> PyTree:
    """Packs the parts of a batch into a tuple, without trailing None.

    Args:
        x, y, sample_weight: the parts of the batch, in any structure; None if missing.

    Example:

    >>> pack_x_y_sample_weight("x", "y"), pack_x_y_sample_weight("x")
    (('x', 'y'), 'x')

    Fixes: Keras drops sample weights that are passed without `y`.
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (tuple, list)) else x


@api_boundary
def unpack_x_y_sample_weight(data: PyTree) -> tuple[PyTree, PyTree, PyTree]:
    """Returns the three parts of a batch; missing parts are None.

    Args:
        data: a batch as a dataset yields it: x, `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: the batch is empty, or has more than three parts.

    Example:

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    return unpack_batch(data)


def unpack_batch(data: PyTree) -> tuple[PyTree, PyTree, PyTree]:
    """Returns the three parts of a batch, as `unpack_x_y_sample_weight`, without its boundary."""
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            "A batch must be x, (x, y) or (x, y, sample_weight). Received a "
            f"{type(data).__name__} of {len(parts)}.\n"
            "Pass several inputs as one list or dict: ([a, b], y)."
        )
    return (*parts, None, None)[:3]


class _TupleOfOne(NamedTuple):
    x: PyTree
    y: PyTree
    sample_weight: PyTree


class _TupleOfTwo(NamedTuple):
    x: PyTree
    y: PyTree
    sample_weight: PyTree


class _TupleOfThree(NamedTuple):
    x: PyTree
    y: PyTree
    sample_weight: PyTree


# Steps are compiled functions of a batch. The number of parts is a part of the structure of their
# argument: batches of another length are traced separately.
_GIVEN = (_TupleOfOne, _TupleOfTwo, _TupleOfThree)


def with_count(batch: Batch, count: int) -> Batch:
    """Returns a batch that remembers how many parts were given, for `pack_as_given`."""
    return _GIVEN[count - 1](*batch)


def pack_as_given(batch: Batch) -> PyTree:
    """Packs a batch into a tuple with the number of parts that `with_count` remembers.

    Example:

    >>> pack_as_given(with_count(("x", None, None), 1)), pack_as_given(("x", None, None))
    (('x',), 'x')
    """
    if isinstance(batch, _GIVEN):
        return tuple(batch)[: _GIVEN.index(type(batch)) + 1]
    return pack_x_y_sample_weight(*batch)
