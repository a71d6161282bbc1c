"""A fake model: its weights count epochs, and it records what was saved."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np


class Model:
    """What callbacks see of a model."""

    def __init__(self, optimizer: Any = None) -> None:
        self.stop_training = False
        self.optimizer = optimizer
        self.metrics = [
            SimpleNamespace(name="accuracy", direction="up", _direction="up"),
            SimpleNamespace(name="error", direction="down", _direction="down"),
            SimpleNamespace(name="mystery", direction=None),
        ]
        self.epoch = -1
        self.saved: list[str] = []

    def _pause_training_(self) -> None:
        """Ends training."""
        self.stop_training = True

    def get_weights(self) -> list[np.ndarray]:
        """The number of the epoch."""
        return [np.array(float(self.epoch))]

    def set_weights(self, weights: Any) -> None:
        """Goes back to an epoch."""
        self.epoch = int(weights[0])

    def save(self, path: str, overwrite: bool = True) -> None:
        """Records the path."""
        self.saved.append(str(path))

    save_weights = save


def drive(callback: Any, logs: list[dict[str, Any]], model: Any = None, start: int = 0) -> Any:
    """Calls the hooks that `fit` calls, with given logs; returns the model and the logs."""
    model = Model() if model is None else model
    model.stop_training = False
    callback.set_model(model)
    callback.on_train_begin()
    return model, drive_on(callback, logs, model, start)


def drive_on(
    callback: Any, logs: list[dict[str, Any]], model: Any = None, start: int = 0
) -> list[dict[str, Any]]:
    """Calls the hooks that follow `on_train_begin`."""
    model = Model() if model is None else model
    seen = []
    for epoch, log in enumerate(logs, start):
        model.epoch = epoch
        callback.on_epoch_begin(epoch)
        seen.append(dict(log))
        callback.on_epoch_end(epoch, seen[-1])
        if model.stop_training:
            break
    callback.on_train_end(seen[-1] if seen else None)
    return seen


def values(name: str, *numbers: float) -> list[dict[str, float]]:
    """Logs of one metric."""
    return [{name: number} for number in numbers]


class Terminal(io.StringIO):
    """Standard output that can draw a line again."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Returns True."""
        return True
