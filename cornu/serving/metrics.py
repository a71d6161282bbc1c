"""What a server measures, in the format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

__all__ = ["ServerMetrics"]

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class ServerMetrics:
    """Counts of requests, their duration, and the sizes of batches.

    Args:
        waiting: returns the number of requests that wait or are computed.
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "cornu_requests", "Requests for predictions", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "cornu_request_seconds",
            "Time from the request to the response",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Histogram(
            "cornu_batch_rows",
            "Rows that were computed together",
            buckets=_ROWS,
            registry=self._registry,
        )
        gauge = Gauge(
            "cornu_requests_waiting",
            "Requests that wait or are computed",
            registry=self._registry,
        )
        gauge.set_function(waiting)

    def observe_batch(self, rows: int) -> None:
        """Adds a batch."""
        self._rows.observe(rows)

    def observe_request(self, status: int, seconds: float) -> None:
        """Adds a request."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def write(self) -> bytes:
        """Returns all values as text."""
        return generate_latest(self._registry)
