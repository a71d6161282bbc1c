"""Normalization: statistics, and arrays scaled by them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.types import Array, ArrayLike, Axes

__all__ = [
    "batch_normalization",
    "layer_normalization",
    "moments",
    "normalize",
    "rms_normalization",
]

_Axes = int | Sequence[int]


@op
def moments(
    x: ArrayLike, axes: _Axes, keepdims: bool = False, synchronized: bool = False
) -> tuple[Array, Array]:
    """The mean and the variance (of the population) along axes.

    16-bit floats are summed up in float32.

    Args:
        x: an array.
        axes: the axis or axes.
        keepdims: whether those axes stay, with size 1.
        synchronized: without effect: statistics of an array that is spread over devices are
            always those of the whole array.

    Example:

    >>> import cornu
    >>> mean, variance = cornu.ops.moments([1.0, 3.0], 0)
    >>> float(mean), float(variance)
    (2.0, 1.0)

    Differences: Keras on JAX refuses `synchronized=True`.
    """
    x = to_array(x)
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    wide = x.astype(jnp.promote_types(x.dtype, "float32")) if _is_half(x) else x
    mean = jnp.mean(wide, axes, keepdims=keepdims)
    variance = jnp.var(wide, axes, keepdims=keepdims)
    if not _is_half(x):
        return mean, variance
    limits = jnp.finfo(x.dtype)
    low, high = float(limits.min), float(limits.max)
    return jnp.clip(mean, low, high).astype(x.dtype), jnp.clip(variance, low, high).astype(x.dtype)


@op
def batch_normalization(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    axis: int,
    offset: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    epsilon: float = 0.001,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset` along one axis.

    Args:
        x: an array.
        mean: the mean of each position along `axis`.
        variance: its variance.
        axis: the axis (the channels, usually).
        offset: what is added at last, if anything.
        scale: what the normalized values are multiplied by, if anything.
        epsilon: keeps the root away from zero.

    Shapes:
        mean, variance, offset, scale (channels,) -> the shape of x.

    Example:

    >>> import cornu
    >>> cornu.ops.batch_normalization([[3.0]], [1.0], [1.0], axis=-1, epsilon=0.0).tolist()
    [[2.0]]

    References: Ioffe and Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training
    by Reducing Internal Covariate Shift".
    """
    x = to_array(x)
    mean = to_array(mean)
    variance = to_array(variance)
    offset = to_array(offset)
    scale = to_array(scale)
    shape = [1] * x.ndim
    shape[axis] = mean.shape[0]
    factor = lax.rsqrt(variance.reshape(shape) + epsilon)
    if scale is not None:
        factor = factor * scale.reshape(shape)
    shift = -mean.reshape(shape) * factor
    if offset is not None:
        shift = shift + offset.reshape(shape)
    return x * factor + shift


@op
def layer_normalization(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    axis: _Axes = -1,
    epsilon: float | None = None,
    **kwargs: bool,
) -> Array:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with the statistics of each sample.

    Args:
        x: an array.
        gamma: what the normalized values are multiplied by, if anything.
        beta: what is added at last, if anything.
        axis: the axis or axes that are normalized.
        epsilon: keeps the root away from zero; the process-wide one by default.
        **kwargs: `rms_scaling=True`, which Keras deprecates: the mean is not subtracted and
            nothing is added.

    Shapes:
        gamma, beta: the sizes of x along `axis` -> the shape of x.

    Example:

    >>> import cornu
    >>> cornu.ops.layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]

    References: Ba, Kiros and Hinton (2016), "Layer Normalization".
    """
    x, gamma, beta = to_array(x), to_array(gamma), to_array(beta)
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization has no argument {next(iter(kwargs))!r}.")
    x, dtype = _widened(x)
    axes = tuple(sorted(axis)) if isinstance(axis, (list, tuple)) else (axis,)
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    gamma, beta = (_spread(v, x, axes) for v in (gamma, beta))
    mean = jnp.mean(x, axes, keepdims=True)
    factor = lax.rsqrt(jnp.var(x, axes, keepdims=True) + epsilon)
    if gamma is not None:
        factor = factor * gamma
    if rms_scaling:
        warnings.warn(
            "rms_scaling=True divides by the standard deviation, not by the root mean square. "
            "Use cornu.ops.rms_normalization.",
            stacklevel=2,
        )
        return (x * factor).astype(dtype)
    shift = -mean * factor
    if beta is not None:
        shift = shift + beta
    return (x * factor + shift).astype(dtype)


@op
def rms_normalization(
    x: ArrayLike, scale: ArrayLike | None = None, axis: _Axes = -1, epsilon: float | None = None
) -> Array:
    """`x / sqrt(mean(x**2) + epsilon) * scale`, computed in float32 at least.

    Args:
        x: an array.
        scale: what the normalized values are multiplied by, if anything.
        axis: the axis or axes over which the mean is taken.
        epsilon: keeps the root away from zero; the process-wide one by default.

    Example:

    >>> import cornu
    >>> cornu.ops.rms_normalization([4.0, -4.0], epsilon=0.0).tolist()
    [1.0, -1.0]

    References: Zhang and Sennrich (2019), "Root Mean Square Layer Normalization".
    """
    x, scale = to_array(x), to_array(scale)
    x, dtype = _widened(x)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    x = jnp.atleast_1d(x)
    y = x * lax.rsqrt(jnp.mean(jnp.square(x), axes, keepdims=True) + epsilon)
    if scale is not None:
        y = y * scale.astype(x.dtype)
    return y.astype(dtype)


@op
def normalize(x: ArrayLike, axis: Axes = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """`x / max(norm, epsilon)` with the norm of some order along an axis.

    Args:
        x: an array.
        axis: the axis or axes; None for all.
        order: the order of the norm, an integer >= 1.
        epsilon: the smallest divisor; the process-wide epsilon by default.

    Raises:
        ValueError: `order` is no integer from 1 on.

    Example:

    >>> import cornu
    >>> cornu.ops.normalize([0.0, 4.0]).tolist()
    [0.0, 1.0]

    Differences: the gradient at zero is finite here, and not a number in Keras.
    """
    x = to_array(x)
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be an integer from 1 on. Received: {order!r}")
    x = jnp.atleast_1d(x)
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    if order == 2:
        # The root of the greater one, not the greater root: the root's slope at 0 is infinite.
        square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
        return x * lax.rsqrt(jnp.maximum(square, epsilon**2))
    norm = jnp.linalg.norm(x, ord=order, axis=axis, keepdims=True)
    return x / jnp.maximum(norm, epsilon)


def _is_half(x: Array) -> bool:
    return x.dtype in (jnp.float16, jnp.bfloat16)


def _widened(x: Array) -> tuple[Array, Any]:
    """Returns `x` in float32 at least, and its own dtype."""
    return x.astype(jnp.promote_types(x.dtype, "float32")), x.dtype


def _spread(v: Array | None, x: Array, axes: tuple[int, ...]) -> Array | None:
    """Returns a parameter in the dtype of `x`, shaped so that it lies along `axes`."""
    if v is None:
        return None
    v = v.astype(x.dtype)
    if v.ndim == x.ndim or axes in ((-1,), (x.ndim - 1,)):
        return v
    shape = [1] * x.ndim
    for axis in axes:
        shape[axis] = x.shape[axis]
    return v.reshape(shape)
