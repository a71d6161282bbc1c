"""Means and sums of one value per sample."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.state import scope
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.core.state.dtypes import is_float, narrowed
from cornu.core.state.variable import Variable
from cornu.metrics.base import Metric
from cornu.metrics.sums import add_sums
from cornu.parts.formulas.align import apply_mask, as_columns, expand_weights, lists_to_arrays
from cornu.parts.formulas.arguments import KeywordArguments
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


class Sum(Metric):
    """Computes the weighted sum of values.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Sum()
    >>> float(metric([1.0, 3.0])), float(metric([2.0, 5.0], sample_weight=[1.0, 0.0]))
    (4.0, 6.0)
    """

    def __init__(self, name: str = "sum", dtype: DTypeLike | DTypePolicy | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Adds values.

        Args:
            values: an array.
            sample_weight: weights, one per sample or more.
        """
        values, _ = reduce_to_samples(values, sample_weight, jnp.sum, self._sum_dtype_)
        _add(self.total, values)

    def result(self) -> Array:
        """Returns the sum."""
        return self.total.value


class Mean(Metric):
    """Computes the weighted mean of values.

    If values have several axes, the mean of each sample counts.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Mean()
    >>> float(metric([1.0, 3.0])), float(metric([8.0, 0.0], sample_weight=[2.0, 0.0]))
    (2.0, 5.0)
    """

    def __init__(self, name: str = "mean", dtype: DTypeLike | DTypePolicy | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", self.dtype, name="total")
        self.count = self.add_variable((), "zeros", self.dtype, name="count")

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Adds values to the mean.

        Args:
            values: an array.
            sample_weight: weights, one per sample or more; values of weight 0 are excluded, even if
                they are not finite.
        """
        values, weights = reduce_to_samples(values, sample_weight, jnp.mean, self._sum_dtype_)
        _add(self.total, values)
        if weights is None:
            # As an integer: as a float32 number, a size above 2**24 would be rounded.
            self.count.assign_add(values.size)
        else:
            _add(self.count, weights)

    def result(self) -> Array:
        """Returns the mean; 0 without data."""
        return divide(self.total.value, self.count.value)


class MeanMetricWrapper(KeywordArguments, Mean):
    """Computes the mean of a function `(y_true, y_pred, **kwargs) -> values`.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: additional arguments of the function; they become attributes.

    Example:

    >>> metric = MeanMetricWrapper(lambda y, p: jnp.abs(y - p))
    >>> float(metric([1.0, 2.0], [1.0, 5.0]))
    1.5

    Differences: predictions in a shorter float are converted to the metric's dtype, at least to
    float32.

    Fixes: values that the function masks (`ignore_class`) are excluded; in Keras they count as 0
    unless there are sample weights.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)  # type: ignore[arg-type]
        self.fn = fn
        self._set_arguments_(kwargs)

    def update_state(  # type: ignore[override]  # labels and predictions instead of values
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds the values of a batch to the mean.

        Args:
            y_true: labels.
            y_pred: predictions; if they carry a mask, values where it is False are excluded.
            sample_weight: weights, one per sample or more.
        """
        masks = scope.current().masks
        weights = apply_mask(sample_weight, masks.get(y_pred), self._sum_dtype_)
        y_true, y_pred = (
            lists_to_arrays(y_true),
            jax.tree_util.tree_map(self._widen, lists_to_arrays(y_pred)),
        )
        values = self.fn(*as_columns(self.fn, y_true, y_pred), **self._arguments_)
        super().update_state(values, apply_mask(weights, masks.get(values), self._sum_dtype_))

    def _widen(self, value: ArrayLike) -> Array:
        x = jnp.asarray(narrowed(value) if isinstance(value, np.ndarray) else value)
        short = is_float(x.dtype) and x.dtype.itemsize < jnp.dtype(self._sum_dtype_).itemsize
        return x.astype(self._sum_dtype_) if short else x


def reduce_to_samples(
    values: ArrayLike, weights: ArrayLike | None, reduce: Callable[..., Array], dtype: str
) -> tuple[Array, Array | None]:
    """Returns weighted values and their weights, one per sample.

    Args:
        values: an array.
        weights: one per sample or more; None for no weights.
        reduce: `jnp.sum` or `jnp.mean`, applied to all axes but the first.
        dtype: the dtype of the computation.
    """
    values = jnp.asarray(values, dtype)
    if weights is None:
        return _reduce_samples(values, reduce), None
    weights = jnp.asarray(weights, dtype)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim < values.ndim:
        expand_weights(weights, values.shape)  # raises if the shapes do not match
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
    elif not values.ndim:
        values = jnp.broadcast_to(values, weights.shape)
    weights = jnp.broadcast_to(expand_weights(weights, values.shape), values.shape)
    # Replaced, not multiplied by 0: 0 * infinity is NaN.
    values = jnp.where(weights == 0, 0, values * weights)
    return _reduce_samples(values, reduce), _reduce_samples(weights, reduce)


def _add(variable: Variable, values: Array) -> None:
    if values.ndim:
        add_sums([variable], lambda x: [jnp.sum(x)], values)
    else:
        variable.assign_add(values)


def divide(a: Array, b: Array) -> Array:
    """Returns `a / b`, and 0 where `b` is 0."""
    if _is_number(a) and _is_number(b):
        # On the host, as no program has to be compiled for it.
        total, count = np.asarray(a), np.asarray(b)
        with np.errstate(all="ignore"):
            number = total / count if count else np.zeros_like(total)
        return jnp.asarray(np.asarray(number), dtype="float32")
    quotient: Array = _divide(a, b)
    return quotient


def _is_number(x: Array) -> bool:
    """Whether this is a float32 number of one device, and not a tracer."""
    return (
        isinstance(x, jax.Array)
        and not isinstance(x, jax.core.Tracer)
        and not x.ndim
        and x.dtype == "float32"
        and x.is_fully_addressable
        and len(x.devices()) == 1
    )


# One program; at the end of the first epoch, each operation would be compiled on its own.
@functools.partial(jax.jit, inline=True)
def _divide(a: Array, b: Array) -> Array:
    return jnp.where(b == 0, 0, a / jnp.where(b == 0, 1, b))


def _reduce_samples(x: Array, reduce: Callable[..., Array]) -> Array:
    return reduce(x, axis=tuple(range(1, x.ndim))) if x.ndim > 1 else x
