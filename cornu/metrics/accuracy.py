"""Accuracies: how often predictions are correct."""

from __future__ import annotations

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.mean import MeanMetricWrapper
from cornu.parts.formulas.align import match_shapes, match_sparse_shapes
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


@op
def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes 1 where predictions equal labels, 0 elsewhere."""
    y_true, y_pred = match_shapes(y_true, y_pred)
    return _to_ones(y_true == y_pred)


@op
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> Array:
    """Computes 1 where `y_pred > threshold` agrees with a label of 0 or 1, 0 elsewhere.

    Args:
        y_true: labels 0 and 1.
        y_pred: probabilities.
        threshold: predictions above it count as 1.

    Shapes: y_true (batch, ...), y_pred (batch, ...) -> (batch, ...)

    Example:

    >>> binary_accuracy([1, 0], [0.9, 0.6]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return _to_ones(y_true == (y_pred > threshold).astype(y_true.dtype))


@op
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes 1 where the largest prediction is that of the correct class, 0 elsewhere.

    Args:
        y_true: one-hot labels.
        y_pred: scores of the classes.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return _to_ones(jnp.argmax(y_true, axis=-1) == jnp.argmax(y_pred, axis=-1))


@op
def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes 1 where the largest prediction is that of the correct class, 0 elsewhere.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: scores of the classes.

    Shapes: y_true (batch, ...), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = match_sparse_shapes(y_true, y_pred)
    return _to_ones(y_true == jnp.argmax(y_pred, axis=-1))


@op
def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> Array:
    """Computes 1 where the correct class is among the `k` largest predictions, 0 elsewhere.

    Args:
        y_true: one-hot labels.
        y_pred: scores of the classes.
        k: the number of predictions that count.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> import cornu
    >>> cornu.metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.6, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    return _in_top_k(jnp.argmax(y_true, axis=-1), y_pred, k)


@op
def sparse_top_k_categorical_accuracy(
    y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """Computes 1 where the correct class is among the `k` largest predictions, 0 elsewhere.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: scores of the classes; or class indices, the most likely first.
        k: the number of predictions that count.
        from_sorted_ids: whether `y_pred` contains class indices.

    Shapes: y_true (batch, ...), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> sparse_top_k_categorical_accuracy([2, 0], [[0.5, 0.1, 0.4], [0.1, 0.5, 0.4]], k=2).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = match_sparse_shapes(y_true, y_pred)
    if from_sorted_ids:
        return _to_ones(jnp.any(y_true[..., None] == y_pred[..., :k], axis=-1))
    return _in_top_k(y_true, y_pred, k)


def _in_top_k(labels: Array, scores: Array, k: int) -> Array:
    # Ties count in favor of the correct class, as in TensorFlow: only larger scores exclude it.
    score = jnp.take_along_axis(scores, labels[..., None], axis=-1)
    better = jnp.sum(scores > score, axis=-1)
    return _to_ones((better < k) & ~jnp.isnan(score[..., 0]))


def _to_ones(condition: Array) -> Array:
    return condition.astype(settings.get("floatx"))


class Accuracy(MeanMetricWrapper):
    """Computes how often predictions equal labels.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> float(Accuracy()([1, 2, 3, 4], [0, 2, 3, 4]))
    0.75
    """

    direction = "up"

    def __init__(
        self, name: str = "accuracy", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """Computes how often predictions, compared with a threshold, agree with labels 0 and 1.

    Args:
        name, dtype: see `Metric`.
        threshold: predictions above it count as 1; use 0 for logits.

    Example:

    >>> metric = BinaryAccuracy()
    >>> round(float(metric([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]])), 4)
    0.6667
    """

    direction = "up"

    def __init__(
        self,
        name: str = "binary_accuracy",
        dtype: DTypeLike | DTypePolicy | None = None,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """Computes how often the largest prediction is that of the correct class, for one-hot labels.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = CategoricalAccuracy()
    >>> round(float(metric([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    0.5
    """

    direction = "up"

    def __init__(
        self, name: str = "categorical_accuracy", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Computes how often the largest prediction is that of the correct class, for class indices.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = SparseCategoricalAccuracy()
    >>> round(float(metric([1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    0.5
    """

    direction = "up"

    def __init__(
        self,
        name: str = "sparse_categorical_accuracy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Computes how often the correct class is among the `k` largest predictions.

    Args:
        k: the number of predictions that count.
        name, dtype: see `Metric`.

    Example:

    >>> metric = TopKCategoricalAccuracy(k=2)
    >>> round(float(metric([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.0
    """

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "top_k_categorical_accuracy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Computes how often the correct class is among the `k` largest predictions.

    Args:
        k: the number of predictions that count.
        name, dtype: see `Metric`.
        from_sorted_ids: whether predictions are class indices, the most likely first.

    Example:

    >>> metric = SparseTopKCategoricalAccuracy(k=2)
    >>> round(float(metric([1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.0
    """

    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | DTypePolicy | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )
