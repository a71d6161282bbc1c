"""Metrics of curves over thresholds: the area under a curve, and points on a curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.base import Metric
from cornu.metrics.confusion import ConfusionCounts, add_confusion
from cornu.metrics.mean import divide
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "AUC",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]

CurveName: TypeAlias = Literal["ROC", "PR", "PRGAIN"]
SummationMethod: TypeAlias = Literal["interpolation", "minoring", "majoring"]

_CURVES = get_args(CurveName)
_HEIGHTS: dict[str, Callable[[Array, Array], Array]] = {
    "interpolation": lambda a, b: (a + b) / 2,
    "minoring": jnp.minimum,
    "majoring": jnp.maximum,
}


class _Curve(Metric):
    """Base of metrics that count the confusion matrix at many thresholds."""

    direction = "up"

    def _count_variables(self, shape: Sequence[int]) -> None:
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")

    @property
    def _counts(self) -> ConfusionCounts:
        return ConfusionCounts(
            self.true_positives, self.false_positives, self.true_negatives, self.false_negatives
        )

    def _rates(self) -> dict[str, Array]:
        tp, fp = self.true_positives.value, self.false_positives.value
        tn, fn = self.true_negatives.value, self.false_negatives.value
        sensitivity = divide(tp, tp + fn)
        return {
            "sensitivity": sensitivity,
            "recall": sensitivity,  # another name for the same rate
            "specificity": divide(tn, tn + fp),
            "precision": divide(tp, tp + fp),
            "false_positive_rate": divide(fp, fp + tn),
        }


class AUC(_Curve):
    """Computes the area under the ROC curve, or under the precision-recall curve.

    The curve is approximated at `num_thresholds` points; more give a more accurate result.

    Args:
        num_thresholds: the number of thresholds.
        curve: `"ROC"`, `"PR"` or `"PRGAIN"`.
        summation_method: the height between two points: `"interpolation"` (their mean),
            `"minoring"` (the lower) or `"majoring"` (the higher).
        name, dtype: see `Metric`.
        thresholds: the thresholds, between 0 and 1, instead of evenly spaced ones; one at each end
            is added.
        multi_label: whether each of several labels (batch, labels) has its own curve; the result is
            the mean.
        num_labels: the number of labels; if given, Variables are created in the constructor.
        label_weights: weights of the labels.
        from_logits: whether predictions are logits.

    Example:

    >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.75

    References: Jesse Davis, Mark Goadrich (2006), "The Relationship Between Precision-Recall and
    ROC Curves". Peter Flach, Meelis Kull (2015), "Precision-Recall-Gain Curves".
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: CurveName = "ROC",
        summation_method: SummationMethod = "interpolation",
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: ArrayLike | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.curve: str = str(curve).upper()
        if self.curve not in _CURVES:
            raise ValueError(f"curve must be one of {_CURVES}. Received: {curve!r}")
        self.summation_method: str = str(summation_method).lower()
        if self.summation_method not in _HEIGHTS:
            raise ValueError(
                f"summation_method must be one of {tuple(_HEIGHTS)}. Received: {summation_method!r}"
            )
        if num_labels and not multi_label:
            raise ValueError("num_labels requires multi_label=True.")
        if thresholds is None:
            inner = _evenly_spaced(num_thresholds)[1:-1]
        else:
            inner = sorted(thresholds)
        # One threshold below 0 and one above 1: the curve reaches both of its ends also if
        # predictions are exactly 0 or 1.
        epsilon = settings.get("epsilon")
        self._thresholds = [-epsilon, *inner, 1 + epsilon]
        self.num_thresholds = len(self._thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else np.asarray(label_weights, self._sum_dtype_)
        )
        self.from_logits = from_logits
        # Without `num_labels`, the number of labels is known when the first batch arrives.
        if not multi_label:
            self._build_(())
        elif num_labels:
            self._build_((num_labels,))

    def _build_(self, labels: tuple[int, ...]) -> None:
        self._count_variables((self.num_thresholds, *labels))
        self._built_for_ = labels

    @property
    def thresholds(self) -> list[float]:
        """The thresholds; the first is below 0 and the last above 1."""
        return list(self._thresholds)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels 0 and 1.
            y_pred: probabilities, or logits with `from_logits`.
            sample_weight: weights, one per sample or more.
        """
        y_pred = jnp.asarray(y_pred, self._sum_dtype_)
        if self.multi_label and y_pred.ndim != 2:
            raise ValueError(
                "AUC with multi_label=True: expected predictions of shape (batch, labels). "
                f"Received: {y_pred.shape}"
            )
        if self._built_for_ is None:
            self._build_(y_pred.shape[1:])
        add_confusion(
            self._counts,
            y_true,
            jax.nn.sigmoid(y_pred) if self.from_logits else y_pred,
            self._thresholds,
            sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            by_label=self.multi_label,
            dtype=self._sum_dtype_,
        )

    def result(self) -> Array:
        """Returns the area."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        rates = self._rates()
        if self.curve == "ROC":
            x, y = rates["false_positive_rate"], rates["sensitivity"]
        elif self.curve == "PR":
            x, y = rates["sensitivity"], rates["precision"]
        else:
            x, y = self._gains()
        # Thresholds ascend, so that x descends.
        heights = _HEIGHTS[self.summation_method](y[:-1], y[1:])
        return self._total((x[:-1] - x[1:]) * heights)

    def interpolate_pr_auc(self) -> Array:
        """Returns the area under the precision-recall curve, interpolated as by Davis and Goadrich.

        Between two thresholds true positives and predicted positives `p` are assumed to change
        linearly, `tp = slope * p + intercept`; precision is `tp / p`, whose integral over recall
        is `slope * (d_tp + intercept * log(p / p_next)) / positives`.
        """
        tp = self.true_positives.value
        p = tp + self.false_positives.value
        slope = divide(tp[:-1] - tp[1:], jnp.maximum(p[:-1] - p[1:], 0))
        intercept = tp[1:] - slope * p[1:]
        # If p or p_next is 0, the logarithm is not finite, and its term is left out.
        both = (p[:-1] > 0) & (p[1:] > 0)
        ratio = jnp.where(both, p[:-1] / jnp.where(both, p[1:], 1), 1)
        areas = slope * (tp[:-1] - tp[1:] + intercept * jnp.log(ratio))
        return self._total(divide(areas, tp[1:] + self.false_negatives.value[1:]))

    def _gains(self) -> tuple[Array, Array]:
        tp, fp = self.true_positives.value, self.false_positives.value
        tn, fn = self.true_negatives.value, self.false_negatives.value
        # Flach and Kull, "Precision-Recall-Gain Curves: PR Analysis Done Right", NIPS 2015.
        odds = divide(tp + fn, tn + fp)
        recall = jnp.where(tp == 0, 0, 1 - odds * divide(fn, tp))
        precision = jnp.where(tp == 0, 1, 1 - odds * divide(fp, tp))
        return jnp.maximum(recall, 0), precision

    def _total(self, areas: Array) -> Array:
        areas = jnp.sum(areas, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return jnp.mean(areas)
        mean: Array = jnp.sum(areas * self.label_weights) / np.sum(self.label_weights)
        return mean


class _PointOnCurve(_Curve):
    """Base of metrics that are the best value of one rate, given a minimum of another."""

    _best: ClassVar[str]  # the rate whose best value is the result
    _where: ClassVar[str]  # the rate that must reach the minimum, which is an argument

    def __init__(
        self,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: DTypeLike | DTypePolicy | None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not 0 <= value <= 1:
            raise ValueError(f"{self._where} must be between 0 and 1. Received: {value!r}")
        self.class_id = class_id
        self.num_thresholds = num_thresholds
        self.thresholds = _evenly_spaced(num_thresholds, 1)
        self._count_variables((len(self.thresholds),))

    @property
    def value(self) -> float:
        """The minimum of the other rate."""
        return float(getattr(self, self._where))

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels 0 and 1.
            y_pred: probabilities.
            sample_weight: weights, one per sample or more.
        """
        add_confusion(
            self._counts,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            class_id=self.class_id,
            dtype=self._sum_dtype_,
        )

    def result(self) -> Array:
        """Returns the best rate; 0 if no threshold reaches the minimum of the other."""
        rates = self._rates()
        return jnp.max(jnp.where(rates[self._where] >= self.value, rates[self._best], 0))


class SensitivityAtSpecificity(_PointOnCurve):
    """Computes the best sensitivity (recall) at which the specificity is at least a given one.

    Sensitivity is the fraction of labels 1 that are predicted as 1, specificity the fraction of
    labels 0 that are predicted as 0.

    Args:
        specificity: the minimum specificity.
        num_thresholds: the number of thresholds to evaluate.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> metric = SensitivityAtSpecificity(0.5)
    >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    _best, _where = "sensitivity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(_PointOnCurve):
    """Computes the best specificity at which the sensitivity (recall) is at least a given one.

    Args:
        sensitivity: the minimum sensitivity.
        num_thresholds: the number of thresholds to evaluate.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> metric = SpecificityAtSensitivity(0.5)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    _best, _where = "specificity", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(_PointOnCurve):
    """Computes the best precision at which the recall is at least a given one.

    Args:
        recall: the minimum recall.
        num_thresholds: the number of thresholds to evaluate.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> metric = PrecisionAtRecall(0.5)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.5
    """

    _best, _where = "precision", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(_PointOnCurve):
    """Computes the best recall at which the precision is at least a given one.

    Args:
        precision: the minimum precision.
        num_thresholds: the number of thresholds to evaluate.
        class_id: the index of the class (last axis) to evaluate; None for all.
        name, dtype: see `Metric`.

    Example:

    >>> metric = RecallAtPrecision(0.5)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    1.0
    """

    _best, _where = "recall", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision


def _evenly_spaced(count: int, minimum: int = 2) -> list[float]:
    """Returns thresholds from 0 to 1; only 0.5 if there is one."""
    # The limit is a guard against configs in foreign files, which could exhaust the memory.
    if not minimum <= count <= 1_000_000:
        raise ValueError(
            f"num_thresholds must be between {minimum} and 1,000,000. Received: {count}"
        )
    return [0.5] if count == 1 else [i / (count - 1) for i in range(count)]
