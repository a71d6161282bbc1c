"""Regression metrics."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.mean import Mean, MeanMetricWrapper
from cornu.parts.formulas.align import match_shapes
from cornu.parts.formulas.regression import (
    cosine,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "RootMeanSquaredError",
]


class MeanSquaredError(MeanMetricWrapper):
    """Computes the mean of `(y_true - y_pred) ** 2`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = MeanSquaredError()
    >>> round(float(metric([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 3.0]])), 4)
    0.5
    """

    direction = "down"

    def __init__(
        self, name: str = "mean_squared_error", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """Computes the mean of `|y_true - y_pred|`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = MeanAbsoluteError()
    >>> round(float(metric([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 3.0]])), 4)
    0.5
    """

    direction = "down"

    def __init__(
        self, name: str = "mean_absolute_error", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Computes the mean of `100 * |y_true - y_pred| / |y_true|`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = MeanAbsolutePercentageError()
    >>> round(float(metric([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    43.75
    """

    direction = "down"

    def __init__(
        self,
        name: str = "mean_absolute_percentage_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Computes the mean of `(log(y_true + 1) - log(y_pred + 1)) ** 2`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = MeanSquaredLogarithmicError()
    >>> round(float(metric([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    0.1188
    """

    direction = "down"

    def __init__(
        self,
        name: str = "mean_squared_logarithmic_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """Computes the mean of `log(cosh(y_pred - y_true))`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = LogCoshError()
    >>> round(float(metric([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 3.0]])), 4)
    0.2169
    """

    direction = "down"

    def __init__(self, name: str = "logcosh", dtype: DTypeLike | DTypePolicy | None = None) -> None:
        super().__init__(log_cosh, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """Computes the mean cosine of the angle between labels and predictions.

    Args:
        name, dtype: see `Metric`.
        axis: the axis of the vectors' elements.

    Example:

    >>> metric = CosineSimilarity()
    >>> round(float(metric([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    0.9216

    Note: the loss of the same name is the negative cosine.
    """

    direction = "up"

    def __init__(
        self,
        name: str = "cosine_similarity",
        dtype: DTypeLike | DTypePolicy | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(cosine, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """Computes the square root of the mean of `(y_true - y_pred) ** 2`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]]))
    5.0
    """

    direction = "down"

    def __init__(
        self, name: str = "root_mean_squared_error", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]  # labels and predictions instead of values
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds the squared errors of a batch.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: weights, one per sample or more.
        """
        y_true, y_pred = match_shapes(y_true, jnp.asarray(y_pred, self._sum_dtype_))
        super().update_state(jnp.square(y_pred - y_true), sample_weight)

    def result(self) -> Array:
        """Returns the square root of the mean."""
        return jnp.sqrt(super().result())
