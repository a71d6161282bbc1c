"""The state of a Trainer that copies of a model receive: seed, counters and running metrics."""

from __future__ import annotations

from typing import Any

from cornu.training.trainer import Trainer
from cornu.types import Config

__all__ = ["describe_trainer", "restore_trainer"]


def describe_trainer(trainer: Trainer) -> Config:
    """Returns what decides how training continues, in addition to Variables and random sources."""
    metric_set = trainer.metric_set
    is_bound = metric_set is not None and metric_set.outputs is not None
    return {
        "seed": trainer.seed,
        "steps": {kind: count.number for kind, count in trainer.counts.items()},
        "epochs_run": trainer.epochs_run,
        "stop_training": trainer.stop_training,
        "targets": metric_set.targets if metric_set is not None and is_bound else None,
    }


def restore_trainer(trainer: Trainer, state: Config) -> None:
    """Brings the Trainer of a compiled copy into the state that `describe_trainer` returned."""
    trainer.seed = state["seed"]
    for kind, number in state["steps"].items():
        trainer.counts[kind].number = number
    trainer.epochs_run = state["epochs_run"]
    trainer.stop_training = state["stop_training"]
    if state["targets"] is not None:
        _bind_metrics(trainer, state["targets"])


def _bind_metrics(trainer: Trainer, targets: Any) -> None:
    """Creates the metrics of `compile`, whose values are then restored."""
    model: Any = trainer.model
    if trainer.outputs is None and (inputs := model._step_tensors_()) is not None:
        trainer.build(inputs)
    if trainer.outputs is None or trainer.metric_set is None:
        return
    trainer._set_objective_if_known()
    if trainer.metric_set.outputs is None:
        trainer.metric_set.bind(trainer.outputs, targets)
