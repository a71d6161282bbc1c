"""CompileConfig: the arguments of `compile`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cornu import registry
from cornu.optimizers import Optimizer

__all__ = ["CompileConfig"]

# The arguments in saved configs, in the order of `compile`.
_SAVED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly")


@dataclass(frozen=True, eq=False)
class CompileConfig:
    """The arguments of `compile`, before they are applied to the outputs of a model.

    Attributes:
        optimizer: None for a model that is only evaluated.
        loss, loss_weights, metrics, weighted_metrics: as `compile` received them.
        run_eagerly: whether steps run without compilation.
        steps_per_execution: steps per dispatch, or None to choose automatically.
    """

    optimizer: Optimizer | None = None
    loss: Any = None
    loss_weights: Any = None
    metrics: Any = None
    weighted_metrics: Any = None
    run_eagerly: bool = False
    steps_per_execution: int | None = None

    def to_plain_data(self) -> dict[str, Any]:
        """Returns the arguments of `compile` as plain data."""
        config = {name: registry.serialize(getattr(self, name)) for name in _SAVED}
        return {**config, "steps_per_execution": self.steps_per_execution or 1}
