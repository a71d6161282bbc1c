"""F-scores: combinations of precision and recall."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import jax.numpy as jnp

from cornu import settings
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.base import Metric
from cornu.metrics.sums import add_sums, broadcast_weights
from cornu.parts.formulas.align import match_shapes
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["F1Score", "FBetaScore"]

Average: TypeAlias = Literal["micro", "macro", "weighted"]


class FBetaScore(Metric):
    """Computes `(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)`.

    Args:
        average: `None`: one value for each class; `"micro"`: from the counts over all classes;
            `"macro"`: the mean over the classes; `"weighted"`: their mean weighted by their
            frequency.
        beta: the weight of recall relative to precision.
        threshold: predictions above it count as 1; `None`: only the largest prediction of a sample
            counts as 1.
        name, dtype: see `Metric`.

    Example:

    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric([[1, 1], [1, 0]], [[0.9, 0.1], [0.8, 0.7]]).round(4).tolist()
    [1.0, 0.0]
    """

    direction = "up"

    def __init__(
        self,
        average: Average | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average is not None and average not in get_args(Average):
            raise ValueError(
                f"average must be None, 'micro', 'macro' or 'weighted'. Received: {average!r}"
            )
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"beta must be a positive float. Received: {beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                f"threshold must be None or a float in (0, 1]. Received: {threshold!r}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def _build_(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, "zeros", self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(
            shape, "zeros", self.dtype, name="intermediate_weights"
        )
        self._built_for_ = classes

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels 0 and 1 (batch, classes).
            y_pred: predictions (batch, classes).
            sample_weight: weights, one per sample.
        """
        y_true, y_pred = match_shapes(y_true, jnp.asarray(y_pred, self._sum_dtype_))
        if y_pred.ndim != 2:
            raise ValueError(
                f"{type(self).__name__}: expected labels and predictions of shape "
                "(batch, classes). "
                f"Received: {y_pred.shape}"
            )
        if self._built_for_ is None:
            self._build_(y_pred.shape[1])
        if self.threshold is None:
            # As in Keras, a sample whose predictions are all 0 predicts no class.
            largest = jnp.max(y_pred, axis=-1, keepdims=True)
            predicted = (y_pred >= largest) & (jnp.abs(y_pred) > 1e-9)
        else:
            predicted = y_pred > self.threshold
        weights = broadcast_weights(sample_weight, y_true.shape, self._sum_dtype_)
        axis = None if self.average == "micro" else 0

        def count(y_true: Array, predicted: Array, weights: Array) -> list[Array]:
            values = (
                predicted * y_true,
                predicted * (1 - y_true),
                (1 - predicted) * y_true,
                y_true,
            )
            return [jnp.sum(value * weights, axis=axis) for value in values]

        counts = [self.true_positives, self.false_positives]
        counts += [self.false_negatives, self.intermediate_weights]
        add_sums(counts, count, y_true, predicted.astype(self._sum_dtype_), weights)

    def result(self) -> Array:
        """Returns the score, one for each class if `average` is None."""
        epsilon: float = settings.get("epsilon")
        true_positives = self.true_positives.value
        precision = true_positives / (true_positives + self.false_positives.value + epsilon)
        recall = true_positives / (true_positives + self.false_negatives.value + epsilon)
        square = self.beta**2
        scores = (1 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average == "weighted":
            weights = self.intermediate_weights.value
            return jnp.sum(scores * weights / (jnp.sum(weights) + epsilon))
        return scores if self.average is None else jnp.mean(scores)


class F1Score(FBetaScore):
    """Computes `2 * precision * recall / (precision + recall)`.

    Args:
        average, threshold: see `FBetaScore`.
        name, dtype: see `Metric`.

    Example:

    >>> import cornu
    >>> metric = cornu.metrics.F1Score(average="macro", threshold=0.5)
    >>> metric.update_state([[1, 0], [0, 1]], [[0.9, 0.8], [0.2, 0.7]])
    >>> round(float(metric.result()), 3)
    0.833
    """

    def __init__(
        self,
        average: Average | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
