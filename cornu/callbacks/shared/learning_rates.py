"""The learning rates of an optimizer, which may consist of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.optimizers import LossScaleOptimizer, MultiOptimizer

__all__ = ["log_rates", "optimizers_of", "rate_of"]


def optimizers_of(model: Any) -> dict[str, Any]:
    """Returns the optimizers of a model by what to add to `learning_rate` as the name of theirs."""
    optimizer = model.optimizer
    if isinstance(optimizer, LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if isinstance(optimizer, MultiOptimizer):
        return {f"_{inner.name}": inner for inner in optimizer.optimizers}
    return {"": optimizer}


def rate_of(optimizer: Any) -> float:
    """Returns the learning rate as a float."""
    return float(np.asarray(optimizer.learning_rate))


def log_rates(model: Any, logs: Any) -> None:
    """Adds the learning rates to the logs."""
    for suffix, optimizer in optimizers_of(model).items():
        logs[f"learning_rate{suffix}"] = rate_of(optimizer)
