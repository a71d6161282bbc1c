"""Activation functions, element by element, and those that look at a whole axis."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn
from cornu.ops._table import define, floats, row

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

# Cut off at zero.
relu = row("relu(x)", jax.nn.relu, "`max(x, 0)`.")
relu6 = row("relu6(x)", jax.nn.relu6, "`min(max(x, 0), 6)`.")
leaky_relu = row(
    "leaky_relu(x, negative_slope=0.2)",
    jax.nn.leaky_relu,
    """`x` for positive numbers, `negative_slope * x` for the others.
    negative_slope: the slope below zero.""",
)
elu = row(
    "elu(x, alpha=1.0)",
    floats(jax.nn.elu),
    """`x` for positive numbers, `alpha * (exp(x) - 1)` for the others.
    alpha: minus the limit at minus infinity.""",
)
selu = row(
    "selu(x)",
    floats(jax.nn.selu),
    "`1.0507 * elu(x, 1.6733)`, which keeps mean 0 and variance 1 from layer to layer.",
)
celu = row(
    "celu(x, alpha=1.0)",
    floats(jax.nn.celu),
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`, smooth for every alpha.
    alpha: minus the limit at minus infinity.""",
)
threshold = row(
    "threshold(x, threshold, default_value)",
    lambda x, threshold, default_value: jnp.where(x > threshold, x, default_value),
    """`x` where it is above a threshold, a fixed value elsewhere.
    threshold: the threshold.
    default_value: the fixed value.""",
)

# Smooth steps and ramps.
sigmoid = row("sigmoid(x)", floats(jax.nn.sigmoid), "`1 / (1 + exp(-x))`.")
log_sigmoid = row(
    "log_sigmoid(x)", floats(jax.nn.log_sigmoid), "`log(sigmoid(x))`, exact also for small values."
)
softplus = row("softplus(x)", floats(jax.nn.softplus), "`log(1 + exp(x))`.")
softsign = row("softsign(x)", floats(jax.nn.soft_sign), "`x / (1 + abs(x))`.")
silu = row("silu(x)", floats(jax.nn.silu), "`x * sigmoid(x)`, also known as swish.")
swish = row("swish(x)", floats(jax.nn.silu), "`x * sigmoid(x)`, also known as SiLU.")
gelu = row(
    "gelu(x, approximate=True)",
    floats(jax.nn.gelu),
    """`x * P(X <= x)` for a standard normal X.
    approximate: whether to use `x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x**3)))`.""",
)
squareplus = row(
    "squareplus(x, b=4)",
    floats(jax.nn.squareplus),
    """`(x + sqrt(x**2 + b)) / 2`.
    b: how smooth it is; 0 is `relu`.""",
)
sparse_plus = row(
    "sparse_plus(x)",
    floats(jax.nn.sparse_plus),
    "0 up to -1, `x` from 1 on, and `(x + 1)**2 / 4` between.",
)

# Straight pieces instead of curves.
hard_sigmoid = row("hard_sigmoid(x)", floats(jax.nn.hard_sigmoid), "`relu6(x + 3) / 6`.")
hard_silu = row("hard_silu(x)", floats(jax.nn.hard_silu), "`x * hard_sigmoid(x)`.")
hard_swish = row("hard_swish(x)", floats(jax.nn.hard_silu), "`x * hard_sigmoid(x)`.")
hard_tanh = row("hard_tanh(x)", jax.nn.hard_tanh, "`min(max(x, -1), 1)`.")
sparse_sigmoid = row(
    "sparse_sigmoid(x)", floats(jax.nn.sparse_sigmoid), "`min(max((x + 1) / 2, 0), 1)`."
)

# Pulled towards zero.
tanh_shrink = row("tanh_shrink(x)", floats(lambda x: x - jnp.tanh(x)), "`x - tanh(x)`.")
hard_shrink = row(
    "hard_shrink(x, threshold=0.5)",
    floats(lambda x, threshold: jnp.where(jnp.abs(x) > threshold, x, 0)),
    """`x` where its absolute value is above a threshold, 0 elsewhere.
    threshold: the threshold.""",
)
soft_shrink = row(
    "soft_shrink(x, threshold=0.5)",
    floats(lambda x, threshold: x - jnp.clip(x, -threshold, threshold)),
    """`x` moved towards zero by a threshold, not beyond.
    threshold: the threshold.""",
)

# Along an axis.
glu = row(
    "glu(x, axis=-1)",
    floats(jax.nn.glu),
    """The gated linear unit `a * sigmoid(b)` of the two halves of an axis.
    axis: the axis, of even size.""",
)


@define
def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """`exp(x) / sum(exp(x))`: positive numbers that add up to 1 along an axis.

    Args:
        x: an array.
        axis: the axis, or axes taken together.

    Example:

    >>> import cornu
    >>> cornu.ops.softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    around = scope.current()
    of_one = isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.shape[axis] == 1
    if of_one and not (
        around.inferring_shapes or around.in_pure_function
    ):  # of models, `fit` says it with the path
        warn(
            "C012",
            f"softmax over axis {axis} of an array of shape {x.shape} is 1 everywhere, since the "
            "axis has size 1. For a single output use sigmoid.",
            stacklevel=user_stacklevel(),
        )
    return floats(jax.nn.softmax)(x, axis=axis)


@define
def log_softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """`x - log(sum(exp(x)))` along an axis: the logarithm of `softmax`, without overflow.

    Args:
        x: an array.
        axis: the axis, or axes taken together.

    Example:

    >>> import cornu
    >>> cornu.ops.log_softmax([-1000.0, 0.0]).tolist()
    [-1000.0, 0.0]
    """
    return floats(jax.nn.log_softmax)(x, axis=axis)


@define
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The nearest point of the simplex: numbers from 0 on that add up to 1, many of them 0.

    `max(x - t, 0)`, the threshold t being such that the sum along the axis is 1.

    Args:
        x: an array.
        axis: the axis.

    Example:

    >>> import cornu
    >>> cornu.ops.sparsemax([1.0, 0.5, -1.0]).tolist()
    [0.75, 0.25, 0.0]

    References: Martins and Astudillo (2016), "From Softmax to Sparsemax: A Sparse Model of
    Attention and Multi-Label Classification".

    Differences: Keras 3.15 adds up too much where two or more of the results are not zero, which
    then do not add up to 1.
    """
    falling: Any = jnp.flip(jnp.sort(x, axis=axis), axis)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    ranks = jnp.arange(1, x.shape[axis] + 1).reshape(shape)
    above = falling * ranks > jnp.cumsum(falling, axis=axis) - 1
    count = jnp.sum(above, axis=axis, keepdims=True)
    total = jnp.sum(jnp.where(above, falling, 0), axis=axis, keepdims=True)
    return jnp.maximum(x - (total - 1) / count, 0)
