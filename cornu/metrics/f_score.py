"""Metrics that combine precision and recall of classes."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import settings
from cornu.metrics.base import Metric
from cornu.parts.formulas.align import aligned, spread

__all__ = ["F1Score", "FBetaScore"]


class FBetaScore(Metric):
    """Computes `(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)`.

    Args:
        average: `None`: one value for each class; `"micro"`: from counts over all classes;
            `"macro"`: the mean over the classes; `"weighted"`: their mean weighted by how often
            they occur.
        beta: how many times as much recall matters.
        threshold: above it a prediction counts as 1; `None`: the largest prediction of a sample
            does, the others do not.
        name, dtype: see `Metric`.

    Example:

    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric([[1, 1], [1, 0]], [[0.9, 0.1], [0.8, 0.7]]).round(4).tolist()
    [1.0, 0.0]
    """

    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"average must be None, 'micro', 'macro' or 'weighted'. Received: {average!r}"
            )
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"beta must be a positive float. Received: {beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                f"threshold must be None or a float above 0 and up to 1. Received: {threshold!r}"
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._built = False

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, "zeros", self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(
            shape, "zeros", self.dtype, name="intermediate_weights"
        )
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: labels 0 and 1 (batch, classes).
            y_pred: predictions (batch, classes).
            sample_weight: weights, one per sample.
        """
        y_true, y_pred = aligned(y_true, jnp.asarray(y_pred, self.dtype))
        if y_pred.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions of shape (batch, classes). "
                f"Received: {y_pred.shape}"
            )
        if not self._built:
            self._build(y_pred.shape[1])
        if self.threshold is None:
            largest = jnp.max(y_pred, axis=-1, keepdims=True)
            found = (y_pred >= largest) & (jnp.abs(y_pred) > 1e-9)
        else:
            found = y_pred > self.threshold
        found = found.astype(self.dtype)
        weights = jnp.ones((), self.dtype) if sample_weight is None else sample_weight
        weights = spread(jnp.asarray(weights, self.dtype), y_true.shape)
        axis = None if self.average == "micro" else 0

        def count(values: Any) -> Any:
            return jnp.sum(values * weights, axis=axis)

        self.true_positives.assign_add(count(found * y_true))
        self.false_positives.assign_add(count(found * (1 - y_true)))
        self.false_negatives.assign_add(count((1 - found) * y_true))
        self.intermediate_weights.assign_add(count(y_true))

    def result(self) -> Any:
        """Returns the score, one for each class if `average` is None."""
        epsilon = settings.get("epsilon")
        right = self.true_positives.value
        precision = right / (right + self.false_positives + epsilon)
        recall = right / (right + self.false_negatives + epsilon)
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
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
