"""Monitor: watches one metric and tells when it has become better."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.errors import suggest

__all__ = ["Monitor"]

_MODES = ("auto", "min", "max")


class Monitor(Callback):
    """The base of callbacks that decide by a metric.

    Args:
        monitor: the metric's name in the logs.
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` asks the metric.
        min_delta: by how much it must have changed to be better.
        best: the value to be beaten first.

    Raises:
        ValueError: `mode` is another word, or `"auto"` and the metric does not know.
    """

    def __init__(
        self, monitor: str, mode: str = "auto", min_delta: float = 0, best: float | None = None
    ) -> None:
        if mode not in _MODES:
            raise ValueError(
                f"{type(self).__name__}: mode is 'auto', 'min' or 'max'. Received: {mode!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best
        self._sign = 0  # 1 if more is better, -1 if less is

    def value(self, logs: Any) -> Any:
        """Returns the metric, or None with a warning if it is not there."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__}: there is no metric {self.monitor!r}. "
                f"{suggest(self.monitor, logs)}"
                + (" Did you pass validation data?" if self.monitor.startswith("val_") else ""),
                stacklevel=2,
            )
            return None
        return logs[self.monitor]

    def improves(self, value: float, on: float | None) -> bool:
        """Tells whether a value is better than another by at least `min_delta`; NaN never is."""
        if math.isnan(value):
            return False
        if on is None or math.isnan(on):
            return True
        if not self._sign:
            self._sign = self._find_sign()
        # In float32, the precision of metrics: 0.8 - 0.7 is not more than 0.1.
        needed = np.float32(on + self._sign * self.min_delta)
        return bool(self._sign * np.float32(value) > self._sign * needed)

    def _find_sign(self) -> int:
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return -1
        directions = {metric.name: metric.direction for metric in self.model.metrics}
        sign = {"up": 1, "down": -1}.get(directions.get(name) or "")
        if sign is None:
            raise ValueError(
                f"{type(self).__name__}: is more or less of {self.monitor!r} better? "
                "Pass mode='max' or mode='min'."
            )
        return sign
