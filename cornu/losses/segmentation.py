"""Losses of overlap, for segmentation."""

from __future__ import annotations

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state import scope
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.ops.precision import in_float32
from cornu.parts.formulas.align import expand_weights, match_shapes
from cornu.types import Array, ArrayLike, Axes, DTypeLike, Reduction

__all__ = ["Dice", "Tversky", "dice", "tversky"]


@op
@in_float32
def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: Axes = None) -> Array:
    """Computes `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.

    Args:
        y_true: labels between 0 and 1.
        y_pred: probabilities.
        axis: the axes of the sums; `None` for all, including the batch.

    Example:

    >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.3333

    References: Fausto Milletari et al. (2016), "V-Net", arXiv:1606.04797.
    """
    y_true, y_pred = _zero_padding(*match_shapes(y_true, y_pred))
    axis = tuple(axis) if isinstance(axis, list) else axis  # JSON configs contain lists
    both = jnp.sum(y_true * y_pred, axis=axis)
    total = jnp.sum(y_true, axis=axis) + jnp.sum(y_pred, axis=axis)
    epsilon: float = settings.get("epsilon")
    # Both sums are 0 if labels and predictions are all 0.
    return 1 - 2 * both / (total + epsilon)


@op
@in_float32
def tversky(
    y_true: ArrayLike, y_pred: ArrayLike, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Array:
    """Computes `1 - both / (both + alpha * only_true + beta * only_pred)`.

    The three are sums of `y_true * y_pred`, `y_true * (1 - y_pred)` and `y_pred * (1 - y_true)`.

    Args:
        y_true: labels between 0 and 1.
        y_pred: probabilities.
        alpha: the weight of false negatives.
        beta: the weight of false positives.
        axis: the axes of the sums; `None` for all, including the batch.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.losses.tversky([[1.0, 0.0]], [[0.5, 0.5]])).round(3))
    0.5

    References: Seyed Salehi et al. (2017), "Tversky loss function for image segmentation",
    arXiv:1706.05721.

    Note: in the paper `alpha` weights false positives and `beta` false negatives; the opposite
    order is that of Keras.
    """
    y_true, y_pred = _zero_padding(*match_shapes(y_true, y_pred))
    axis = tuple(axis) if isinstance(axis, list) else axis
    both = jnp.sum(y_true * y_pred, axis=axis)
    only_true = jnp.sum(y_true * (1 - y_pred), axis=axis)
    only_pred = jnp.sum(y_pred * (1 - y_true), axis=axis)
    epsilon: float = settings.get("epsilon")
    return 1 - both / (both + alpha * only_true + beta * only_pred + epsilon)


def _zero_padding(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    # The sums include the batch axis, so that padding rows must contribute 0.
    rows = scope.current().row_mask
    if rows is None or y_true.shape[:1] != rows.shape:
        return y_true, y_pred
    data = expand_weights(rows != 0, y_true.shape)
    return jnp.where(data, y_true, 0), jnp.where(data, y_pred, 0)


class Dice(FunctionLoss):
    """Computes `1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`.

    Args:
        reduction, name: see `Loss`.
        axis: the axes of the sums; `None` for all. `[1, 2, 3]` gives one value per image.
        dtype: see `Loss`.

    Example:

    >>> loss = Dice()
    >>> round(float(loss([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]])), 4)
    0.2571
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Axes = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(FunctionLoss):
    """Computes `1 - both / (both + alpha * only_true + beta * only_pred)`; see `tversky`.

    Args:
        alpha: the weight of false negatives.
        beta: the weight of false positives.
        reduction, name: see `Loss`.
        axis: the axes of the sums; `None` for all.
        dtype: see `Loss`.

    Example:

    >>> loss = Tversky()
    >>> round(float(loss([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]])), 4)
    0.2571
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axes = None,
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
