"""NaNGuard: a runner that stops at the first step whose results are not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

import jax.numpy as jnp

from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.metrics import Mean
from cornu.optimizers import LossScaleOptimizer
from cornu.training.logs import Logs
from cornu.training.protocols import TrainableModel
from cornu.training.step.runner import MetricsOwner, Runner, StepCount, no_limit
from cornu.types import Batch

__all__ = ["GuardedOwner", "NaNGuard", "StopAtNaN"]

# Called with the batch, the epoch (counted from 1) and the step in it; raises an error.
StopAtNaN: TypeAlias = Callable[[Any, int, int], None]


class GuardedOwner(MetricsOwner, Protocol):
    """The owner of the loss, gradients and weights that are checked after each step."""

    model: TrainableModel
    loss_tracker: Mean | None

    @property
    def optimizer(self) -> Any: ...


class NaNGuard(Runner):
    """Runs steps one by one, and stops at the first step with non-finite results.

    The compiled step computes whether its loss, its gradients and the new weights are finite. A
    step with non-finite results changes no Variable, so that the search for the layer uses the
    weights that caused them.

    Args:
        owner, step, variables, sources, key, eager, count: as for `Runner`.
    """

    def __init__(
        self,
        owner: GuardedOwner,
        step: Callable[[Any], Any],
        variables: Callable[[], list[Variable]],
        sources: Callable[[], list[Any]],
        key: Any,
        eager: bool,
        count: StepCount,
    ) -> None:
        step = _with_finite_check(owner, step)
        super().__init__(owner, step, variables, sources, key, eager, False, None, count)
        self.begin(lambda batch, epoch, step: None)

    def begin(self, stop: StopAtNaN, epochs: int = 0) -> None:
        """Starts counting the epochs and steps of a `fit`.

        Args:
            stop: raises an error for a step with non-finite results.
            epochs: the number of epochs that another guard has run in this `fit`.
        """
        self.stop = stop
        self.epochs = epochs
        self._step = 0

    def epoch(
        self,
        source: Any,
        epoch: int,
        report_every: float | None,
        single: bool,
        start: int = 0,
        limit: Callable[[int], int] = no_limit,
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs an epoch step by step."""
        self.epochs += 1
        self._step = start
        yield from self._streamed(source, epoch, start)

    def _run_batch(self, batch: Batch, route: Any) -> Any:
        self._step += 1
        # A compiled step keeps the old values itself (see `_with_finite_check`).
        saved = [(v, v.stored) for v in self._variables()] if self.eager else []
        found = super()._run_batch(batch, route)
        if not bool(found["finite"]):
            for variable, value in saved:
                variable.stored = value
            # The step was undone, and the search uses its random numbers.
            self.count.number -= 1
            self.stop(batch, self.epochs, self._step)
        return found["logs"]


def _with_finite_check(owner: GuardedOwner, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(batch: Batch) -> Any:
        around = scope.current()
        before = dict(around.values)
        pairs: list[Any] = []
        with owner.optimizer._observe_gradients_(pairs.extend):
            logs = step(batch)
        loss = logs["loss"] if isinstance(logs, dict) and "loss" in logs else None
        if loss is None:
            assert owner.loss_tracker is not None
            loss = owner.loss_tracker.total.value  # once a sum is NaN, it remains NaN
        finite = jnp.isfinite(jnp.asarray(loss)).all()
        for value in (v.value for v in owner.model.variables if _is_float(v.value)):
            finite &= jnp.isfinite(value).all()
        gradients_finite = jnp.asarray(True)
        for gradient, _ in pairs:
            gradients_finite &= jnp.isfinite(gradient).all()
        if isinstance(owner.optimizer, LossScaleOptimizer):
            # Loss scaling skips steps with overflows until its scale is small enough.
            gradients_finite |= owner.optimizer.dynamic_scale.value > 1
        finite &= gradients_finite
        for key in around.written:
            if key in before:
                # In the program, because it donates the buffers of the values before the step.
                around.values[key] = jnp.where(finite, around.values[key], before[key])
        return {"logs": logs, "finite": finite}

    return run


def _is_float(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.inexact))
