"""Correlation metrics."""

from __future__ import annotations

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.mean import MeanMetricWrapper
from cornu.parts.formulas.align import match_shapes
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "ConcordanceCorrelation",
    "PearsonCorrelation",
    "concordance_correlation",
    "pearson_correlation",
]


@op
def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """Computes the Pearson correlation coefficient of labels and predictions along an axis.

        covariance / (stddev of y_true * stddev of y_pred)

    Args:
        y_true: true values.
        y_pred: predicted values.
        axis: the axis of the values.

    Shapes: y_true (batch, ..., n), y_pred (batch, ..., n) -> (batch, ...)

    Example:

    >>> round(float(pearson_correlation([0.0, 1.0, 0.5], [0.1, 0.9, 1.0])), 4)
    0.8109
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    y_true = y_true - jnp.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - jnp.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / jnp.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / jnp.std(y_pred, axis=axis, keepdims=True)
    return jnp.mean(y_true * y_pred, axis=axis)


@op
def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """Computes the concordance correlation coefficient of labels and predictions.

        2 * covariance / (variance of y_true + variance of y_pred + (difference of means) ** 2)

    Args:
        y_true: true values.
        y_pred: predicted values.
        axis: the axis of the values.

    Shapes: y_true (batch, ..., n), y_pred (batch, ..., n) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> found = cornu.metrics.concordance_correlation([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    >>> print(np.asarray(found).round(3))
    1.0

    References: Lawrence Lin (1989), "A Concordance Correlation Coefficient to Evaluate
    Reproducibility".
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    mean_true = jnp.mean(y_true, axis=axis, keepdims=True)
    mean_pred = jnp.mean(y_pred, axis=axis, keepdims=True)
    covariance = (y_true - mean_true) * (y_pred - mean_pred)
    variances = jnp.var(y_true, axis=axis, keepdims=True) + jnp.var(y_pred, axis, keepdims=True)
    scale = variances + jnp.square(mean_true - mean_pred) + settings.get("epsilon")
    return jnp.mean(2 * covariance / scale, axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """Computes the mean Pearson correlation coefficient of the samples.

    Args:
        name, dtype: see `Metric`.
        axis: the axis of the values.

    Example:

    >>> metric = PearsonCorrelation()
    >>> round(float(metric([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])), 4)
    0.8109
    """

    direction = "up"

    def __init__(
        self,
        name: str = "pearson_correlation",
        dtype: DTypeLike | DTypePolicy | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Computes the mean concordance correlation coefficient of the samples.

    Args:
        name, dtype: see `Metric`.
        axis: the axis of the values.

    Example:

    >>> metric = ConcordanceCorrelation()
    >>> round(float(metric([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])), 4)
    0.7477
    """

    direction = "up"

    def __init__(
        self,
        name: str = "concordance_correlation",
        dtype: DTypeLike | DTypePolicy | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
