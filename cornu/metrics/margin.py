"""Maximum-margin metrics."""

from __future__ import annotations

from cornu.core.state.dtype_policy import DTypePolicy
from cornu.metrics.mean import MeanMetricWrapper
from cornu.parts.formulas.margin import categorical_hinge, hinge, squared_hinge
from cornu.types import DTypeLike

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


class Hinge(MeanMetricWrapper):
    """Computes the mean of `max(0, 1 - y_true * y_pred)` for labels -1 and 1 (or 0 and 1).

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = Hinge()
    >>> round(float(metric([[-1.0, 1.0], [1.0, 1.0]], [[0.5, 0.5], [2.0, -0.5]])), 4)
    0.875
    """

    direction = "down"

    def __init__(self, name: str = "hinge", dtype: DTypeLike | DTypePolicy | None = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """Computes the mean of `max(0, 1 - y_true * y_pred) ** 2` for labels -1 and 1 (or 0 and 1).

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = SquaredHinge()
    >>> round(float(metric([[-1.0, 1.0], [1.0, 1.0]], [[0.5, 0.5], [2.0, -0.5]])), 4)
    1.1875
    """

    direction = "down"

    def __init__(
        self, name: str = "squared_hinge", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """Computes the mean of `max(0, 1 + best wrong class - right class)` for one-hot labels.

    Args:
        name, dtype: see `Metric`.

    Example:

    >>> metric = CategoricalHinge()
    >>> round(float(metric([[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]])), 4)
    1.4
    """

    direction = "down"

    def __init__(
        self, name: str = "categorical_hinge", dtype: DTypeLike | DTypePolicy | None = None
    ) -> None:
        super().__init__(categorical_hinge, name, dtype)
