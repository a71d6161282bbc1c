"""Probabilistic losses: cross-entropies and divergences."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.ops.precision import in_float32
from cornu.parts.formulas.align import match_sparse_shapes
from cornu.parts.formulas.probabilistic import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cornu.types import Array, ArrayLike, DTypeLike, Reduction

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "categorical_generalized_cross_entropy",
]


@op
@in_float32
def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: float) -> Array:
    """Computes `(1 - p[y_true] ** q) / q`, which is robust to wrong labels.

    Args:
        y_true: class indices.
        y_pred: probabilities `p`.
        q: interpolates between cross-entropy (in the limit 0) and the mean absolute error (1).

    Shapes: y_true (batch, ...), y_pred (batch, ..., classes) -> (batch, ...)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> loss = cornu.losses.categorical_generalized_cross_entropy([0], [[0.8, 0.2]], 0.5)
    >>> print(np.asarray(loss).round(3))
    [0.211]

    References: Zhilu Zhang, Mert Sabuncu (2018), "Generalized Cross Entropy Loss for Training
    Deep Neural Networks with Noisy Labels", arXiv:1805.07836.
    """
    y_true, y_pred = match_sparse_shapes(y_true, y_pred)
    p_true = jnp.sum(y_pred * jax.nn.one_hot(y_true, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    return (1 - jnp.power(p_true, q)) / q


class BinaryCrossentropy(FunctionLoss):
    """Computes `-mean(y_true * log(p) + (1 - y_true) * log(1 - p))`.

    Args:
        from_logits: whether predictions are `log(p / (1 - p))` instead of probabilities `p`.
        label_smoothing: the fraction that is spread over both classes: 0.1 gives the labels 0.05
            and 0.95.
        axis: the axis of the mean.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = BinaryCrossentropy(from_logits=True)
    >>> round(float(loss([[1.0], [0.0]], [[0.0], [0.0]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(FunctionLoss):
    """Computes binary cross-entropy with less weight on samples that are classified well.

    Args:
        apply_class_balancing, alpha, gamma: see `binary_focal_crossentropy`.
        from_logits, label_smoothing, axis: see `BinaryCrossentropy`.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = BinaryFocalCrossentropy()
    >>> round(float(loss([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]])), 4)
    0.1133

    References: Tsung-Yi Lin et al. (2017), "Focal Loss for Dense Object Detection",
    arXiv:1708.02002.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(FunctionLoss):
    """Computes `-sum(y_true * log(p))` for one-hot labels.

    Args:
        from_logits: whether predictions are logits, of which `p` is the softmax.
        label_smoothing: the fraction of each label that is spread evenly over all classes.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = CategoricalCrossentropy()
    >>> round(float(loss([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.204
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(FunctionLoss):
    """Computes `-sum(alpha * (1 - p) ** gamma * y_true * log(p))` for one-hot labels.

    Args:
        alpha: a weight, or one for each class.
        gamma: the focusing parameter: 0 for plain cross-entropy; larger values reduce the weight of
            samples that are classified well.
        from_logits, label_smoothing, axis: see `CategoricalCrossentropy`.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = CategoricalFocalCrossentropy()
    >>> round(float(loss([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    0.2333

    References: Tsung-Yi Lin et al. (2017), "Focal Loss for Dense Object Detection",
    arXiv:1708.02002.
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(FunctionLoss):
    """Computes `-log(p[y_true])` for class indices.

    Args:
        from_logits: whether predictions are logits, of which `p` is the softmax.
        ignore_class: the class index of a missing label, which is excluded.
        reduction: see `Loss`.
        axis: the axis of the classes.
        name, dtype: see `Loss`.

    Example:

    >>> loss = SparseCategoricalCrossentropy()
    >>> round(float(loss([1, 0], [[0.0, 1.0], [0.5, 0.5]])), 4)
    0.3466
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """Computes `(1 - p[y_true] ** q) / q` for class indices, which is robust to wrong labels.

    Args:
        q: between 0 and 1; interpolates between cross-entropy and the mean absolute error.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = CategoricalGeneralizedCrossEntropy()
    >>> round(float(loss([1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    0.7351

    References: Zhilu Zhang, Mert Sabuncu (2018), "Generalized Cross Entropy Loss for Training
    Deep Neural Networks with Noisy Labels", arXiv:1805.07836.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be between 0 and 1. Received: {q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


class KLDivergence(FunctionLoss):
    """Computes `sum(y_true * log(y_true / y_pred))`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = KLDivergence()
    >>> round(float(loss([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.204

    Fixes: probabilities are clipped in float32; in Keras, the bounds are 0 and 1 in half precision,
    so that results or gradients are infinite or NaN.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(FunctionLoss):
    """Computes `mean(y_pred - y_true * log(y_pred))`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = Poisson()
    >>> round(float(loss([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    0.4582
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "poisson",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)
