"""Normalization of arrays by their statistics."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import jax.numpy as jnp
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import is_positive_integer
from cornu.ops.arguments import to_array, to_float
from cornu.ops.precision import is_half, widen
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
    """Computes the mean and the population variance along axes.

    16-bit floats are summed in float32.

    Args:
        x: an array.
        axes: the axis or axes.
        keepdims: whether the reduced axes are kept with size 1.
        synchronized: ignored; the statistics of an array that is distributed over devices are
            always those of the whole array.

    Example:

    >>> import cornu
    >>> mean, variance = cornu.ops.moments([1.0, 3.0], 0)
    >>> float(mean), float(variance)
    (2.0, 1.0)

    Extensions: Keras on JAX does not support `synchronized=True`.
    """
    x = to_array(x)
    axes = tuple(axes) if isinstance(axes, (list, tuple)) else axes
    wide = widen(x)
    mean = jnp.mean(wide, axes, keepdims=keepdims)
    variance = jnp.var(wide, axes, keepdims=keepdims)
    if not is_half(x.dtype):
        return mean, variance
    # A variance in float32 may exceed the range of float16; infinity would give NaN later.
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
    """Computes `(x - mean) / sqrt(variance + epsilon) * scale + offset` along one axis.

    Args:
        x: an array.
        mean: the means, one per index of `axis`.
        variance: the variances, one per index of `axis`.
        axis: the axis, usually that of the channels.
        offset: the offset, one value per index of `axis`.
        scale: the scale, one value per index of `axis`.
        epsilon: added to the variance, for numerical stability.

    Shapes:
        mean, variance, offset, scale (channels,) -> the shape of x.

    Example:

    >>> import cornu
    >>> cornu.ops.batch_normalization([[3.0]], [1.0], [1.0], axis=-1, epsilon=0.0).tolist()
    [[2.0]]

    References: Ioffe and Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training
    by Reducing Internal Covariate Shift".
    """
    x = to_float(x)
    mean = to_float(mean)
    variance = to_float(variance)
    offset = to_array(offset)
    scale = to_array(scale)
    shape = [1] * x.ndim
    shape[axis] = mean.shape[0]
    # Mean, variance, scale and offset are combined into one factor and one shift per channel, so
    # that the large array is read once.
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
    """Computes `(x - mean) / sqrt(variance + epsilon) * gamma + beta` with per-sample statistics.

    Args:
        x: an array.
        gamma: the scale.
        beta: the offset.
        axis: the axis or axes that are normalized.
        epsilon: added for numerical stability; the process-wide epsilon by default.
        **kwargs: `rms_scaling=True`, which is deprecated in Keras: the mean is not subtracted,
            and `beta` is ignored.

    Shapes:
        gamma, beta: the sizes of x along `axis` -> the shape of x.

    Example:

    >>> import cornu
    >>> cornu.ops.layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]

    References: Ba, Kiros and Hinton (2016), "Layer Normalization".
    """
    x, gamma, beta = to_float(x), to_array(gamma), to_array(beta)
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"layer_normalization: unexpected keyword argument {next(iter(kwargs))!r}.")
    # Means and variances of 16-bit floats lose most digits or overflow.
    dtype, x = x.dtype, widen(x)
    axes = tuple(sorted(axis)) if isinstance(axis, (list, tuple)) else (axis,)
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    gamma, beta = (_align_parameter(v, x, axes) for v in (gamma, beta))
    mean = jnp.mean(x, axes, keepdims=True)
    factor = lax.rsqrt(jnp.var(x, axes, keepdims=True) + epsilon)
    if gamma is not None:
        factor = factor * gamma
    if rms_scaling:
        warnings.warn(
            "rms_scaling=True divides by the standard deviation, not by the root mean square. "
            "Use cornu.ops.rms_normalization.",
            stacklevel=user_stacklevel(),
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
    """Computes `x / sqrt(mean(x**2) + epsilon) * scale`, at least in float32.

    Args:
        x: an array.
        scale: the scale.
        axis: the axis or axes of the mean.
        epsilon: added for numerical stability; the process-wide epsilon by default.

    Example:

    >>> import cornu
    >>> cornu.ops.rms_normalization([4.0, -4.0], epsilon=0.0).tolist()
    [1.0, -1.0]

    References: Zhang and Sennrich (2019), "Root Mean Square Layer Normalization".
    """
    x, scale = to_float(x), to_array(scale)
    dtype, x = x.dtype, widen(x)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    # A scalar has no last axis to normalize.
    x = jnp.atleast_1d(x)
    y = x * lax.rsqrt(jnp.mean(jnp.square(x), axes, keepdims=True) + epsilon)
    if scale is not None:
        y = y * scale.astype(x.dtype)
    return y.astype(dtype)


@op
def normalize(x: ArrayLike, axis: Axes = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """Computes `x / max(norm, epsilon)` with a norm along an axis.

    Args:
        x: an array.
        axis: the axis or axes; None for all.
        order: the order of the norm, a positive integer.
        epsilon: the minimum of the divisor; the process-wide epsilon by default.

    Raises:
        ValueError: `order` is not a positive integer.

    Example:

    >>> import cornu
    >>> cornu.ops.normalize([0.0, 4.0]).tolist()
    [0.0, 1.0]

    Fixes: the gradient at zero is finite; in Keras it is NaN.
    """
    x = to_float(x)
    if not is_positive_integer(order):
        raise ValueError(f"order must be a positive integer. Received: {order!r}")
    dtype, x = x.dtype, jnp.atleast_1d(widen(x))
    epsilon = settings.get("epsilon") if epsilon is None else epsilon
    if order == 2:
        # The maximum is taken before the square root, whose derivative at 0 is infinite.
        square = jnp.sum(jnp.square(x), axis=axis, keepdims=True)
        return (x * lax.rsqrt(jnp.maximum(square, epsilon**2))).astype(dtype)
    norm = jnp.linalg.norm(x, ord=order, axis=axis, keepdims=True)
    return (x / jnp.maximum(norm, epsilon)).astype(dtype)


def _align_parameter(v: Array | None, x: Array, axes: tuple[int, ...]) -> Array | None:
    """Returns a parameter in the dtype of `x`, reshaped to broadcast along `axes`."""
    if v is None:
        return None
    v = v.astype(x.dtype)
    if v.ndim == x.ndim or axes in ((-1,), (x.ndim - 1,)):
        return v
    shape = [1] * x.ndim
    for axis in axes:
        shape[axis] = x.shape[axis]
    return v.reshape(shape)
