"""Losses of overlap, for segmentation."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.losses.base import FunctionLoss
from cornu.parts.formulas.align import aligned, spread

__all__ = ["Dice", "Tversky", "dice", "tversky"]


@op
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """Computes `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.

    Args:
        y_true: labels from 0 to 1.
        y_pred: probabilities.
        axis: the axes of the sums; `None` for all, also the batch.

    Example:

    >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.3333

    References: Fausto Milletari et al. (2016), "V-Net", arXiv:1606.04797.
    """
    y_true, y_pred = _without_padding(*aligned(y_true, y_pred))
    axis = tuple(axis) if isinstance(axis, list) else axis
    both = jnp.sum(y_true * y_pred, axis=axis)
    total = jnp.sum(y_true, axis=axis) + jnp.sum(y_pred, axis=axis)
    return 1 - 2 * both / (total + settings.get("epsilon"))


@op
def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Any:
    """Computes `1 - both / (both + alpha * only_true + beta * only_pred)`.

    The three are sums of `y_true * y_pred`, `y_true * (1 - y_pred)` and `y_pred * (1 - y_true)`.

    Args:
        y_true: labels from 0 to 1.
        y_pred: probabilities.
        alpha: the weight of what is missed.
        beta: the weight of false alarms.
        axis: the axes of the sums; `None` for all, also the batch.

    References: Seyed Salehi et al. (2017), "Tversky loss function for image segmentation",
    arXiv:1706.05721.

    Differences: in the paper `alpha` weighs false alarms and `beta` what is missed; this is as in
    Keras.
    """
    y_true, y_pred = _without_padding(*aligned(y_true, y_pred))
    axis = tuple(axis) if isinstance(axis, list) else axis
    both = jnp.sum(y_true * y_pred, axis=axis)
    only_true = jnp.sum(y_true * (1 - y_pred), axis=axis)
    only_pred = jnp.sum(y_pred * (1 - y_true), axis=axis)
    return 1 - both / (both + alpha * only_true + beta * only_pred + settings.get("epsilon"))


def _without_padding(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    # Sums over the batch must not see padding rows: an overlap of nothing with nothing is 0.
    rows = scope.current().row_mask
    if rows is None or y_true.shape[:1] != rows.shape:
        return y_true, y_pred
    data = spread(rows != 0, y_true.shape)
    return jnp.where(data, y_true, 0), jnp.where(data, y_pred, 0)


class Dice(FunctionLoss):
    """Computes `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.

    Args:
        reduction, name: see `Loss`.
        axis: the axes of the sums; `None` for all. `[1, 2, 3]` gives one value per image.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(FunctionLoss):
    """Computes `1 - both / (both + alpha * only_true + beta * only_pred)`; see `tversky`.

    Args:
        alpha: the weight of what is missed.
        beta: the weight of false alarms.
        reduction, name: see `Loss`.
        axis: the axes of the sums; `None` for all.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
