"""Cross-entropies and the peak signal-to-noise ratio."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.ops.precision import in_float32
from cornu.types import Array, ArrayLike

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "psnr",
    "sparse_categorical_crossentropy",
]


@op
@in_float32
def binary_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False) -> Array:
    """Computes `-target * log(output) - (1 - target) * log(1 - output)` elementwise.

    Args:
        target: the labels, from 0 to 1.
        output: the predicted probabilities, clipped to [epsilon, 1 - epsilon].
        from_logits: whether `output` contains logits, to which a sigmoid is applied.

    Shapes:
        target (...), output (...) -> (...).

    Raises:
        ValueError: the shapes differ.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.binary_crossentropy(1.0, 0.5)), 4)
    0.6931
    """
    target, output = to_float(target), to_array(output)
    _check_equal(target, output, "binary_crossentropy")
    if from_logits:
        # `log(1 - sigmoid(x))` is `log_sigmoid(-x)`, which does not overflow for large logits.
        yes, no = jax.nn.log_sigmoid(output), jax.nn.log_sigmoid(-output)
    else:
        output = _clip_probability(output)
        yes, no = jnp.log(output), jnp.log(1.0 - output)
    return -(_weight(target, yes) + _weight(1.0 - target, no))


@op
@in_float32
def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Computes `-sum(target * log(output))` along the class axis.

    Args:
        target: the true distribution, such as a one-hot label.
        output: the predicted probabilities; they are normalized to sum 1 and clipped to
            [epsilon, 1 - epsilon].
        from_logits: whether `output` contains logits, to which a softmax is applied.
        axis: the class axis.

    Shapes:
        target (..., classes), output (..., classes) -> (...).

    Raises:
        ValueError: the shapes differ, or the arrays are scalars.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
    0.6931
    """
    target, output = to_float(target), to_array(output)
    _check_equal(target, output, "categorical_crossentropy")
    _check_axis(output, "categorical_crossentropy")
    return -jnp.sum(_weight(target, _log_probability(output, from_logits, axis)), axis=axis)


@op
@in_float32
def sparse_categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """Computes `-log(output[target])` along the class axis.

    Args:
        target: the true classes as integers; values outside the range of classes, such as -1,
            have a loss of 0.
        output: the predicted probabilities; they are normalized to sum 1 and clipped to
            [epsilon, 1 - epsilon].
        from_logits: whether `output` contains logits, to which a softmax is applied.
        axis: the class axis.

    Shapes:
        target (...) or (..., 1), output (..., classes) -> (...).

    Raises:
        ValueError: the shapes are incompatible.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
    0.6931

    Fixes: the dtype of the result is that of `output`, as for symbolic Tensors; Keras 3.15 on JAX
    returns float32 for outputs in half precision.
    """
    target, output = to_array(target), to_array(output)
    target = target.astype("int32")
    _check_axis(output, "sparse_categorical_crossentropy")
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = jnp.squeeze(target, -1)
    if target.shape != output.shape[:-1]:
        raise ValueError(
            "sparse_categorical_crossentropy: expected one class per row of the output, a target "
            f"of shape {output.shape[:-1]} for an output of shape {output.shape}. "
            f"Received a target of shape {target.shape}"
        )
    log_probability = _log_probability(output, from_logits, axis)
    # The one-hot vector of an index out of range is 0, which gives a loss of 0.
    chosen = jax.nn.one_hot(target, output.shape[axis], axis=axis, dtype="bool")
    return -jnp.sum(jnp.where(chosen, log_probability, 0), axis=axis)


@op
@in_float32
def psnr(x1: ArrayLike, x2: ArrayLike, max_val: ArrayLike) -> Array:
    """Computes the peak signal-to-noise ratio in decibels.

    `20 * log10(max_val) - 10 * log10(mean((x1 - x2)**2))`

    Args:
        x1: an image, or a batch of images, for which one ratio is computed.
        x2: an array of the same shape.
        max_val: the largest possible value of a pixel.

    Raises:
        ValueError: the shapes differ.

    Example:

    >>> import cornu
    >>> float(cornu.ops.psnr([0.0, 0.0], [1.0, 1.0], max_val=10.0))
    20.0
    """
    x1, x2, max_val = to_float(x1), to_array(x2), to_array(max_val)
    _check_equal(x1, x2, "psnr")
    return 20 * jnp.log10(max_val.astype(x2.dtype)) - 10 * jnp.log10(jnp.mean(jnp.square(x1 - x2)))


def _clip_probability(probability: Array) -> Array:
    epsilon = settings.get("epsilon")
    return jnp.clip(probability, epsilon, 1.0 - epsilon)


def _log_probability(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return jax.nn.log_softmax(output, axis=axis)
    # Clipped as in Keras: log(0) is infinite, and its gradient becomes NaN.
    return jnp.log(_clip_probability(normalize_sum(output, axis)))


def normalize_sum(x: Array, axis: int) -> Array:
    """Returns `x / sum(x)` along an axis, and zeros where the sum is 0."""
    total = jnp.sum(x, axis, keepdims=True)
    return x / jnp.where(total == 0, 1, total)


def _weight(target: Array, log_probability: Array) -> Array:
    # `0 * log(0)` is 0 in a cross-entropy: a class that a logit of -inf excludes does not count.
    return target * jnp.where((target == 0) & jnp.isneginf(log_probability), 0, log_probability)


def _check_equal(a: Array, b: Array, op_name: str) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{op_name}: the shapes must be equal. Received: {a.shape} and {b.shape}")


def _check_axis(output: Array, op_name: str) -> None:
    if output.ndim < 1:
        raise ValueError(f"{op_name}: the output must have a class axis. Received a scalar")
