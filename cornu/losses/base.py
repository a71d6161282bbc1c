"""Loss: a function of labels and predictions, reduced to one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from cornu import registry, tree
from cornu.core.graph.op import Op
from cornu.core.state import scope
from cornu.core.state.dtypes import get_policy, is_float, standardize_dtype
from cornu.errors import suggest
from cornu.names import auto_name
from cornu.parts.formulas.align import columns, plain, same_rank, spread

__all__ = ["Loss", "FunctionLoss", "reduce_weighted_values"]

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
_REDUCTIONS = (*_MEANS, "sum", "none", None)


class Loss(registry.Configurable):
    """Base of losses: `call` computes values, `__call__` weights and reduces them.

    Args:
        name: the loss's name.
        reduction: what becomes of the values:
            `"sum_over_batch_size"` or `"mean"`: their sum divided by their number;
            `"mean_with_sample_weight"`: their sum divided by the sum of the weights;
            `"sum"`: their sum; `"none"` or `None`: they are returned as they are.
        dtype: what is computed in: a dtype or a dtype policy; by default the process-wide float
            type, also where the model computes in a shorter one.

    Example:

    >>> class Fourth(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return jnp.mean((y_true - y_pred) ** 4, axis=-1)
    >>> float(Fourth()([[1.0], [1.0]], [[0.0], [3.0]], sample_weight=[1.0, 0.5]))
    4.5

    Differences: what a mask or padding rows leave out has no gradient even where its value is
    infinite. A weight per sample is spread over the values of the sample; Keras would spread it
    along the last axis, or fail. Predictions (batch,) have one value per sample, too, so that
    they can be weighted; in Keras they have one for the batch.
    """

    category = "losses"

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = _checked(reduction)
        self._dtype = get_policy(standardize_dtype(None) if dtype is None else dtype).compute_dtype

    @property
    def dtype(self) -> str:
        """What the loss is computed in."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values, one per sample (and time step, pixel, ...)."""
        raise NotImplementedError(f"{type(self).__name__} does not define `call`.")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the values of `call`, weighted and reduced.

        Args:
            y_true: labels, an array or a structure of arrays.
            y_pred: predictions; a mask that they carry leaves out where it is False.
            sample_weight: factors of the values: one number, one per sample, or one per value.
        """
        return Op(self.name, self._reduced)(y_true, y_pred, sample_weight)

    def _reduced(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        around = scope.current()
        mask = around.masks.get(y_pred)
        # Class numbers would change if they were rounded to a shorter float.
        label_dtype = self.dtype if jnp.dtype(self.dtype).itemsize >= 4 else "float32"
        y_true = tree.map(lambda y: _array(y, label_dtype, around.row_mask), plain(y_true))
        y_pred = tree.map(lambda y: _array(y, self.dtype, around.row_mask), plain(y_pred))
        values = self.call(y_true, y_pred)
        if values is None:
            raise TypeError(
                f"the loss {self.name!r} returned None, and not its values.\n"
                "Often its `return` is missing."
            )
        own_mask = around.masks.get(values)
        if mask is None or own_mask is None:
            mask = own_mask if mask is None else mask
        else:
            mask = mask & own_mask
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class FunctionLoss(Loss):
    """Makes a loss of a function `(y_true, y_pred, **kwargs) -> values`.

    A last axis of size 1 that only one of the two has is removed, or added, before.

    Args:
        fn: the function.
        reduction: see `Loss`.
        name: the loss's name; the function's own by default.
        dtype: see `Loss`.
        **kwargs: further arguments of the function.

    Example:

    >>> loss = FunctionLoss(lambda y, p, power: jnp.mean((y - p) ** power, -1), power=4)
    >>> float(loss([1.0, 1.0], [[0.0], [1.0]]))
    0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        name = name or getattr(fn, "__name__", None)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self.arguments = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns what the function returns."""
        leaves, structure = tree.flatten_with_treedef(y_pred)
        if tree.flatten_with_treedef(y_true)[1] == structure:
            pairs = [same_rank(t, p) for t, p in zip(tree.leaves(y_true), leaves, strict=True)]
            y_true = tree.unflatten(structure, [t for t, _ in pairs])
            y_pred = tree.unflatten(structure, [p for _, p in pairs])
        return self.fn(*columns(self.fn, y_true, y_pred), **self.arguments)


registry.add_class("losses", FunctionLoss, "LossFunctionWrapper")


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: Any = None,
) -> jax.Array:
    """Returns values after weights, a mask, padding rows and a reduction.

    Where rows of the batch are padding (`scope.current().row_mask`), the result is what it would be
    without them. A value without a batch axis cannot be told apart into rows and stays whole.

    Args:
        values: an array.
        sample_weight: factors, one per sample or more; see `spread`.
        mask: what counts (True) and what does not; a mean is over what counts.
        reduction: see `Loss`.
        dtype: what is computed in; the values' own by default.
    """
    reduction = _checked(reduction)
    values = jnp.asarray(values, dtype)
    counted = _counted(values.shape, mask)
    weights = None
    if counted is not None:
        values = jnp.where(counted, values, 0)
    if sample_weight is not None:
        weights = spread(jnp.asarray(sample_weight, values.dtype), values.shape)
        values = values * weights
    if reduction in ("none", None) or values.shape in ((), (0,)):
        return values
    total = jnp.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and not (weights is None and mask is None):
        weights = jnp.ones((), values.dtype) if weights is None else weights
        number = jnp.sum(weights if counted is None else jnp.where(counted, weights, 0))
    elif counted is None:
        number = jnp.asarray(values.size, values.dtype)
    else:
        number = jnp.sum(counted, dtype=values.dtype) * (values.size / counted.size)
    return jnp.where(number == 0, 0, total / jnp.where(number == 0, 1, number))


def _counted(shape: tuple[int, ...], mask: Any) -> Any:
    """Tells which values count, as booleans that broadcast to their shape; None if all do."""
    rows = scope.current().row_mask
    if mask is not None:
        mask = spread(jnp.asarray(mask, "bool"), shape)
    if rows is None or shape[:1] != rows.shape:
        return mask
    rows = spread(rows != 0, shape)
    return rows if mask is None else rows & mask


def _array(y: Any, dtype: str, rows: Any) -> Any:
    """Converts labels or predictions, and puts the first row in the place of padding rows.

    Whatever the model makes of padding, a loss of a real row is as good as that row's own: no
    infinity arises there whose gradient, times 0, would be NaN.
    """
    if y is None:
        return None
    y = jnp.asarray(y)
    if is_float(y.dtype) or jnp.issubdtype(y.dtype, jnp.integer) or y.dtype == bool:
        y = y.astype(dtype)
    if rows is None or y.shape[:1] != rows.shape:
        return y
    return jnp.where(spread(rows != 0, y.shape), y, jax.lax.stop_gradient(y[:1]))


def _checked(reduction: str | None) -> str | None:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}. {suggest(reduction, _REDUCTIONS)}")
    return reduction
