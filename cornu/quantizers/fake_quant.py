"""Fake quantization: values are rounded as quantization would do, and stay floats."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.types import Array, ArrayLike

__all__ = ["fake_quant_with_min_max_vars"]


@op
def fake_quant_with_min_max_vars(
    inputs: ArrayLike,
    min_vals: ArrayLike,
    max_vals: ArrayLike,
    num_bits: int = 8,
    narrow_range: bool = False,
    axis: int | None = None,
) -> Array:
    """Rounds values to `2**num_bits` levels between a minimum and a maximum.

    The levels are moved so that one of them is zero. Values outside are clipped. The gradient with
    respect to the inputs is 1 inside the range, and that with respect to the minimum and maximum is
    1 outside of it, so that both can be trained.

    Args:
        inputs: the values.
        min_vals, max_vals: the range: scalars, or one number per element along `axis`.
        num_bits: the number of bits of a level.
        narrow_range: whether the lowest level is left out.
        axis: the axis with a range for each element; one range for all by default.

    Example:

    >>> fake_quant_with_min_max_vars(jnp.array([0.1, 0.6, 9.0]), 0.0, 3.0, num_bits=2).tolist()
    [0.0, 1.0, 3.0]

    Differences: on symbolic Tensors, `num_bits`, `narrow_range` and `axis` are used; Keras ignores
    them there.
    """
    values = jnp.asarray(inputs)
    channel = None if axis is None else axis % values.ndim
    low, high = jnp.asarray(min_vals), jnp.asarray(max_vals)
    if channel is not None:  # one number per element along the axis, which need not be the last
        shape = [-1 if i == channel else 1 for i in range(values.ndim)]
        low, high = low.reshape(shape), high.reshape(shape)
    result: Array = _fake_quant(values, low, high, int(num_bits), narrow_range, channel)
    return result


def _nudge(low: Any, high: Any, bits: int, narrow: bool) -> tuple[Any, Any, Any, Any]:
    """Returns the range with a level at zero, the size of a level and its reciprocal."""
    dtype = jnp.promote_types(low.dtype, jnp.float32)
    low, high = low.astype(dtype), high.astype(dtype)
    first, last = int(narrow), 2**bits - 1
    size, inverse = (high - low) / (last - first), (last - first) / (high - low)
    zero = jnp.round(jnp.clip(first - low / size, first, last))
    return (first - zero) * size, (last - zero) * size, size, inverse


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4, 5))
def _fake_quant(x: Any, low: Any, high: Any, bits: int, narrow: bool, axis: int | None) -> Any:
    return _forward(x, low, high, bits, narrow, axis)[0]


def _forward(x: Any, low: Any, high: Any, bits: int, narrow: bool, axis: int | None) -> Any:
    least, most, size, inverse = _nudge(low, high, bits, narrow)
    zero = jnp.floor(-least * inverse + 0.5)
    clipped = jnp.clip(x.astype(least.dtype), least, most) - least
    levels = jnp.floor(clipped * inverse - zero + 0.5)
    return (levels * size).astype(x.dtype), (x, low, high, least, most)


def _backward(bits: int, narrow: bool, axis: int | None, kept: Any, upstream: Any) -> Any:
    x, low, high, least, most = kept

    def reduced(gradient: Any, like: Any) -> Any:
        axes = None if axis is None else tuple(i for i in range(x.ndim) if i != axis)
        return gradient.sum(axis=axes).reshape(like.shape).astype(like.dtype)

    inside = jnp.where((x >= least) & (x <= most), upstream, 0.0)
    return (
        inside.astype(x.dtype),
        reduced(jnp.where(x <= least, upstream, 0.0), low),
        reduced(jnp.where(x >= most, upstream, 0.0), high),
    )


_fake_quant.defvjp(_forward, _backward)
