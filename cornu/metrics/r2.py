"""The coefficient of determination."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.metrics.base import Metric
from cornu.parts.formulas.align import aligned, spread

__all__ = ["R2Score"]

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """Computes `1 - sum((y_true - y_pred) ** 2) / sum((y_true - mean(y_true)) ** 2)`.

    1 is perfect, 0 as good as the mean of the labels.

    Args:
        class_aggregation: how several outputs become one value: `"uniform_average"`,
            `"variance_weighted_average"`, or `None`: one value for each.
        num_regressors: how many inputs the model has, for the adjusted R2; 0 for the plain one.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714

    Differences: samples of weight 0 do not count for the adjusted R2 either. Where it is not
    defined (too few samples) the plain one is returned, without Keras's warning.
    """

    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"class_aggregation must be one of {_AGGREGATIONS}. Received: {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must be 0 or more. Received: {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), "zeros", name="squared_sum")
        self.sum = self.add_variable((outputs,), "zeros", name="sum")
        self.residual = self.add_variable((outputs,), "zeros", name="residual")
        self.count = self.add_variable((outputs,), "zeros", name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch into account.

        Args:
            y_true: labels (batch, outputs).
            y_pred: predictions (batch, outputs).
            sample_weight: weights, one per sample or one per value.
        """
        y_true, y_pred = aligned(y_true, jnp.asarray(y_pred, self.dtype))
        if y_pred.ndim != 2:
            raise ValueError(
                f"R2Score takes labels and predictions of shape (batch, outputs). "
                f"Received: {y_pred.shape}"
            )
        if not self._built:
            self._build(y_pred.shape[1])
        weights = jnp.ones((), self.dtype) if sample_weight is None else sample_weight
        weights = spread(jnp.asarray(weights, self.dtype), y_true.shape)
        weights = jnp.broadcast_to(weights, y_true.shape)

        def total(values: Any) -> Any:
            return jnp.sum(jnp.where(weights == 0, 0, values * weights), axis=0)

        self.sum.assign_add(total(y_true))
        self.squared_sum.assign_add(total(y_true * y_true))
        self.residual.assign_add(total(jnp.square(y_true - y_pred)))
        self.count.assign_add(jnp.sum(weights, axis=0))
        self.num_samples.assign_add(jnp.sum(weights != 0))

    def result(self) -> Any:
        """Returns the score over all batches."""
        spread_out = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1 - self.residual / spread_out
        scores = jnp.where(jnp.isinf(scores), 0, scores)
        if self.class_aggregation == "uniform_average":
            scores = jnp.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = jnp.sum(spread_out * scores) / jnp.sum(spread_out)
        if not self.num_regressors:
            return scores
        n = self.num_samples.value
        free = n - self.num_regressors - 1
        adjusted = 1 - (1 - scores) * (n - 1) / jnp.where(free > 0, free, 1)
        return jnp.where(free > 0, adjusted, scores)
