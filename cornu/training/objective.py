"""Objective: the loss of a model, summed over its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu import losses as losses_module
from cornu import metrics as metrics_module
from cornu import tree
from cornu.core.graph.tensor import format_shape
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.losses import Loss
from cornu.metrics import Mean
from cornu.training.binding import Outputs
from cornu.training.compile_config import CompileConfig
from cornu.types import DataLike, PyTree

__all__ = ["Objective", "count_rows", "is_library_code"]


class Objective:
    """The weighted sum of the losses of the outputs.

    Args:
        config: the arguments of `compile`.
        outputs: the outputs of the model.

    Attributes:
        losses: a Loss for each output, or None.
        weights: the factor of each loss, or None.
        trackers: for several outputs, a Mean of each loss, named `<output>_loss`.
    """

    def __init__(self, config: CompileConfig, outputs: Outputs) -> None:
        self.outputs = outputs
        given = outputs.spread(config.loss, "loss", to_all=True)
        self.losses = [_as_loss(loss) for loss in given]
        self.weights = outputs.spread(config.loss_weights, "loss_weights")
        self.trackers: list[Mean | None] = []
        if not outputs.single:
            self.trackers = [
                None if loss is None else metrics_module.Mean(name=f"{name}_loss")
                for loss, name in zip(self.losses, outputs.names, strict=True)
            ]

    @property
    def rowwise(self) -> bool:
        """Whether all losses are built-in, so that rows of weight zero do not contribute."""
        return all(is_library_code(loss) for loss in self.losses if loss is not None)

    def __call__(
        self, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
    ) -> Any:
        """Returns the total loss as a scalar, and updates the trackers.

        Args:
            targets, predictions, weights: one entry for each output, in order.

        Raises:
            ValueError: an output has a loss and no target.
        """
        total: Any = 0.0
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            if targets[i] is None:
                raise ValueError(
                    f"Output {self.outputs.names[i]!r} has the loss {loss.name!r} but no target. "
                    "Pass y for it, or None as its loss."
                )
            value = self._compute(i, loss, targets[i], predictions[i], weights[i])
            tracker = self.trackers[i] if self.trackers else None
            if tracker is not None:
                # Weighted by rows, so that a partial batch does not count like a full one.
                tracker.update_state(value, sample_weight=count_rows(predictions[i]))
            if self.weights[i] is not None:
                value = value * self.weights[i]
            total = total + value
        return total

    def losses_by_output(
        self, y: DataLike, y_pred: PyTree, sample_weight: DataLike = None
    ) -> list[tuple[str, Loss, Any]]:
        """Returns the output name, the loss and its value for each output with a loss."""
        targets = self.outputs.spread_targets(y)
        weights = self.outputs.spread_weights(sample_weight)
        parts = zip(
            self.outputs.names, self.losses, targets, tree.leaves(y_pred), weights, strict=False
        )
        return [(n, loss, loss(t, p, w)) for n, loss, t, p, w in parts if loss is not None]

    def _compute(
        self, i: int, loss: Loss, target: PyTree, prediction: PyTree, weight: PyTree
    ) -> Any:
        try:
            return loss(target, prediction, weight)
        except Exception as error:
            where = (
                f"Loss {loss.name!r} of output {self.outputs.names[i]!r}, called on y_true "
                f"{format_shape(target)}, y_pred {format_shape(prediction)}"
            )
            new = locate_error(error, where)
            if isinstance(new, TypeError) and "positional argument" in str(new):
                new.add_note("A loss function must have the signature loss(y_true, y_pred).")
            raise new  # noqa: B904  # locate_error has set the cause


def _as_loss(given: Any) -> Loss | None:
    loss = None if given is None else losses_module.get(given)
    if loss is None or isinstance(loss, losses_module.Loss):
        return loss
    return losses_module.FunctionLoss(loss, name=getattr(loss, "__name__", "loss"))


def count_rows(x: DataLike) -> Any:
    """Returns the number of rows of a batch that are not padding."""
    rows = scope.current().row_mask
    return jnp.sum(rows) if rows is not None else x.shape[0]


def is_library_code(thing: Any) -> bool:
    """Whether a loss or metric, and the function that it wraps, are part of this library."""
    formula = getattr(thing, "fn", None) or getattr(thing, "_fn", None) or type(thing)
    return type(thing).__module__.startswith("cornu.") and formula.__module__.startswith("cornu.")
