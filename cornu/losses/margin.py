"""Maximum-margin losses."""

from __future__ import annotations

from cornu.core.state.dtype_policy import DTypePolicy
from cornu.losses.base import FunctionLoss
from cornu.parts.formulas.margin import categorical_hinge, hinge, squared_hinge
from cornu.types import DTypeLike, Reduction

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class Hinge(FunctionLoss):
    """Computes `mean(max(0, 1 - y_true * y_pred))` for labels -1 and 1 (or 0 and 1).

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = Hinge()
    >>> round(float(loss([[-1.0, 1.0], [1.0, 1.0]], [[0.5, 0.5], [2.0, -0.5]])), 4)
    0.875
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "hinge",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(FunctionLoss):
    """Computes `mean(max(0, 1 - y_true * y_pred) ** 2)` for labels -1 and 1 (or 0 and 1).

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = SquaredHinge()
    >>> round(float(loss([[-1.0, 1.0], [1.0, 1.0]], [[0.5, 0.5], [2.0, -0.5]])), 4)
    1.1875
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(FunctionLoss):
    """Computes `max(0, 1 + best wrong class - right class)` for one-hot labels.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:

    >>> loss = CategoricalHinge()
    >>> round(float(loss([[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    1.4
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: DTypeLike | DTypePolicy | None = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
