"""Metrics that count true and false positives and negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.metrics.base import Metric
from cornu.metrics.mean import divide
from cornu.parts.formulas.align import aligned, spread

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
]

# Below every prediction; stands for those that are not among the k largest.
_NOTHING = -1e10


class ConfusionCounts(NamedTuple):
    """True and false positives and negatives, for each threshold (and label)."""

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any


def count_confusion(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    *,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Any = None,
    by_label: bool = False,
    dtype: Any = None,
) -> ConfusionCounts:
    """Counts where predictions above each threshold meet labels that are not 0.

    Args:
        y_true: labels.
        y_pred: predictions.
        thresholds: in ascending order.
        sample_weight: weights, one per sample or more.
        top_k: how many of the largest predictions of a sample count; all by default.
        class_id: the only class (last axis) that counts.
        label_weights: weights along the last axis.
        by_label: whether to count each label (last axis) by itself.
        dtype: what is counted in.

    Returns:
        Counts of shape (thresholds,), or (thresholds, labels) with `by_label`.
    """
    y_true, y_pred = aligned(y_true, jnp.asarray(y_pred, dtype))
    weights = jnp.ones((), dtype) if sample_weight is None else jnp.asarray(sample_weight, dtype)
    weights = spread(weights, y_pred.shape)
    if top_k is not None:
        y_pred = _largest(y_pred, top_k)
    if class_id is not None:
        if y_pred.ndim < 2:
            raise ValueError(
                f"class_id needs predictions of shape (batch, classes). Received: {y_pred.shape}"
            )
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
        if weights.ndim:
            weights = weights[..., class_id if weights.shape[-1] > 1 else 0]
    if label_weights is not None:
        weights = weights * label_weights
    weights = jnp.broadcast_to(weights, y_pred.shape)
    labels = y_pred.shape[-1] if by_label else 1
    y_true, y_pred, weights = (a.reshape(-1, labels) for a in (y_true, y_pred, weights))
    positives = jnp.where(y_true != 0, weights, 0)
    negatives = jnp.where(y_true != 0, 0, weights)
    above = _above_even if is_even(thresholds) else _above
    true_positives = above(y_pred, positives, thresholds)
    false_positives = above(y_pred, negatives, thresholds)
    counts = ConfusionCounts(
        true_positives,
        false_positives,
        jnp.sum(negatives, axis=0) - false_positives,
        jnp.sum(positives, axis=0) - true_positives,
    )
    return counts if by_label else ConfusionCounts(*(c[:, 0] for c in counts))


def _above(y_pred: Any, weights: Any, thresholds: Sequence[float]) -> Any:
    limits = jnp.asarray(np.asarray(thresholds), y_pred.dtype)[:, None, None]
    return jnp.sum(jnp.where(y_pred > limits, weights, 0), axis=1)


def _above_even(y_pred: Any, weights: Any, thresholds: Sequence[float]) -> Any:
    """The same for thresholds that are evenly spaced from 0 to 1, in one pass over the data."""
    number, labels = len(thresholds), y_pred.shape[1]
    buckets = jnp.ceil(jnp.clip(y_pred, 0, 1) * (number - 1)).astype("int32") - 1
    if thresholds[0] < 0:
        buckets = jnp.maximum(buckets, 0)
    # What is not above the first threshold has a negative bucket, and is dropped.
    cells = jnp.where(buckets < 0, -1, buckets * labels + jnp.arange(labels))
    sums = jax.ops.segment_sum(weights.reshape(-1), cells.reshape(-1), number * labels)
    return jnp.flip(jnp.cumsum(jnp.flip(sums.reshape(number, labels), 0), axis=0), 0)


def is_even(thresholds: Sequence[float]) -> bool:
    """Tells whether thresholds are evenly spaced from 0 to 1."""
    number = len(thresholds)
    even = np.arange(number, dtype="float32") / max(number - 1, 1)
    return number >= 3 and np.allclose(thresholds, even, atol=settings.get("epsilon"))


def _largest(y_pred: Any, k: int) -> Any:
    _, places = jax.lax.top_k(y_pred, k)
    chosen = jnp.sum(jax.nn.one_hot(places, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
    return jnp.where(chosen > 0, y_pred, _NOTHING)


def _check_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Returns thresholds as a list, after checking them."""
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    bad = [t for t in found if t is None or not 0 <= t <= 1]
    if bad:
        raise ValueError(f"thresholds must be numbers from 0 to 1. Received: {bad}")
    return found


class _ConfusionMetric(Metric):
    """Base of metrics that count one of the four."""

    counted: ClassVar[str]

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.thresholds = _check_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: labels; all but 0 are positive.
            y_pred: predictions; positive above the threshold.
            sample_weight: weights, one per sample or more.
        """
        counts = count_confusion(y_true, y_pred, self.thresholds, sample_weight, dtype=self.dtype)
        self.accumulator.assign_add(getattr(counts, self.counted))

    def result(self) -> Any:
        """Returns the number, or one for each threshold if there are several."""
        numbers = self.accumulator.value
        return numbers[0] if len(self.thresholds) == 1 else numbers


class TruePositives(_ConfusionMetric):
    """Counts labels 1 that are predicted as 1.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        name, dtype: see `Metric`.

    Example:

    >>> float(TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
    2.0
    """

    counted = "true_positives"


class FalsePositives(_ConfusionMetric):
    """Counts labels 0 that are predicted as 1.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        name, dtype: see `Metric`.
    """

    counted = "false_positives"


class TrueNegatives(_ConfusionMetric):
    """Counts labels 0 that are predicted as 0.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        name, dtype: see `Metric`.
    """

    counted = "true_negatives"


class FalseNegatives(_ConfusionMetric):
    """Counts labels 1 that are predicted as 0.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        name, dtype: see `Metric`.
    """

    counted = "false_negatives"


class _RatioMetric(Metric):
    """Base of precision and recall: the true positives as a share of something."""

    direction = "up"
    other: ClassVar[str]

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.thresholds = _check_thresholds(thresholds, 0.5 if top_k is None else _NOTHING)
        self.top_k = top_k
        self.class_id = class_id
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.others = self.add_variable(shape, "zeros", name=self.other)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: labels; all but 0 are positive.
            y_pred: predictions; positive above the threshold.
            sample_weight: weights, one per sample or more.
        """
        counts = count_confusion(
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
            dtype=self.dtype,
        )
        self.true_positives.assign_add(counts.true_positives)
        self.others.assign_add(getattr(counts, self.other))

    def result(self) -> Any:
        """Returns the share, or one for each threshold if there are several; 0 of nothing."""
        right = self.true_positives.value
        shares = divide(right, right + self.others)
        return shares[0] if len(self.thresholds) == 1 else shares


class Precision(_RatioMetric):
    """Computes the share of what is predicted as 1 that is labeled 1.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        top_k: how many of the largest predictions of a sample can count as 1.
        class_id: the only class (last axis) that counts.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """

    other = "false_positives"


class Recall(_RatioMetric):
    """Computes the share of what is labeled 1 that is predicted as 1.

    Args:
        thresholds: above it a prediction counts as 1: a number or several, 0.5 by default.
        top_k: how many of the largest predictions of a sample can count as 1.
        class_id: the only class (last axis) that counts.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """

    other = "false_negatives"
