"""Probabilistic metrics: cross-entropies and divergences."""

from __future__ import annotations

from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.mean import MeanMetricWrapper
from cornu.parts.formulas.probabilistic import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cornu.types import DTypeLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
]


class BinaryCrossentropy(MeanMetricWrapper):
    """Computes the mean of `-(y_true * log(p) + (1 - y_true) * log(1 - p))`.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are `log(p / (1 - p))` instead of probabilities `p`.
        label_smoothing: the fraction that is spread over both classes: 0.1 gives the labels 0.05
            and 0.95.

    Example:

    >>> metric = BinaryCrossentropy()
    >>> round(float(metric([[0.0], [1.0], [1.0]], [[0.2], [0.9], [0.4]])), 4)
    0.4149

    Fixes: probabilities are clipped in float32; in Keras, the bounds are 0 and 1 in half precision,
    so that results or gradients are infinite or NaN.
    """

    direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """Computes the mean of `-sum(y_true * log(p))` for one-hot labels.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits, of which `p` is the softmax.
        label_smoothing: the fraction of each label that is spread evenly over all classes.
        axis: the axis of the classes.

    Example:

    >>> metric = CategoricalCrossentropy()
    >>> round(float(metric([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.204
    """

    direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Computes the mean of `-log(p[y_true])` for class indices.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits, of which `p` is the softmax.
        ignore_class: the class index of a missing label, which is excluded.
        axis: the axis of the classes.

    Example:

    >>> metric = SparseCategoricalCrossentropy()
    >>> round(float(metric([1, 2], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.204

    Fixes: labels of `ignore_class` are excluded from the mean; in Keras 3.15 they count as values
    of 0.
    """

    direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypeLike | DTypePolicy | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class KLDivergence(MeanMetricWrapper):
    """Computes the mean of `sum(y_true * log(y_true / y_pred))`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = KLDivergence()
    >>> round(float(metric([[0, 1, 0], [0, 0, 1]], [[0.05, 0.9, 0.05], [0.1, 0.8, 0.1]])), 4)
    1.204
    """

    direction = "down"

    def __init__(
        self, name: str = "kl_divergence", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """Computes the mean of `y_pred - y_true * log(y_pred)`.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Poisson()
    >>> round(float(metric([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    0.4582
    """

    direction = "down"

    def __init__(self, name: str = "poisson", dtype: DTypeLike | DTypePolicy | None = None) -> None:
        super().__init__(poisson, name, dtype)
