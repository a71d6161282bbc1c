"""MetricCollection: several metrics as one, whose result is a dict."""

from __future__ import annotations

from typing import Any

from cornu.metrics.base import Metric
from cornu.types import Array

__all__ = ["MetricCollection", "parts_by_name"]


class MetricCollection(Metric):
    """Base of metrics that consist of others. A subclass defines `by_name` and `update_state`.

    Args:
        name, dtype: see `Metric`.
    """

    def by_name(self) -> dict[str, Metric]:
        """Returns the metrics by the names of their results."""
        raise NotImplementedError

    @property
    def metrics(self) -> list[Metric]:
        """The metrics."""
        return list(self.by_name().values())

    def reset_state(self) -> None:
        """Resets all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Array]:
        """Returns the results by name; a metric whose result is a dict adds its items."""
        found: dict[str, Any] = {}
        for name, metric in self.by_name().items():
            result = metric.result()
            found.update(result if isinstance(result, dict) else {name: result})
        return found


def parts_by_name(metric: Metric) -> dict[str, Metric]:
    """Returns the metrics of a collection, or a single metric, by the names of their results."""
    return metric.by_name() if isinstance(metric, MetricCollection) else {metric.name: metric}
