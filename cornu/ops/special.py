"""Special functions: error function, inverse square root, log-sum-exp, distances."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.types import Array, ArrayLike, Axes

__all__ = [
    "cdist",
    "erf",
    "erfc",
    "erfinv",
    "logsumexp",
    "rsqrt",
]


@op
def rsqrt(x: ArrayLike) -> Array:
    """Computes the reciprocal of the square root, `1 / sqrt(x)`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.rsqrt([4.0, 16.0]).tolist()
    [0.5, 0.25]
    """
    return jax.lax.rsqrt(to_float(x))


@op
def erf(x: ArrayLike) -> Array:
    """Computes the error function.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.erf([0.0]).tolist()
    [0.0]
    """
    return jax.lax.erf(to_float(x))


@op
def erfc(x: ArrayLike) -> Array:
    """Computes the complementary error function `1 - erf(x)`, accurate also for large `x`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.erfc([0.0, 1.0])).round(3))
    [1.    0.157]
    """
    return jax.lax.erfc(to_float(x))


@op
def erfinv(x: ArrayLike) -> Array:
    """Computes the inverse error function.

    Args:
        x: numbers from -1 to 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.erfinv([0.0, 0.5])).round(3))
    [0.    0.477]
    """
    return jax.lax.erf_inv(to_float(x))


@op
def logsumexp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes `log(sum(exp(x)))` over axes, without overflow.

    Args:
        x: an array.
        axis: the axis or axes; None for all axes.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.logsumexp([1000.0, 1000.0])).round(3))
    1000.693
    """
    return jax.scipy.special.logsumexp(to_float(x), axis=axis, keepdims=keepdims)


@op
def cdist(x: ArrayLike, y: ArrayLike) -> Array:
    """Computes the Euclidean distances between all pairs of vectors.

    Args:
        x: vectors, of shape (..., n, size).
        y: vectors, of shape (..., m, size).

    Returns:
        An array of shape (..., n, m).

    Example:

    >>> import cornu
    >>> cornu.ops.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
    [[5.0, 1.0]]
    """
    x, y = to_array(x), to_array(y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            "cdist: expected arrays of shapes (..., n, size) and (..., m, size). "
            f"Received: {x.shape} and {y.shape}"
        )
    # Differences rather than |x|^2 - 2 x.y + |y|^2, which is inaccurate for close vectors.
    difference = x[..., :, None, :] - y[..., None, :, :]
    return jnp.sqrt(jnp.sum(difference * difference, axis=-1))
