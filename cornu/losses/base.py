"""Loss: a function of labels and predictions, reduced to a scalar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry, tree
from cornu.core.graph.op import Op
from cornu.core.state import scope
from cornu.core.state.dtype_policy import DTypePolicy, get_policy
from cornu.core.state.dtypes import is_float, narrowed, standardize_dtype
from cornu.errors import suggest
from cornu.names import auto_name, printable
from cornu.ops.precision import wide_dtype, widen
from cornu.parts.formulas.align import as_columns, expand_weights, lists_to_arrays, match_ranks
from cornu.parts.formulas.arguments import KeywordArguments
from cornu.types import Array, ArrayLike, DTypeLike, PyTree, Reduction

__all__ = ["FunctionLoss", "Loss", "reduce_weighted_values"]

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")
_REDUCTIONS = (*_MEANS, "sum", "none", None)


class Loss(registry.Configurable):
    """Base class of losses: `call` computes values, `__call__` weights and reduces them.

    Args:
        name: the loss's name.
        reduction: how the values are reduced:
            `"sum_over_batch_size"` or `"mean"`: their sum divided by their number;
            `"mean_with_sample_weight"`: their sum divided by the sum of the weights;
            `"sum"`: their sum; `"none"` or `None`: they are returned unreduced.
        dtype: the dtype or dtype policy of the computation; by default the process-wide float
            type, even if the model computes in a shorter one. 16-bit floats are computed and
            returned in float32.

    Example:

    >>> class Fourth(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return jnp.mean((y_true - y_pred) ** 4, axis=-1)
    >>> float(Fourth()([[1.0], [1.0]], [[0.0], [3.0]], sample_weight=[1.0, 0.5]))
    4.5

    Differences: predictions (batch,) have one value per sample, so that they can be weighted; in
    Keras they have one for the batch.

    Fixes: values that a mask or padding rows exclude do not count, even where they are infinite;
    Keras multiplies them by 0, which gives NaN. A weight per sample is broadcast over the values of
    the sample; Keras broadcasts it along the last axis, or fails. With a 16-bit dtype, the result
    is float32; in Keras, sums and counts above 65504 are infinite in float16.
    """

    _category_ = "losses"

    def __init__(
        self,
        name: str | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = _check_reduction(reduction)
        # The float type and not the dtype policy: with a mixed policy, losses are computed in
        # float32.
        self._dtype = get_policy(standardize_dtype(None) if dtype is None else dtype).compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values, one per sample (or time step, pixel, ...); a subclass defines it.

        Args:
            y_true: labels, an array or a nested structure of arrays, in the dtype of the loss.
            y_pred: predictions, in the dtype of the loss.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `call`.")

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Array:
        """Returns the values of `call`, weighted and reduced.

        Args:
            y_true: labels, an array or a nested structure of arrays.
            y_pred: predictions; if they carry a mask, values where it is False are excluded.
            sample_weight: weights of the values: a number, one per sample, or one per value.
        """
        loss: Array = Op(self.name, self._reduce_)(y_true, y_pred, sample_weight)
        return loss

    def _reduce_(self, y_true: PyTree, y_pred: PyTree, sample_weight: ArrayLike | None) -> Array:
        current = scope.current()
        # Before the conversion, since masks of tracers are looked up by the identity of the array.
        mask = current.masks.get(y_pred)
        # Class indices above 256 are not exact in bfloat16, and above 2048 in float16.
        dtype = wide_dtype(self.dtype)
        y_true, y_pred = (
            tree.map(lambda y: _to_array(y, dtype, current.row_mask), lists_to_arrays(given))
            for given in (y_true, y_pred)
        )
        values = self.call(y_true, y_pred)
        if values is None:
            raise TypeError(
                f"the loss {self.name!r} returned None instead of values.\n"
                "Check that the function ends with a `return` statement."
            )
        # Functions mask values too, such as those of `ignore_class`.
        values_mask = current.masks.get(values)
        if mask is None or values_mask is None:
            mask = values_mask if mask is None else mask
        else:
            mask = mask & values_mask
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={printable(self.name)}>"


class FunctionLoss(KeywordArguments, Loss):
    """Loss given by a function `(y_true, y_pred, **kwargs) -> values`.

    If only one of `y_true` and `y_pred` has a last axis of size 1, it is removed or added.

    Args:
        fn: the function.
        reduction: see `Loss`.
        name: the loss's name; by default that of the function.
        dtype: see `Loss`.
        **kwargs: additional arguments of the function; they become attributes.

    Example:

    >>> loss = FunctionLoss(lambda y, p, power: jnp.mean((y - p) ** power, -1), power=4)
    >>> float(loss([1.0, 1.0], [[0.0], [1.0]]))
    0.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | DTypePolicy | None = None,
        **kwargs: Any,
    ) -> None:
        name = name or getattr(fn, "__name__", None)
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._set_arguments_(kwargs)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """Returns the values of the function."""
        # With equal structures, leaves are compared one by one. Other structures, such as several
        # predictions for one label, are left to the function.
        leaves, structure = tree.flatten_with_treedef(y_pred)
        if tree.flatten_with_treedef(y_true)[1] == structure:
            pairs = [match_ranks(t, p) for t, p in zip(tree.leaves(y_true), leaves, strict=True)]
            y_true = tree.unflatten(structure, [t for t, _ in pairs])
            y_pred = tree.unflatten(structure, [p for _, p in pairs])
        values: Array = self.fn(*as_columns(self.fn, y_true, y_pred), **self._arguments_)
        return values


registry.add_class("losses", FunctionLoss, "LossFunctionWrapper")


def reduce_weighted_values(
    values: ArrayLike,
    sample_weight: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    reduction: Reduction | None = "sum_over_batch_size",
    dtype: DTypeLike | None = None,
) -> Array:
    """Weights, masks and reduces values, and excludes padding rows.

    If rows of the batch are padding (`scope.current().row_mask`), the result is the same as without
    them. A value without a batch axis cannot be separated into rows and is kept.

    Args:
        values: an array.
        sample_weight: weights, one per sample or more; see `expand_weights`.
        mask: False for values to exclude; a mean is over the values that are included.
        reduction: see `Loss`.
        dtype: the dtype of the computation; by default that of the values, and float32 for 16-bit
            floats, whose sums and counts may exceed their range.
    """
    reduction = _check_reduction(reduction)
    values = widen(jnp.asarray(values, dtype))
    included = _included(values.shape, mask)
    weights = None
    if included is not None:
        # Replaced, not multiplied by 0: 0 * infinity is NaN, and so is its gradient.
        values = jnp.where(included, values, 0)
    if sample_weight is not None:
        weights = expand_weights(jnp.asarray(sample_weight, values.dtype), values.shape)
        values = values * weights
    # As in Keras, scalars and empty arrays are not reduced.
    if reduction in ("none", None) or values.shape in ((), (0,)):
        return values
    total = jnp.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and not (weights is None and mask is None):
        weights = jnp.ones((), values.dtype) if weights is None else weights
        count = jnp.sum(weights if included is None else jnp.where(included, weights, 0))
    elif included is None:
        count = jnp.asarray(values.size, values.dtype)
    else:
        # `included` broadcasts: an element covers values.size / included.size values.
        count = jnp.sum(included, dtype=values.dtype) * (values.size / included.size)
    # The inner `where` keeps the gradient finite: JAX differentiates both branches of the outer.
    # See "Gradients contain NaN where using where" in the JAX FAQ.
    return jnp.where(count == 0, 0, total / jnp.where(count == 0, 1, count))


def _included(shape: tuple[int, ...], mask: ArrayLike | None) -> Array | None:
    """Returns which values are included, broadcastable to their shape; None for all."""
    rows = scope.current().row_mask
    if mask is not None:
        mask = expand_weights(jnp.asarray(mask, "bool"), shape)
    if rows is None or shape[:1] != rows.shape:
        return mask
    rows = expand_weights(rows != 0, shape)
    return rows if mask is None else rows & mask


def _to_array(y: Any, dtype: DTypeLike, rows: Array | None) -> Array | None:
    """Converts labels or predictions, and replaces padding rows by the first row.

    The loss of padding can be infinite, and its gradient multiplied by 0 is NaN. The loss of a copy
    of a real row is finite if that of the row is.
    """
    if y is None:
        return None
    array = jnp.asarray(narrowed(y) if isinstance(y, np.ndarray) else y)
    if is_float(array.dtype) or jnp.issubdtype(array.dtype, jnp.integer) or array.dtype == bool:
        array = array.astype(dtype)
    if rows is None or array.shape[:1] != rows.shape:
        return array
    return jnp.where(
        expand_weights(rows != 0, array.shape), array, jax.lax.stop_gradient(array[:1])
    )


def _check_reduction(reduction: Reduction | None) -> Reduction | None:
    if reduction not in _REDUCTIONS:
        raise ValueError(f"Unknown reduction {reduction!r}. {suggest(reduction, _REDUCTIONS)}")
    return reduction
