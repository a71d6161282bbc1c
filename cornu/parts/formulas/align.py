"""Alignment of the shapes of labels, predictions and weights, without accidental broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.types import Array, ArrayLike, PyTree

__all__ = [
    "apply_mask",
    "as_columns",
    "expand_weights",
    "lists_to_arrays",
    "match_ranks",
    "match_shapes",
    "match_sparse_shapes",
    "mean_over_outputs",
]

_last_axis_means: set[Callable[..., Any]] = set()


def mean_over_outputs(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: declares that a formula is a mean over the last axis; see `as_columns`."""
    _last_axis_means.add(formula)
    return formula


def as_columns(
    formula: Callable[..., Any], y_true: PyTree, y_pred: PyTree
) -> tuple[PyTree, PyTree]:
    """Adds a last axis to vectors (batch,) if a formula would average over the batch.

    Then the formula returns one value per sample, which can be weighted or masked.
    """
    if formula not in _last_axis_means or jnp.ndim(y_true) != 1 or jnp.ndim(y_pred) != 1:
        return y_true, y_pred
    return jnp.asarray(y_true)[:, None], jnp.asarray(y_pred)[:, None]


def lists_to_arrays(y: Any) -> Any:
    """Converts lists of numbers to arrays; nested structures of arrays are returned unchanged."""
    if isinstance(y, (list, tuple)):
        numbers = (bool, int, float, np.generic)
        if all(isinstance(item, numbers) for item in tree.leaves(y)):
            return np.asarray(y)
    return y


def match_ranks(a: Any, b: Any) -> tuple[Any, Any]:
    """Adds or removes a last axis of size 1 if the ranks differ by that axis.

    Example:

    >>> a, b = match_ranks(jnp.zeros(4), jnp.zeros((4, 1)))
    >>> a.shape, b.shape
    ((4, 1), (4, 1))
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        # The vector gets an axis, so that a mean over the last axis still gives one value per
        # sample.
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def match_shapes(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Returns labels and predictions of equal shape and dtype, that of float predictions.

    Raises:
        ValueError: the shapes differ in more than a last axis of size 1.
    """
    predictions: Array = jnp.asarray(y_pred)
    labels: Array = jnp.asarray(y_true)
    dtype = predictions.dtype
    if not jnp.issubdtype(dtype, jnp.inexact):
        dtype = jnp.result_type(labels, predictions)
    labels, predictions = labels.astype(dtype), predictions.astype(dtype)
    labels, predictions = match_ranks(labels, predictions)
    # Broadcasting (batch,) with (batch, 1) would silently give (batch, batch).
    if labels.shape != predictions.shape:
        sparse = labels.shape in (predictions.shape[:-1], (*predictions.shape[:-1], 1))
        raise ValueError(
            f"y_true has shape {labels.shape} and y_pred has shape {predictions.shape}; they must "
            "be equal, except for a last axis of size 1.\n"
            + (
                "If the labels are class indices, use the sparse variant of the loss or metric, or "
                "cornu.utils.to_categorical(y). Otherwise, the model must have as many outputs as "
                "there are labels."
                if sparse
                else "The model must have as many outputs as there are labels. Change the model or "
                "reshape the labels."
            )
        )
    return labels, predictions


def match_sparse_shapes(
    y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1
) -> tuple[jax.Array, jax.Array]:
    """Returns class indices of the shape of `y_pred` without its class axis, and `y_pred`.

    Raises:
        ValueError: the shape of `y_true` does not match.
    """
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.ndim and y_true.shape[axis] == 1:
        y_true = jnp.squeeze(y_true, axis)
    expected = list(y_pred.shape)
    if expected:
        del expected[axis]
    if not y_pred.ndim or y_true.shape != tuple(expected):
        raise ValueError(
            f"y_true has shape {y_true.shape} and y_pred has shape {y_pred.shape}: class indices "
            f"must have shape {tuple(expected)}, that of y_pred without its class axis.\n"
            "If the labels are one-hot, use the variant of the loss or metric without 'sparse' in "
            "its name."
        )
    # Data pipelines often deliver class indices as floats.
    return y_true.astype("int32"), y_pred


def expand_weights(weights: Any, shape: tuple[int, ...]) -> jax.Array:
    """Reshapes weights so that they broadcast to values of the given shape.

    Weights may lack the last axes: one per sample, or one per sample and time step.

    Raises:
        ValueError: the weights do not match the first axes of the values.

    Example:

    >>> expand_weights(jnp.ones(2), (2, 5)).shape
    (2, 1)
    """
    weights = jnp.asarray(weights)
    if not weights.ndim or not shape:
        return weights
    received = weights.shape
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    # Compared from the first axis on, whereas NumPy broadcasts from the last.
    compatible = all(w in (1, n) for w, n in zip(weights.shape, shape, strict=False))
    if weights.ndim > len(shape) or not compatible:
        raise ValueError(
            f"Weights or a mask of shape {received} do not match values of shape {shape}. Pass one "
            f"weight per sample, shape {shape[:1]}, or one per value, shape {shape}."
        )
    return weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))


def apply_mask(weights: Any, mask: Any, dtype: Any) -> Any:
    """Returns weights that are 0 where a mask is False; either may be None."""
    if weights is not None:
        weights = jnp.asarray(weights, dtype)
    if mask is None:
        return weights
    mask = jnp.asarray(mask, "bool").astype(dtype)
    if weights is None:
        return mask
    if weights.ndim >= mask.ndim and not (weights.ndim == mask.ndim + 1 and weights.shape[-1] == 1):
        return weights * expand_weights(mask, weights.shape)
    return expand_weights(weights, mask.shape) * mask
