"""Reductions over segments of the first axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from cornu.ops._table import row

__all__ = [
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
]


def _segment(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(data: Any, segment_ids: Any, num_segments: Any, sorted: bool) -> Any:
        return function(data, segment_ids, num_segments, indices_are_sorted=sorted)

    return run


_SEGMENT = """
    data: an array of shape (n, ...).
    segment_ids: the segment to which each of the n slices belongs.
    num_segments: how many segments; needed in compiled code.
    sorted: whether the segments come in rising order, which is faster."""


_SIGNATURE = "(data, segment_ids, num_segments=None, sorted=False)"


segment_sum = row(
    "segment_sum" + _SIGNATURE, _segment(jax.ops.segment_sum), "The sum of each segment." + _SEGMENT
)


segment_prod = row(
    "segment_prod" + _SIGNATURE,
    _segment(jax.ops.segment_prod),
    "The product of each segment." + _SEGMENT,
)


segment_max = row(
    "segment_max" + _SIGNATURE,
    _segment(jax.ops.segment_max),
    "The largest element of each segment." + _SEGMENT,
)


segment_min = row(
    "segment_min" + _SIGNATURE,
    _segment(jax.ops.segment_min),
    "The smallest element of each segment." + _SEGMENT,
)
