"""MonitorCallback: the base class of callbacks that follow one metric."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.core.tracebacks.user_frames import user_position
from cornu.errors import suggest
from cornu.metrics.collection import parts_by_name
from cornu.names import printable
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["MonitorCallback", "MonitorMode"]

MonitorMode: TypeAlias = Literal["auto", "min", "max"]

_MODES = ("auto", "min", "max")
# What Python's `warnings` keeps for each module: a warning is shown once for each line.
_reported: dict[Any, Any] = {}


class MonitorCallback(Callback):
    """Compares a metric with its best value so far.

    Args:
        monitor: the name of the metric in the logs.
        mode: whether a smaller (`"min"`) or larger (`"max"`) value is better; `"auto"` uses the
            direction of the metric.
        min_delta: the minimum change that counts as an improvement.
        best: an initial best value.

    Raises:
        ValueError: `mode` is unknown, or it is `"auto"` and the metric has no direction.
    """

    _STATE: ClassVar[tuple[str, ...]] = ("best",)  # the attributes that are saved

    def __init__(
        self,
        monitor: str,
        mode: MonitorMode = "auto",
        min_delta: float = 0,
        best: float | None = None,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'. Received: {mode!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best
        self._created_at = user_position()
        self._sign = 0  # 1 if larger is better, -1 if smaller is better, 0 if not known yet

    def get_monitor_value(self, logs: Logs) -> Any:
        """Returns the metric, or None with a warning if it is not in the logs.

        Args:
            logs: the metrics by name.
        """
        logs = logs or {}
        if self.monitor not in logs:
            self._warn_(
                f"{type(self).__name__}: the logs have no metric {printable(repr(self.monitor))}. "
                f"{suggest(self.monitor, logs)}"
                + (" Did you pass validation data?" if self.monitor.startswith("val_") else "")
            )
            return None
        return logs[self.monitor]

    def _warn_(self, text: str) -> None:
        """Warns about an argument: the warning points at the line that created the callback."""
        file, line = self._created_at
        warnings.warn_explicit(text, UserWarning, file, line, registry=_reported)

    def _is_improvement_(self, value: float, reference: float | None) -> bool:
        """Returns whether a value is better than another by at least `min_delta`; NaN never is."""
        if math.isnan(value):
            return False
        if reference is None or math.isnan(reference):
            return True
        if not self._sign:
            self._sign = self._find_sign()
        # Metrics are float32. In float64, 0.8 - 0.7 would exceed a min_delta of 0.1.
        needed = np.float32(reference + self._sign * self.min_delta)
        return bool(self._sign * np.float32(value) > self._sign * needed)

    def _update_best(self, logs: Logs, label: str, verbose: int) -> bool:
        """Updates `best`, and returns whether the metric improved; prints it if `verbose`."""
        value = self.get_monitor_value(logs)
        best = "None" if self.best is None else f"{self.best:.5f}"
        if value is None or np.ndim(value) or not self._is_improvement_(value, self.best):
            if verbose:
                console.print(f"{label}: {self.monitor} did not improve from {best}")
            return False
        if verbose:
            console.print(f"{label}: {self.monitor} improved from {best} to {value:.5f}")
        self.best = value
        return True

    def get_state(self) -> dict[str, Any]:
        """Returns the best value, and counters that the class adds."""
        return {name: getattr(self, name) for name in self._STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        for name in self._STATE:
            setattr(self, name, state[name])

    def _find_sign(self) -> int:
        if self.mode != "auto":
            return 1 if self.mode == "max" else -1
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return -1
        directions = {
            result: part.direction
            for metric in self.model.metrics
            for result, part in parts_by_name(metric).items()
        }
        direction = directions.get(name)  # a metric of the user may use the attribute otherwise
        sign = {"up": 1, "down": -1}.get(direction) if isinstance(direction, str) else None
        if sign is None:
            raise ValueError(
                f"{type(self).__name__}: the metric {self.monitor!r} does not define whether "
                "larger or smaller values are better. Pass mode='max' or mode='min'."
            )
        return sign
