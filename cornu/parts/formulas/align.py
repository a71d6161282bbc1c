"""Labels, predictions and weights are brought to shapes that fit; nothing broadcasts in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.types import Array, ArrayLike, PyTree

__all__ = [
    "aligned",
    "columns",
    "masked",
    "mean_over_outputs",
    "plain",
    "same_rank",
    "sparse_aligned",
    "spread",
]

_means: set[Callable[..., Any]] = set()


def mean_over_outputs(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: says that a formula is a mean over the last axis, so that it takes columns."""
    _means.add(formula)
    return formula


def columns(formula: Callable[..., Any], y_true: PyTree, y_pred: PyTree) -> tuple[PyTree, PyTree]:
    """Gives vectors (batch,) a last axis where a formula would take the mean over the batch.

    Each sample keeps a value of its own then, which can be weighted or left out.
    """
    if formula not in _means or jnp.ndim(y_true) != 1 or jnp.ndim(y_pred) != 1:
        return y_true, y_pred
    return jnp.asarray(y_true)[:, None], jnp.asarray(y_pred)[:, None]


def plain(y: Any) -> Any:
    """Makes an array of a list of numbers; structures of arrays are kept."""
    if isinstance(y, (list, tuple)):
        numbers = (bool, int, float, np.generic)
        if all(isinstance(item, numbers) for item in tree.leaves(y)):
            return np.asarray(y)
    return y


def same_rank(a: Any, b: Any) -> tuple[Any, Any]:
    """Adds or removes a last axis of size 1 where it alone makes the ranks differ.

    Example:

    >>> a, b = same_rank(jnp.zeros(4), jnp.zeros((4, 1)))
    >>> a.shape, b.shape
    ((4, 1), (4, 1))
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def aligned(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Returns labels and predictions of one shape, the labels in the dtype of the predictions.

    Raises:
        ValueError: the shapes differ by more than a last axis of size 1.
    """
    predictions: Array = jnp.asarray(y_pred)
    labels: Array = jnp.asarray(y_true, predictions.dtype)
    labels, predictions = same_rank(labels, predictions)
    if labels.shape != predictions.shape:
        sparse = labels.shape in (predictions.shape[:-1], (*predictions.shape[:-1], 1))
        raise ValueError(
            f"y_true has the shape {labels.shape} and y_pred the shape {predictions.shape}; they "
            "must be equal, up to a last axis of size 1.\n"
            + (
                "If the labels are class numbers, use the sparse variant of the loss or metric, "
                "or cornu.utils.to_categorical(y); else give the model as many outputs as there "
                "are labels."
                if sparse
                else "Give the model as many outputs as there are labels, or reshape the labels."
            )
        )
    return labels, predictions


def sparse_aligned(
    y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1
) -> tuple[jax.Array, jax.Array]:
    """Returns class numbers of the shape of `y_pred` without its class axis, and `y_pred`.

    Raises:
        ValueError: `y_true` has another shape.
    """
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.ndim and y_true.shape[axis] == 1:
        y_true = jnp.squeeze(y_true, axis)
    wanted = list(y_pred.shape)
    if wanted:
        del wanted[axis]
    if not y_pred.ndim or y_true.shape != tuple(wanted):
        raise ValueError(
            f"y_true has the shape {y_true.shape} and y_pred the shape {y_pred.shape}: class "
            f"numbers must have the shape {tuple(wanted)}, that of y_pred without its class "
            "axis.\nIf the labels are one-hot, use the variant of the loss or metric without "
            "'sparse' in its name."
        )
    return y_true.astype("int32"), y_pred


def spread(weights: Any, shape: tuple[int, ...]) -> jax.Array:
    """Returns weights with as many axes as values of some shape, to be multiplied with them.

    Weights may lack the last axes: one per sample, or one per sample and time step.

    Raises:
        ValueError: they do not fit the first axes of the values.

    Example:

    >>> spread(jnp.ones(2), (2, 5)).shape
    (2, 1)
    """
    weights = jnp.asarray(weights)
    if not weights.ndim or not shape:
        return weights
    given = weights.shape
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    fit = all(w in (1, n) for w, n in zip(weights.shape, shape, strict=False))
    if weights.ndim > len(shape) or not fit:
        raise ValueError(
            f"Weights or a mask of shape {given} do not fit values of shape {shape}: give one "
            f"number per sample, shape {shape[:1]}, or one per value, shape {shape}."
        )
    return weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))


def masked(weights: Any, mask: Any, dtype: Any) -> Any:
    """Returns weights that are 0 where a mask is; either may be None."""
    if weights is not None:
        weights = jnp.asarray(weights, dtype)
    if mask is None:
        return weights
    mask = jnp.asarray(mask, "bool").astype(dtype)
    if weights is None:
        return mask
    if weights.ndim >= mask.ndim and not (weights.ndim == mask.ndim + 1 and weights.shape[-1] == 1):
        return weights * spread(mask, weights.shape)
    return spread(weights, mask.shape) * mask
