"""Formulas of regression losses and metrics."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cornu import ops, settings
from cornu.core.graph.op import op
from cornu.ops.precision import in_float32
from cornu.parts.formulas.align import match_shapes, mean_over_outputs
from cornu.types import Array, ArrayLike

__all__ = [
    "cosine",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]


@mean_over_outputs
@op
@in_float32
def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean((y_true - y_pred) ** 2)` over the last axis.

    Args:
        y_true: the true values.
        y_pred: the predicted values.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> float(mean_squared_error([0.0, 1.0], [2.0, 1.0]))
    2.0
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


@mean_over_outputs
@op
@in_float32
def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean(|y_true - y_pred|)` over the last axis.

    Args:
        y_true: the true values.
        y_pred: the predicted values.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> mean_absolute_error([[0.0, 1.0], [2.0, 2.0]], [[1.0, 1.0], [0.0, 0.0]]).tolist()
    [0.5, 2.0]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


@mean_over_outputs
@op
@in_float32
def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `100 * mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis.

    Args:
        y_true: the true values.
        y_pred: the predicted values.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> import cornu
    >>> cornu.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).tolist()
    [25.0]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    size = jnp.maximum(jnp.abs(y_true), settings.get("epsilon"))
    return 100 * jnp.mean(jnp.abs((y_true - y_pred) / size), axis=-1)


@mean_over_outputs
@op
@in_float32
def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean((log(y_true + 1) - log(y_pred + 1)) ** 2)` over the last axis.

    Values below `epsilon` are replaced by `epsilon`.

    Args:
        y_true: the true values, non-negative.
        y_pred: the predicted values.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> loss = cornu.losses.mean_squared_logarithmic_error([[0.0, 1.0]], [[1.0, 1.0]])
    >>> print(np.asarray(loss).round(3))
    [0.24]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    epsilon = settings.get("epsilon")
    log_true = jnp.log(jnp.maximum(y_true, epsilon) + 1)
    log_pred = jnp.log(jnp.maximum(y_pred, epsilon) + 1)
    return jnp.mean(jnp.square(log_true - log_pred), axis=-1)


@mean_over_outputs
@op
@in_float32
def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> Array:
    """Computes the mean over the last axis of the Huber loss of `d = y_pred - y_true`.

        0.5 * d ** 2                    where |d| <= delta
        delta * |d| - 0.5 * delta ** 2  elsewhere

    Args:
        y_true: the true values.
        y_pred: the predicted values.
        delta: the absolute difference at which the loss becomes linear.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> huber([[0.0], [0.0]], [[0.5], [3.0]]).tolist()
    [0.125, 2.5]

    References: Peter J. Huber (1964), "Robust Estimation of a Location Parameter".
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    size = jnp.abs(y_pred - y_true)
    # Both branches are finite everywhere, so that the gradient of the unused one is 0.
    values = jnp.where(size <= delta, 0.5 * size * size, delta * size - 0.5 * delta * delta)
    return jnp.mean(values, axis=-1)


@mean_over_outputs
@op
@in_float32
def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean(log(cosh(y_pred - y_true)))` over the last axis.

    For small differences this is approximately half the squared error, for large ones the absolute
    error minus `log(2)`.

    Args:
        y_true: the true values.
        y_pred: the predicted values.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.losses.log_cosh([[0.0, 0.0]], [[1.0, 0.0]])).round(3))
    [0.217]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    # `log(cosh(d)) = d + softplus(-2 d) - log(2)`, which does not overflow for large d.
    d = y_pred - y_true
    return jnp.mean(d + jax.nn.softplus(-2 * d) - jnp.log(2.0).astype(d.dtype), axis=-1)


@op
@in_float32
def cosine(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """Computes the cosine of the angle between vectors, which is 1 for equal directions."""
    y_true, y_pred = match_shapes(y_true, y_pred)
    # `normalize` has a finite gradient for a vector of zeros.
    return jnp.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)
