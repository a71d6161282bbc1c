"""Formulas of probabilistic losses and metrics."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops, settings
from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import warn
from cornu.ops.nn.loss import normalize_sum
from cornu.ops.precision import in_float32
from cornu.parts.formulas.align import match_shapes, match_sparse_shapes, mean_over_outputs
from cornu.types import Array, ArrayLike

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "kl_divergence",
    "poisson",
    "sparse_categorical_crossentropy",
]


@mean_over_outputs
@op
@in_float32
def binary_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Computes `-mean(y_true * log(p) + (1 - y_true) * log(1 - p))` over an axis.

    Args:
        y_true: the labels, from 0 to 1.
        y_pred: probabilities `p`; they are clipped to `[epsilon, 1 - epsilon]`.
        from_logits: whether `y_pred` contains logits, `log(p / (1 - p))`, which is more accurate.
        label_smoothing: the smoothing; with 0.1, the labels 0 and 1 become 0.05 and 0.95.
        axis: the axis of the mean.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> round(float(binary_crossentropy([1.0, 0.0], [0.5, 0.5])), 4)
    0.6931
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    return jnp.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@mean_over_outputs
@op
@in_float32
def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Computes the focal binary cross-entropy `(1 - q) ** gamma * bce`.

    `q` is the predicted probability of the true class.

    Args:
        y_true: the labels, from 0 to 1.
        y_pred: probabilities.
        apply_class_balancing: whether class 1 has the weight `alpha` and class 0 `1 - alpha`.
        alpha: the weight of class 1.
        gamma: the focusing parameter; 0 for plain cross-entropy. With larger values, samples that
            are classified well have less weight.
        from_logits: whether `y_pred` contains logits.
        label_smoothing: the smoothing; with 0.1, the labels 0 and 1 become 0.05 and 0.95.
        axis: the axis of the mean.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> loss = cornu.losses.binary_focal_crossentropy([[1.0, 0.0]], [[0.8, 0.3]])
    >>> print(np.asarray(loss).round(3))
    [0.021]

    References: Tsung-Yi Lin et al. (2017), "Focal Loss for Dense Object Detection",
    arXiv:1708.02002.
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    if from_logits:
        # The focal factor requires probabilities.
        y_pred = jax.nn.sigmoid(y_pred)
    correct = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    values = jnp.power(1 - correct, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return jnp.mean(values, axis=axis)


@op
@in_float32
def categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Computes `-sum(y_true * log(p))` over the classes.

    Args:
        y_true: one-hot labels, or probabilities of the classes.
        y_pred: probabilities `p`; they are normalized to sum 1 and clipped to
            `[epsilon, 1 - epsilon]`.
        from_logits: whether `y_pred` contains logits, which is more accurate.
        label_smoothing: the fraction of each label that is distributed evenly over all classes.
        axis: the class axis.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> round(float(categorical_crossentropy([0.0, 1.0], [0.0, 0.0], from_logits=True)), 4)
    0.6931
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    _check_classes("categorical_crossentropy", y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@op
@in_float32
def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """Computes `-sum(alpha * (1 - p) ** gamma * y_true * log(p))` over the classes.

    Args:
        y_true: one-hot labels.
        y_pred: probabilities `p`.
        alpha: a weight, or one weight per class.
        gamma: the focusing parameter; 0 for plain cross-entropy. With larger values, samples that
            are classified well have less weight.
        from_logits: whether `y_pred` contains logits.
        label_smoothing: the fraction of each label that is distributed evenly over all classes.
        axis: the class axis.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> loss = cornu.losses.categorical_focal_crossentropy([[1.0, 0.0]], [[0.8, 0.2]])
    >>> print(np.asarray(loss).round(4))
    [0.0022]

    References: Tsung-Yi Lin et al. (2017), "Focal Loss for Dense Object Detection",
    arXiv:1708.02002.
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    _check_classes("categorical_focal_crossentropy", y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[axis])
    p = jax.nn.softmax(y_pred, axis=axis) if from_logits else y_pred
    epsilon = settings.get("epsilon")
    p = jnp.clip(normalize_sum(p, axis), epsilon, 1 - epsilon)
    weights = jnp.asarray(alpha, p.dtype) * jnp.power(1 - p, gamma)
    return -jnp.sum(weights * y_true * jnp.log(p), axis=axis)


@op
@in_float32
def sparse_categorical_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Array:
    """Computes `-log(p[y_true])`, the cross-entropy of class indices.

    Args:
        y_true: the class indices, with or without a last axis of size 1.
        y_pred: probabilities `p`; they are normalized to sum 1 and clipped to
            `[epsilon, 1 - epsilon]`.
        from_logits: whether `y_pred` contains logits, which is more accurate.
        ignore_class: an index that marks missing labels; their values are 0 and are excluded from
            means.
        axis: the class axis.

    Shapes: y_true (batch, ...), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> values = sparse_categorical_crossentropy([1, 0], [[0.0, 1.0], [0.5, 0.5]])
    >>> [round(float(value), 4) for value in values]
    [0.0, 0.6931]
    """
    y_true, y_pred = match_sparse_shapes(y_true, y_pred, axis)
    if ignore_class is None:
        return _sparse(y_true, y_pred, from_logits, axis)
    valid = y_true != ignore_class
    y_true = jnp.where(valid, y_true, 0)
    # Predictions without a label may be NaN. They are replaced before the formula, because masking
    # only its result would leave a gradient of NaN.
    y_pred = jnp.where(jnp.expand_dims(valid, axis), y_pred, 1)
    values = jnp.where(valid, _sparse(y_true, y_pred, from_logits, axis), 0)
    scope.current().masks.put(values, valid)
    return values


@op
@in_float32
def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `sum(y_true * log(y_true / y_pred))` over the last axis.

    Args:
        y_true: the true probabilities.
        y_pred: the predicted probabilities; both are clipped to `[epsilon, 1]`.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.losses.kl_divergence([[0.5, 0.5]], [[0.9, 0.1]])).round(3))
    [0.511]

    References: Solomon Kullback, Richard Leibler (1951), "On Information and Sufficiency".
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    # Clipped, because the gradient of 0 * log(0) is NaN.
    y_true = jnp.clip(y_true, settings.get("epsilon"), 1)
    y_pred = jnp.clip(y_pred, settings.get("epsilon"), 1)
    return jnp.sum(y_true * jnp.log(y_true / y_pred), axis=-1)


@mean_over_outputs
@op
@in_float32
def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean(y_pred - y_true * log(y_pred + epsilon))` over the last axis.

    Args:
        y_true: the counts.
        y_pred: the predicted rates, positive.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.losses.poisson([[2.0, 0.0]], [[1.0, 3.0]])).round(3))
    [2.]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + settings.get("epsilon")), axis=-1)


def _sparse(y_true: Array, y_pred: Array, from_logits: bool, axis: int) -> Array:
    return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def _smooth(y_true: Array, label_smoothing: float, classes: int) -> Array:
    if not label_smoothing:
        return y_true
    return y_true * (1 - label_smoothing) + label_smoothing / classes


def _check_classes(name: str, y_pred: Array, axis: int) -> None:
    if y_pred.shape[axis] == 1:
        warn(
            "C025",
            f"{name} of a single class (y_pred has shape {y_pred.shape}) is always 0. "
            "For two classes and one output, use binary_crossentropy.",
            stacklevel=user_stacklevel(),
        )
