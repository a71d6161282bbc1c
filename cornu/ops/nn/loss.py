"""Cross-entropies and other distances of a target and what was predicted."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.types import Array, ArrayLike

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "psnr",
    "sparse_categorical_crossentropy",
]


@op
def binary_crossentropy(target: ArrayLike, output: ArrayLike, from_logits: bool = False) -> Array:
    """`-target * log(output) - (1 - target) * log(1 - output)`, element by element.

    Args:
        target: what is true, from 0 to 1.
        output: the predicted probabilities, kept away from 0 and 1 by the process-wide epsilon.
        from_logits: whether `output` is before the sigmoid.

    Shapes:
        target (...), output (...) -> (...).

    Raises:
        ValueError: the shapes differ.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.binary_crossentropy(1.0, 0.5)), 4)
    0.6931
    """
    target, output = to_array(target), to_array(output)
    _check_equal(target, output, "binary_crossentropy")
    if from_logits:
        yes, no = jax.nn.log_sigmoid(output), jax.nn.log_sigmoid(-output)
    else:
        output = _inside(output)
        yes, no = jnp.log(output), jnp.log(1.0 - output)
    return -(target * yes + (1.0 - target) * no)


@op
def categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """`-sum(target * log(output))` along the axis of classes.

    Args:
        target: the true distribution, one-hot for a label.
        output: the predicted probabilities, scaled here so that they add up to 1, and kept away
            from 0 and 1 by the process-wide epsilon.
        from_logits: whether `output` is before the softmax.
        axis: the axis of classes.

    Shapes:
        target (..., classes), output (..., classes) -> (...).

    Raises:
        ValueError: the shapes differ, or there is no axis.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
    0.6931
    """
    target, output = to_array(target), to_array(output)
    _check_equal(target, output, "categorical_crossentropy")
    _check_axis(output, "categorical_crossentropy")
    return -jnp.sum(target * _log_probability(output, from_logits, axis), axis=axis)


@op
def sparse_categorical_crossentropy(
    target: ArrayLike, output: ArrayLike, from_logits: bool = False, axis: int = -1
) -> Array:
    """`-log(output[target])` along the axis of classes.

    Args:
        target: the true classes, as integers; one that does not exist (-1) costs nothing.
        output: the predicted probabilities, scaled here so that they add up to 1, and kept away
            from 0 and 1 by the process-wide epsilon.
        from_logits: whether `output` is before the softmax.
        axis: the axis of classes.

    Shapes:
        target (...) or (..., 1), output (..., classes) -> (...).

    Raises:
        ValueError: the shapes do not belong together.

    Example:

    >>> import cornu
    >>> round(float(cornu.ops.sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
    0.6931
    """
    target, output = to_array(target), to_array(output)
    target = target.astype("int32")
    _check_axis(output, "sparse_categorical_crossentropy")
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = jnp.squeeze(target, -1)
    if target.shape != output.shape[:-1]:
        raise ValueError(
            "sparse_categorical_crossentropy takes one class for each row of the output: a target "
            f"of shape {output.shape[:-1]} for an output of shape {output.shape}. "
            f"Received a target of shape {target.shape}"
        )
    log_probability = _log_probability(output, from_logits, axis)
    chosen = jax.nn.one_hot(target, output.shape[axis], axis=axis, dtype=log_probability.dtype)
    return -jnp.sum(chosen * log_probability, axis=axis)


@op
def psnr(x1: ArrayLike, x2: ArrayLike, max_val: ArrayLike) -> Array:
    """The peak signal-to-noise ratio in decibels.

    `20 * log10(max_val) - 10 * log10(mean((x1 - x2)**2))`

    Args:
        x1: an image (or a batch of them, taken as a whole).
        x2: another of the same shape.
        max_val: the largest value that a pixel can have.

    Raises:
        ValueError: the shapes differ.

    Example:

    >>> import cornu
    >>> float(cornu.ops.psnr([0.0, 0.0], [1.0, 1.0], max_val=10.0))
    20.0
    """
    x1, x2, max_val = to_array(x1), to_array(x2), to_array(max_val)
    _check_equal(x1, x2, "psnr")
    return 20 * jnp.log10(max_val.astype(x2.dtype)) - 10 * jnp.log10(jnp.mean(jnp.square(x1 - x2)))


def _inside(probability: Array) -> Array:
    epsilon = settings.get("epsilon")
    return jnp.clip(probability, epsilon, 1.0 - epsilon)


def _log_probability(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return jax.nn.log_softmax(output, axis=axis)
    return jnp.log(_inside(output / jnp.sum(output, axis, keepdims=True)))


def _check_equal(a: Array, b: Array, who: str) -> None:
    if a.shape != b.shape:
        raise ValueError(f"{who} takes two arrays of one shape. Received: {a.shape} and {b.shape}")


def _check_axis(output: Array, who: str) -> None:
    if output.ndim < 1:
        raise ValueError(f"{who} needs an axis of classes. Received a single number as output.")
