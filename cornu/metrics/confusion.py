"""Metrics of the confusion matrix: true and false positives and negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.core.state.variable import Variable
from cornu.metrics.base import Metric
from cornu.metrics.mean import divide
from cornu.metrics.sums import add_sums
from cornu.parts.formulas.align import expand_weights, match_shapes
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
]

# Replaces predictions that are not among the k largest: below every threshold.
_EXCLUDED = -1e10


class ConfusionCounts(NamedTuple):
    """The Variables of true and false positives and negatives; None for one that is not counted."""

    true_positives: Variable | None = None
    false_positives: Variable | None = None
    true_negatives: Variable | None = None
    false_negatives: Variable | None = None


def add_confusion(
    counts: ConfusionCounts,
    y_true: ArrayLike,
    y_pred: ArrayLike,
    thresholds: Sequence[float],
    sample_weight: ArrayLike | None = None,
    *,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: np.ndarray | None = None,
    by_label: bool = False,
    dtype: DTypeLike | None = None,
) -> None:
    """Adds the true and false positives and negatives of a batch, at each threshold.

    Args:
        counts: the Variables, of shape (thresholds,), or (thresholds, labels) with `by_label`.
        y_true: labels; nonzero labels are positive.
        y_pred: predictions; positive above the threshold.
        thresholds: in ascending order.
        sample_weight: weights, one per sample or more.
        top_k: the number of largest predictions of a sample that can be positive; None for all.
        class_id: the index of the class (last axis) to evaluate; None for all.
        label_weights: weights of the labels (last axis).
        by_label: whether to count each label (last axis) separately.
        dtype: the dtype of the counts.
    """
    y_true, y_pred = match_shapes(y_true, jnp.asarray(y_pred, dtype))
    weights = jnp.ones((), dtype) if sample_weight is None else jnp.asarray(sample_weight, dtype)
    # Before top_k and class_id: weights are given for the predictions as they were passed.
    weights = expand_weights(weights, y_pred.shape)
    if top_k is not None:
        y_pred = _keep_top_k(y_pred, top_k)
    if class_id is not None:
        if y_pred.ndim < 2:
            raise ValueError(
                f"class_id requires predictions of shape (batch, classes). Received: {y_pred.shape}"
            )
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
        if weights.ndim:
            weights = weights[..., class_id if weights.shape[-1] > 1 else 0]
    if label_weights is not None:
        weights = weights * label_weights
    weights = jnp.broadcast_to(weights, y_pred.shape)
    labels = y_pred.shape[-1] if by_label else 1
    y_true, y_pred, weights = (a.reshape(-1, labels) for a in (y_true, y_pred, weights))
    wanted = [
        name for name, variable in zip(counts._fields, counts, strict=True) if variable is not None
    ]
    above = _above_even if is_even(thresholds) else _above

    def count(y_true: Array, y_pred: Array, weights: Array) -> list[Array]:
        positives = jnp.where(y_true != 0, weights, 0)
        negatives = jnp.where(y_true != 0, 0, weights)
        # Sums of weights instead of booleans, so that one pass gives weighted counts.
        true_positives = above(y_pred, positives, thresholds)
        false_positives = above(y_pred, negatives, thresholds)
        sums = {
            "true_positives": true_positives,
            "false_positives": false_positives,
            "true_negatives": jnp.sum(negatives, axis=0) - false_positives,
            "false_negatives": jnp.sum(positives, axis=0) - true_positives,
        }
        return [sums[name] if by_label else sums[name][:, 0] for name in wanted]

    add_sums([getattr(counts, name) for name in wanted], count, y_true, y_pred, weights)


def _above(y_pred: Array, weights: Array, thresholds: Sequence[float]) -> Array:
    limits = jnp.asarray(np.asarray(thresholds), y_pred.dtype)[:, None, None]
    return jnp.sum(jnp.where(y_pred > limits, weights, 0), axis=1)


def _above_even(y_pred: Array, weights: Array, thresholds: Sequence[float]) -> Array:
    """Computes the same for thresholds evenly spaced from 0 to 1, in one pass over the data.

    The memory and time of `_above` are proportional to the number of thresholds (200 in AUC).
    """
    number, labels = len(thresholds), y_pred.shape[1]
    # The index of the highest threshold that is less than the prediction.
    buckets = jnp.ceil(jnp.clip(y_pred, 0, 1) * (number - 1)).astype("int32") - 1
    # AUC moves its first threshold below 0, so that predictions of 0 are above it.
    if thresholds[0] < 0:
        buckets = jnp.maximum(buckets, 0)
    # A prediction that is not above the first threshold has a negative bucket, which
    # segment_sum drops.
    cells = jnp.where(buckets < 0, -1, buckets * labels + jnp.arange(labels))
    sums = jax.ops.segment_sum(weights.reshape(-1), cells.reshape(-1), number * labels)
    # A prediction is above its threshold and all lower ones, so that counts add up from the top.
    return jnp.flip(jnp.cumsum(jnp.flip(sums.reshape(number, labels), 0), axis=0), 0)


def is_even(thresholds: Sequence[float]) -> bool:
    """Returns whether thresholds are evenly spaced from 0 to 1."""
    number = len(thresholds)
    # AUC's first and last thresholds lie epsilon outside of [0, 1].
    even = np.arange(number, dtype="float32") / max(number - 1, 1)
    return number >= 3 and np.allclose(thresholds, even, atol=settings.get("epsilon"))


def _keep_top_k(y_pred: Array, k: int) -> Array:
    _, indices = jax.lax.top_k(y_pred, k)
    # By index: a comparison with the k-th largest prediction would keep all that are equal to it.
    chosen = jnp.sum(jax.nn.one_hot(indices, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
    return jnp.where(chosen > 0, y_pred, _EXCLUDED)


def _check_thresholds(
    thresholds: float | Sequence[float] | np.ndarray | None, default: float = 0.5
) -> list[float]:
    """Returns thresholds as a list."""
    if thresholds is None:
        return [default]
    values: list[Any] = (
        list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    )
    bad = [t for t in values if t is None or not 0 <= t <= 1]
    if bad:
        raise ValueError(f"thresholds must be between 0 and 1. Received: {bad}")
    return values


class _ConfusionMetric(Metric):
    """Base of metrics that are one of the four counts."""

    counted: ClassVar[str]

    def __init__(
        self,
        thresholds: float | Sequence[float] | np.ndarray | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = _check_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels; nonzero labels are positive.
            y_pred: predictions; positive above the threshold.
            sample_weight: weights, one per sample or more.
        """
        counts = ConfusionCounts(**{self.counted: self.accumulator})
        add_confusion(
            counts, y_true, y_pred, self.thresholds, sample_weight, dtype=self._sum_dtype_
        )

    def result(self) -> Array:
        """Returns the count, or one for each threshold if there are several."""
        counts = self.accumulator.value
        return counts[0] if len(self.thresholds) == 1 else counts


class TruePositives(_ConfusionMetric):
    """Counts the true positives: labels 1 that are predicted as 1.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        name, dtype: see `Metric`.

    Example:

    >>> float(TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
    2.0
    """

    counted = "true_positives"


class FalsePositives(_ConfusionMetric):
    """Counts the false positives: labels 0 that are predicted as 1.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        name, dtype: see `Metric`.

    Example:

    >>> float(FalsePositives()([0, 0, 1, 1], [1.0, 0.0, 0.0, 0.0]))
    1.0
    """

    counted = "false_positives"


class TrueNegatives(_ConfusionMetric):
    """Counts the true negatives: labels 0 that are predicted as 0.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        name, dtype: see `Metric`.

    Example:

    >>> float(TrueNegatives()([0, 0, 1, 1], [1.0, 0.0, 0.0, 0.0]))
    1.0
    """

    counted = "true_negatives"


class FalseNegatives(_ConfusionMetric):
    """Counts the false negatives: labels 1 that are predicted as 0.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        name, dtype: see `Metric`.

    Example:

    >>> float(FalseNegatives()([0, 0, 1, 1], [1.0, 0.0, 0.0, 0.0]))
    2.0
    """

    counted = "false_negatives"


class _RatioMetric(Metric):
    """Base of precision and recall: `true_positives / (true_positives + other)`."""

    direction = "up"
    other: ClassVar[str]

    def __init__(
        self,
        thresholds: float | Sequence[float] | np.ndarray | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        # With `top_k` alone, each of the k largest predictions is positive, however small it is.
        self.thresholds = _check_thresholds(thresholds, 0.5 if top_k is None else _EXCLUDED)
        self.top_k = top_k
        self.class_id = class_id
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.others = self.add_variable(shape, "zeros", name=self.other)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels; nonzero labels are positive.
            y_pred: predictions; positive above the threshold.
            sample_weight: weights, one per sample or more.
        """
        add_confusion(
            ConfusionCounts(**{"true_positives": self.true_positives, self.other: self.others}),
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
            dtype=self._sum_dtype_,
        )

    def result(self) -> Array:
        """Returns the ratio, or one for each threshold if there are several; 0 without data."""
        true_positives = self.true_positives.value
        ratios = divide(true_positives, true_positives + self.others.value)
        return ratios[0] if len(self.thresholds) == 1 else ratios


class Precision(_RatioMetric):
    """Computes the precision: the fraction of predictions 1 that are labeled 1.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        top_k: the number of largest predictions of a sample that can count as 1; None for all.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """

    other = "false_positives"

    @property
    def false_positives(self) -> Variable:
        """The number of false positives, for each threshold."""
        return self.others


class Recall(_RatioMetric):
    """Computes the recall: the fraction of labels 1 that are predicted as 1.

    Args:
        thresholds: a threshold or several, above which predictions count as 1; 0.5 by default.
        top_k: the number of largest predictions of a sample that can count as 1; None for all.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
    0.6667
    """

    other = "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """The number of false negatives, for each threshold."""
        return self.others
