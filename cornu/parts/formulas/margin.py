"""Formulas of maximum-margin losses and metrics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.precision import in_float32
from cornu.parts.formulas.align import match_shapes, mean_over_outputs
from cornu.types import Array, ArrayLike

__all__ = ["categorical_hinge", "hinge", "squared_hinge"]


@mean_over_outputs
@op
@in_float32
def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean(max(0, 1 - y_true * y_pred))` over the last axis.

    Args:
        y_true: the labels, -1 and 1, or 0 and 1.
        y_pred: the predictions; their sign is the predicted class.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> float(hinge([-1.0, 1.0], [0.5, 2.0]))
    0.75
    """
    return jnp.mean(_margins(y_true, y_pred), axis=-1)


@mean_over_outputs
@op
@in_float32
def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes `mean(max(0, 1 - y_true * y_pred) ** 2)` over the last axis.

    Args:
        y_true: the labels, -1 and 1, or 0 and 1.
        y_pred: the predictions; their sign is the predicted class.

    Shapes: y_true (batch, ..., outputs), y_pred (batch, ..., outputs) -> (batch, ...)

    Example:

    >>> squared_hinge([[1.0], [-1.0]], [[0.5], [0.5]]).tolist()
    [0.25, 2.25]
    """
    return jnp.mean(jnp.square(_margins(y_true, y_pred)), axis=-1)


@op
@in_float32
def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """Computes the hinge loss for several classes.

        max(0, 1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred))

    Args:
        y_true: one-hot labels.
        y_pred: one score per class.

    Shapes: y_true (batch, ..., classes), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> categorical_hinge([[0.0, 1.0, 0.0]], [[0.5, 0.25, 0.0]]).tolist()
    [1.25]
    """
    y_true, y_pred = match_shapes(y_true, y_pred)
    correct = jnp.sum(y_true * y_pred, axis=-1)
    wrong = jnp.max((1 - y_true) * y_pred, axis=-1)
    return jnp.maximum(wrong - correct + 1, 0)


def _margins(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    y_true, y_pred = match_shapes(y_true, y_pred)
    # Labels 0 and 1 are converted to -1 and 1, as in Keras; this is decided per batch.
    binary = jnp.all((y_true == 0) | (y_true == 1))
    y_true = jnp.where(binary, 2 * y_true - 1, y_true)
    return jnp.maximum(1 - y_true * y_pred, 0)
