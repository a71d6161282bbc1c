"""Metrics that are a mean or a sum of one value per sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.state import scope
from cornu.core.state.dtypes import is_float
from cornu.metrics.base import Metric
from cornu.parts.formulas.align import columns, masked, plain, spread

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


class Sum(Metric):
    """Computes the sum of values, times weights.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Sum()
    >>> float(metric([1.0, 3.0])), float(metric([2.0, 5.0], sample_weight=[1.0, 0.0]))
    (4.0, 6.0)
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: an array.
            sample_weight: factors, one per sample or more.
        """
        values, _ = samplewise(values, sample_weight, jnp.sum, self.dtype)
        self.total.assign_add(jnp.sum(values))

    def result(self) -> Any:
        """Returns the sum."""
        return self.total.value


class Mean(Metric):
    """Computes the mean of values, weighted.

    Values of several axes count with the mean of each sample.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Mean()
    >>> float(metric([1.0, 3.0])), float(metric([8.0, 0.0], sample_weight=[2.0, 0.0]))
    (2.0, 5.0)
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values to the mean.

        Args:
            values: an array.
            sample_weight: weights, one per sample or more; what has weight 0 does not count,
                whatever its value is.
        """
        values, weights = samplewise(values, sample_weight, jnp.mean, self.dtype)
        self.total.assign_add(jnp.sum(values))
        self.count.assign_add(values.size if weights is None else jnp.sum(weights))

    def result(self) -> Any:
        """Returns the mean; 0 of nothing."""
        return divide(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """Computes the mean of a function `(y_true, y_pred, **kwargs) -> values`.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: further arguments of the function.

    Example:

    >>> metric = MeanMetricWrapper(lambda y, p: jnp.abs(y - p))
    >>> float(metric([1.0, 2.0], [1.0, 5.0]))
    1.5

    Differences: values that the function masks (`ignore_class`) never count; in Keras they count
    as 0 unless there are sample weights. Predictions in a shorter float are widened to the
    metric's dtype.
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype)  # type: ignore[arg-type]
        self.fn = fn
        self.arguments = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the values of a batch to the mean.

        Args:
            y_true: labels.
            y_pred: predictions; a mask that they carry leaves out where it is False.
            sample_weight: weights, one per sample or more.
        """
        masks = scope.current().masks
        weights = masked(sample_weight, masks.get(y_pred), self.dtype)
        y_true, y_pred = plain(y_true), jax.tree_util.tree_map(self._widened, plain(y_pred))
        values = self.fn(*columns(self.fn, y_true, y_pred), **self.arguments)
        super().update_state(values, masked(weights, masks.get(values), self.dtype))

    def _widened(self, x: Any) -> Any:
        x = jnp.asarray(x)
        short = is_float(x.dtype) and x.dtype.itemsize < jnp.dtype(self.dtype).itemsize
        return x.astype(self.dtype) if short else x


def samplewise(
    values: Any, weights: Any, reduce: Callable[..., Any], dtype: Any
) -> tuple[Any, Any]:
    """Returns weighted values and weights, each one per sample."""
    values = jnp.asarray(values, dtype)
    if weights is None:
        return _rest(values, reduce), None
    weights = jnp.asarray(weights, dtype)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim < values.ndim:
        spread(weights, values.shape)  # raises where they do not fit
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    elif not values.ndim:
        values = jnp.broadcast_to(values, weights.shape)
    weights = jnp.broadcast_to(spread(weights, values.shape), values.shape)
    values = jnp.where(weights == 0, 0, values * weights)
    return _rest(values, reduce), _rest(weights, reduce)


def divide(a: Any, b: Any) -> Any:
    """Returns `a / b`, and 0 where `b` is 0."""
    return jnp.where(b == 0, 0, a / jnp.where(b == 0, 1, b))


def _rest(x: Any, reduce: Callable[..., Any]) -> Any:
    return reduce(x, axis=tuple(range(1, x.ndim))) if x.ndim > 1 else x
