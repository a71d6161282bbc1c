"""Regression losses."""

from __future__ import annotations

from cornu.core.graph.op import op
from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.ops.precision import in_float32
from cornu.parts.formulas.regression import (
    cosine,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cornu.types import Array, ArrayLike, DTypeLike, Reduction

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
]


@op
@in_float32
def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """Computes the negative cosine of the angle between vectors: -1 for the same direction.

    Args:
        y_true: true vectors.
        y_pred: predicted vectors.
        axis: the axis of the vectors' elements.

    Shapes: y_true (batch, ..., n), y_pred (batch, ..., n) -> (batch, ...)

    Example:

    >>> cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.0], [-1.0, 0.0]]).tolist()
    [-1.0, 1.0]

    Note: the metric `CosineSimilarity` is the cosine itself.
    """
    similarity: Array = cosine(y_true, y_pred, axis=axis)
    return -similarity


class MeanSquaredError(FunctionLoss):
    """Computes `mean((y_true - y_pred) ** 2)`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
    2.0
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(FunctionLoss):
    """Computes `mean(|y_true - y_pred|)`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = MeanAbsoluteError()
    >>> round(float(loss([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 3.0]])), 4)
    0.5
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """Computes `100 * mean(|y_true - y_pred| / |y_true|)`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = MeanAbsolutePercentageError()
    >>> round(float(loss([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    43.75
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """Computes `mean((log(y_true + 1) - log(y_pred + 1)) ** 2)`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = MeanSquaredLogarithmicError()
    >>> round(float(loss([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    0.1188
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(FunctionLoss):
    """Computes the negative cosine of the angle between labels and predictions.

    Args:
        axis: the axis of the vectors' elements.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = CosineSimilarity()
    >>> round(float(loss([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.0], [4.0, 3.0]])), 4)
    -0.9216
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(FunctionLoss):
    """Computes a squared error for small differences and an absolute error for large ones.

    Args:
        delta: the difference at which the two meet; see `huber`.
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = Huber()
    >>> round(float(loss([[0.0, 1.0], [2.0, 3.0]], [[3.0, 1.0], [1.5, 3.0]])), 4)
    0.6562
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(FunctionLoss):
    """Computes `mean(log(cosh(y_pred - y_true)))`.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = LogCosh()
    >>> round(float(loss([[0.0, 1.0], [2.0, 3.0]], [[1.0, 1.0], [1.0, 3.0]])), 4)
    0.2169
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)
