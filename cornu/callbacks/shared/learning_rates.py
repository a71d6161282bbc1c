"""Learning rates of an optimizer, which may consist of several optimizers."""

from __future__ import annotations

import numpy as np

from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.optimizers import LossScaleOptimizer, MultiOptimizer, Optimizer
from cornu.types import Logs

__all__ = ["log_learning_rates", "optimizers_by_suffix", "read_learning_rate"]


def optimizers_by_suffix(model: TrainedModel) -> dict[str, Optimizer]:
    """Returns the optimizers of a model by the suffix of `learning_rate` in the logs.

    The suffix is empty for a single optimizer, and `_name` within a MultiOptimizer.
    """
    optimizer = model.optimizer
    if isinstance(optimizer, LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if isinstance(optimizer, MultiOptimizer):
        return {f"_{inner.name}": inner for inner in optimizer.optimizers}
    return {"": optimizer}


def read_learning_rate(optimizer: Optimizer) -> float:
    """Returns the learning rate as a float."""
    return float(np.asarray(optimizer.learning_rate))


def log_learning_rates(model: TrainedModel, logs: Logs) -> None:
    """Adds the learning rates to the logs."""
    for suffix, optimizer in optimizers_by_suffix(model).items():
        logs[f"learning_rate{suffix}"] = read_learning_rate(optimizer)
