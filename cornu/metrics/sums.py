"""Sums over the rows of arrays of any size, added to the Variables of a metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.state.accumulator import add_compensated
from cornu.core.state.variable import Variable
from cornu.parts.formulas.align import expand_weights
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["add_sums", "broadcast_weights"]

# A float32 sum of ones over at most this many elements is exact (2**24 is the limit).
_BLOCK = 2**20


def add_sums(
    variables: Sequence[Variable], sums: Callable[..., Sequence[Array]], *arrays: Array
) -> None:
    """Adds sums over rows to Variables.

    Large arrays are summed in blocks of rows, whose sums are added without rounding errors: the
    count of a class in an image of 2**25 pixels would stop at 2**24 in float32.

    Args:
        variables: the Variables, such as those of `Metric.add_variable`.
        sums: a function of the arrays, or of a block of their rows, that returns a sum over the
            rows for each Variable.
        *arrays: arrays with an equal number of rows.
    """
    rows = arrays[0].shape[0]
    row_size = max(math.prod(array.shape[1:]) for array in arrays)
    block = max(_BLOCK // max(row_size, 1), 1)
    # Most batches are small, and take the plain sum.
    if rows < 2 * block:
        parts: list[Any] = [sums(*arrays)]
    else:
        whole = rows - rows % block
        blocks = [x[:whole].reshape(-1, block, *x.shape[1:]) for x in arrays]
        totals = [_sum_exactly(x) for x in jax.vmap(sums)(*blocks)]
        parts = [*zip(*totals, strict=True)]
        if whole < rows:
            parts.append(sums(*(x[whole:] for x in arrays)))
    for part in parts:
        for variable, total in zip(variables, part, strict=True):
            variable.assign_add(total)


def broadcast_weights(
    sample_weight: ArrayLike | None, shape: tuple[int, ...], dtype: DTypeLike
) -> Array:
    """Returns weights of the shape of values; all are 1 if there are none.

    Args:
        sample_weight: weights, one per sample or more; see `expand_weights`.
        shape: the shape of the values.
        dtype: the dtype of the weights.
    """
    weights = jnp.ones((), dtype) if sample_weight is None else jnp.asarray(sample_weight, dtype)
    return jnp.broadcast_to(expand_weights(weights, shape), shape)


def _sum_exactly(x: Array) -> tuple[Array, Array]:
    """Returns the sum over the first axis as a rounded sum and the rounding error."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.sum(x, axis=0), jnp.zeros(x.shape[1:], x.dtype)
    low = jnp.zeros_like(x)
    while len(x) > 1:
        if len(x) % 2:
            x, low = (jnp.concatenate([a, jnp.zeros_like(a[:1])]) for a in (x, low))
        half = len(x) // 2
        x, low = add_compensated(x[:half], low[:half] + low[half:], x[half:])
    return x[0], low[0]
