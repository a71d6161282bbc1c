"""The coefficient of determination."""

from __future__ import annotations

import warnings
from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from cornu.core.state.dtype_policy import DTypePolicy
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.metrics.base import Metric
from cornu.metrics.sums import add_sums, broadcast_weights
from cornu.parts.formulas.align import match_shapes
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["R2Score"]

Aggregation: TypeAlias = Literal["uniform_average", "variance_weighted_average"]

_AGGREGATIONS = (None, *get_args(Aggregation))


class R2Score(Metric):
    """Computes `1 - sum((y_true - y_pred) ** 2) / sum((y_true - mean(y_true)) ** 2)`.

    1 is a perfect prediction; 0 is as good as predicting the mean of the labels.

    Args:
        class_aggregation: how the scores of several outputs are combined: `"uniform_average"`,
            `"variance_weighted_average"`, or `None`: one score for each.
        num_regressors: the number of regressors, for the adjusted R2 score; 0 for the plain score.
        name, dtype: see `Metric`.

    Example:

    >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714

    If the adjusted score is not defined, because there are no more samples than regressors + 1, the
    plain score is returned; an eager call warns.

    Fixes: samples of weight 0 are not counted for the adjusted score either.
    """

    direction = "up"

    def __init__(
        self,
        class_aggregation: Aggregation | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"class_aggregation must be one of {_AGGREGATIONS}. Received: {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must be at least 0. Received: {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")

    def _build_(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), "zeros", name="squared_sum")
        self.sum = self.add_variable((outputs,), "zeros", name="sum")
        self.residual = self.add_variable((outputs,), "zeros", name="residual")
        self.count = self.add_variable((outputs,), "zeros", name="count")
        self._built_for_ = outputs

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Accumulates a batch.

        Args:
            y_true: labels (batch, outputs).
            y_pred: predictions (batch, outputs).
            sample_weight: weights, one per sample or one per value.
        """
        y_true, y_pred = match_shapes(y_true, jnp.asarray(y_pred, self._sum_dtype_))
        if y_pred.ndim != 2:
            raise ValueError(
                f"R2Score: expected labels and predictions of shape (batch, outputs). "
                f"Received: {y_pred.shape}"
            )
        if self._built_for_ is None:
            self._build_(y_pred.shape[1])
        weights = broadcast_weights(sample_weight, y_true.shape, self._sum_dtype_)

        def add_up(y_true: Array, y_pred: Array, weights: Array) -> list[Array]:
            terms = (y_true, y_true * y_true, jnp.square(y_true - y_pred))
            values = [jnp.where(weights == 0, 0, term * weights) for term in terms]
            # The adjusted score counts samples, not their weights.
            samples = jnp.sum(weights != 0)
            return [*(jnp.sum(v, axis=0) for v in (*values, weights)), samples]

        sums = [self.sum, self.squared_sum, self.residual, self.count, self.num_samples]
        add_sums(sums, add_up, y_true, y_pred, weights)

    def result(self) -> Array:
        """Returns the score over all batches."""
        total = self.sum.value
        total_sum_of_squares = self.squared_sum.value - total * (total / self.count.value)
        scores = 1 - self.residual.value / total_sum_of_squares
        # Constant labels have no variance to explain.
        scores = jnp.where(jnp.isinf(scores), 0, scores)
        if self.class_aggregation == "uniform_average":
            scores = jnp.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = jnp.sum(total_sum_of_squares * scores) / jnp.sum(total_sum_of_squares)
        if not self.num_regressors:
            return scores
        n = self.num_samples.value
        if not isinstance(n, jax.core.Tracer) and n <= self.num_regressors + 1:
            warnings.warn(
                f"R2Score: with num_regressors={self.num_regressors}, the adjusted score needs at "
                f"least {self.num_regressors + 2} samples, received {int(n)}. The plain score is "
                "returned.",
                stacklevel=user_stacklevel(),
            )
        degrees_of_freedom = n - self.num_regressors - 1
        defined = degrees_of_freedom > 0
        adjusted = 1 - (1 - scores) * (n - 1) / jnp.where(defined, degrees_of_freedom, 1)
        return jnp.where(defined, adjusted, scores)
