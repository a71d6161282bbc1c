"""Activation functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn
from cornu.ops.arguments import to_array, to_float, to_operand
from cornu.ops.nn.stored_derivative import apply_with_stored_derivative, is_storing_faster
from cornu.ops.precision import wide_softmax, widen
from cornu.types import Array, ArrayLike

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]


# `to_operand` leaves integers as they are. `to_float` converts them to the process-wide float type,
# where JAX might choose another.
@op
def relu(x: ArrayLike) -> Array:
    """Computes the rectified linear unit `max(x, 0)`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = to_operand(x)
    return _rectify(x) if is_storing_faster(x, "stored_relu") else jax.nn.relu(x)


# For a gradient, XLA computes `max(x, 0)` again wherever it is used. With residual connections, x
# is a sum with the result of the block before, so that the gradient of a convolution reads the
# arrays of all blocks before it. The result of a selection, which has two operands, is stored, and
# the gradient of relu needs nothing else.
@jax.custom_jvp
def _rectify(x: Array) -> Array:
    """Returns the positive part of x; of NaN, NaN."""
    return jnp.maximum(x, 0)


@_rectify.defjvp
def _rectify_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (tangent,) = primals, tangents
    y = jnp.where(x <= 0, jnp.zeros_like(x), x)
    return y, jnp.where(y > 0, tangent, jnp.zeros_like(tangent))


@op
def relu6(x: ArrayLike) -> Array:
    """Computes the rectified linear unit with a maximum of 6: `min(max(x, 0), 6)`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return jax.nn.relu6(to_operand(x))


@op
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
    """Computes `x` for positive elements, and `negative_slope * x` for the others.

    Args:
        x: an array.
        negative_slope: the slope below zero.

    Example:

    >>> import cornu
    >>> cornu.ops.leaky_relu([-1.0, 2.0], 0.5).tolist()
    [-0.5, 2.0]
    """
    return jax.nn.leaky_relu(to_operand(x), negative_slope=negative_slope)


@op
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Computes `x` for positive elements, and `alpha * (exp(x) - 1)` for the others (ELU).

    Args:
        x: an array.
        alpha: the limit at minus infinity is `-alpha`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.elu([-1.0, 2.0])).round(3))
    [-0.632  2.   ]
    """
    return apply_with_stored_derivative(jax.nn.elu, to_float(x), alpha)


@op
def selu(x: ArrayLike) -> Array:
    """Computes the scaled exponential linear unit `1.0507 * elu(x, 1.6733)`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.selu([-1.0, 2.0])).round(3))
    [-1.111  2.101]

    References: Klambauer et al. (2017), "Self-Normalizing Neural Networks".
    """
    return apply_with_stored_derivative(jax.nn.selu, to_float(x))


@op
def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Computes the continuously differentiable exponential linear unit.

    `max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`

    Args:
        x: an array.
        alpha: the limit at minus infinity is `-alpha`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.celu([-1.0, 2.0])).round(3))
    [-0.632  2.   ]
    """
    return apply_with_stored_derivative(jax.nn.celu, to_float(x), alpha)


@op
def threshold(x: ArrayLike, threshold: ArrayLike, default_value: ArrayLike) -> Array:
    """Returns `x` where it exceeds a threshold, and a constant elsewhere.

    Args:
        x: an array.
        threshold: the threshold.
        default_value: the constant.

    Example:

    >>> import cornu
    >>> cornu.ops.threshold([1.0, 3.0], 2.0, 0.0).tolist()
    [0.0, 3.0]
    """
    return jnp.where(to_array(x) > to_operand(threshold), to_operand(x), to_operand(default_value))


@op
def sigmoid(x: ArrayLike) -> Array:
    """Computes the sigmoid `1 / (1 + exp(-x))`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.sigmoid([0.0]).tolist()
    [0.5]
    """
    return jax.nn.sigmoid(to_float(x))


@op
def log_sigmoid(x: ArrayLike) -> Array:
    """Computes `log(sigmoid(x))`, accurate also for large negative values.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.log_sigmoid([0.0, -100.0])).round(3))
    [  -0.693 -100.   ]
    """
    return apply_with_stored_derivative(jax.nn.log_sigmoid, to_float(x))


@op
def softplus(x: ArrayLike) -> Array:
    """Computes the softplus `log(1 + exp(x))`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.softplus([0.0, 2.0])).round(3))
    [0.693 2.127]
    """
    return apply_with_stored_derivative(jax.nn.softplus, to_float(x))


@op
def softsign(x: ArrayLike) -> Array:
    """Computes the softsign `x / (1 + abs(x))`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.softsign([-1.0, 3.0]).tolist()
    [-0.5, 0.75]
    """
    return jax.nn.soft_sign(to_float(x))


@op
def silu(x: ArrayLike) -> Array:
    """Computes the sigmoid linear unit `x * sigmoid(x)`, also known as swish.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.silu([-1.0, 2.0])).round(3))
    [-0.269  1.762]
    """
    return apply_with_stored_derivative(jax.nn.silu, to_float(x))


@op
def swish(x: ArrayLike) -> Array:
    """Computes the swish function `x * sigmoid(x)`, also known as SiLU.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.swish([0.0, 1.0])).round(3))
    [0.    0.731]
    """
    return apply_with_stored_derivative(jax.nn.silu, to_float(x))


@op
def gelu(x: ArrayLike, approximate: bool = True) -> Array:
    """Computes the Gaussian error linear unit `x * P(X <= x)` for a standard normal X.

    Args:
        x: an array.
        approximate: whether to use `x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x**3)))`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.gelu([-1.0, 2.0], approximate=False)).round(3))
    [-0.159  1.954]
    """
    return apply_with_stored_derivative(jax.nn.gelu, to_float(x), approximate)


@op
def squareplus(x: ArrayLike, b: float = 4) -> Array:
    """Computes the squareplus function `(x + sqrt(x**2 + b)) / 2`.

    Args:
        x: an array.
        b: the smoothness; 0 gives `relu`.

    Example:

    >>> import cornu
    >>> cornu.activations.squareplus([0.0, 0.0]).tolist()
    [1.0, 1.0]
    """
    return apply_with_stored_derivative(jax.nn.squareplus, to_float(x), b)


@op
def sparse_plus(x: ArrayLike) -> Array:
    """Computes 0 for `x <= -1`, `x` for `x >= 1`, and `(x + 1)**2 / 4` in between.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.sparse_plus([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.25, 2.0]
    """
    return jax.nn.sparse_plus(to_float(x))


@op
def hard_sigmoid(x: ArrayLike) -> Array:
    """Computes a piecewise linear approximation of the sigmoid, `relu6(x + 3) / 6`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return jax.nn.hard_sigmoid(to_float(x))


@op
def hard_silu(x: ArrayLike) -> Array:
    """Computes `x * hard_sigmoid(x)`, also known as hard swish.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.activations.hard_silu([-4.0, 3.0]).tolist()
    [-0.0, 3.0]
    """
    return jax.nn.hard_silu(to_float(x))


@op
def hard_swish(x: ArrayLike) -> Array:
    """Computes `x * hard_sigmoid(x)`, also known as hard SiLU.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.hard_swish([-4.0, 3.0]).tolist()
    [-0.0, 3.0]
    """
    return jax.nn.hard_silu(to_float(x))


@op
def hard_tanh(x: ArrayLike) -> Array:
    """Computes a piecewise linear approximation of tanh, `min(max(x, -1), 1)`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.hard_tanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return jax.nn.hard_tanh(to_float(x))


@op
def sparse_sigmoid(x: ArrayLike) -> Array:
    """Computes the piecewise linear function `min(max((x + 1) / 2, 0), 1)`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.sparse_sigmoid([-2.0, 0.0, 2.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return jax.nn.sparse_sigmoid(to_float(x))


@op
def tanh_shrink(x: ArrayLike) -> Array:
    """Computes `x - tanh(x)`.

    Args:
        x: an array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.activations.tanh_shrink([0.0, 2.0])).round(3))
    [0.    1.036]
    """
    x = to_float(x)
    return x - jnp.tanh(x)


@op
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """Returns `x` where its absolute value exceeds a threshold, and 0 elsewhere.

    Args:
        x: an array.
        threshold: the threshold.

    Example:

    >>> import cornu
    >>> cornu.ops.hard_shrink([-0.25, 2.0]).tolist()
    [0.0, 2.0]
    """
    x = to_float(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0)


@op
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """Moves elements toward zero by a threshold; elements within the threshold become 0.

    Args:
        x: an array.
        threshold: the threshold.

    Example:

    >>> import cornu
    >>> cornu.ops.soft_shrink([-0.25, 2.0]).tolist()
    [0.0, 1.5]
    """
    x = to_float(x)
    return x - jnp.clip(x, -threshold, threshold)


@op
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """Computes the gated linear unit `a * sigmoid(b)` of the two halves of an axis.

    Args:
        x: an array.
        axis: the axis, of even size.

    Example:

    >>> import cornu
    >>> cornu.activations.glu([2.0, 4.0, 0.0, 0.0]).tolist()
    [1.0, 2.0]
    """
    return jax.nn.glu(to_float(x), axis=axis)


@op
def softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """Computes `exp(x) / sum(exp(x))` along an axis.

    Args:
        x: an array.
        axis: the axis, or several axes that share one sum.

    Example:

    >>> import cornu
    >>> cornu.ops.softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = to_array(x)
    current = scope.current()
    single = isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1
    # For layers of models, `fit` raises this warning together with the path of the layer.
    if single and not (current.inferring_shapes or current.in_pure_function):
        warn(
            "C012",
            f"softmax over axis {axis} of an array of shape {x.shape} is 1 everywhere, since the "
            "axis has size 1. For a single output use sigmoid.",
            stacklevel=user_stacklevel(),
        )
    return wide_softmax(x, axis)


@op
def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """Computes `x - log(sum(exp(x)))` along an axis: the logarithm of `softmax`, without overflow.

    Args:
        x: an array.
        axis: the axis, or several axes that share one sum.

    Example:

    >>> import cornu
    >>> cornu.ops.log_softmax([-1000.0, 0.0]).tolist()
    [-1000.0, 0.0]
    """
    x = to_float(x)
    return jax.nn.log_softmax(widen(x), axis=axis).astype(x.dtype)


@op
def sparsemax(x: ArrayLike, axis: int = -1) -> Array:
    """Projects onto the probability simplex: non-negative numbers with sum 1, many of them 0.

    The result is `max(x - t, 0)`, with the threshold `t` for which the sum along the axis is 1.

    Args:
        x: an array.
        axis: the axis.

    Example:

    >>> import cornu
    >>> cornu.ops.sparsemax([1.0, 0.5, -1.0]).tolist()
    [0.75, 0.25, 0.0]

    References: Martins and Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of
    Attention and Multi-Label Classification".

    Fixes: in Keras 3.15, results with at least two nonzero elements do not sum to 1
    (keras-team/keras#23425).
    """
    dtype = to_float(x).dtype
    x = widen(to_float(x))
    descending: Any = jnp.flip(jnp.sort(x, axis=axis), axis)
    # The ranks count along the axis and broadcast along the others.
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    ranks = jnp.arange(1, x.shape[axis] + 1).reshape(shape)
    # Algorithm 1 of the paper: the support is the largest set of leading elements for which all
    # results are positive.
    support = descending * ranks > jnp.cumsum(descending, axis=axis) - 1
    count = jnp.sum(support, axis=axis, keepdims=True)
    total = jnp.sum(jnp.where(support, descending, 0), axis=axis, keepdims=True)
    return jnp.maximum(x - (total - 1) / count, 0).astype(dtype)
