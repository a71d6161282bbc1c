"""Guard: a runner that looks after every step whether all is finite still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp

from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.optimizers import LossScaleOptimizer
from cornu.training.logs import Logs
from cornu.training.loop import Count, Runner, no_limit

__all__ = ["Guard"]


class Guard(Runner):
    """Runs steps one by one, and stops at the first that is not finite.

    Whether a step is finite (its loss, its gradients, the weights after it) is computed inside
    of it. A step that is not leaves every Variable as it was, so that it can be looked into.

    Args:
        model, step, variables, sources, key, eager, count: as in `Runner`.
    """

    def __init__(
        self,
        model: Any,
        step: Callable[[Any], Any],
        variables: Callable[[], list[Variable]],
        sources: Callable[[], list[Any]],
        key: Any,
        eager: bool,
        count: Count,
    ) -> None:
        step = _guarded(model, step)
        super().__init__(model, step, variables, sources, key, eager, False, None, count)
        self.begin(lambda batch, epoch, step: None)

    def begin(self, stop: Callable[[Any, int, int], None]) -> None:
        """Prepares for a `fit`.

        Args:
            stop: called with the batch, the epoch (counted from 1) and the step in it when a step
                is not finite; raises the error.
        """
        self._stop = stop
        self._epochs = 0
        self._step = 0

    def epoch(
        self,
        source: Any,
        epoch: int,
        look_every: float | None,
        single: bool,
        start: int = 0,
        limit: Callable[[int], int] = no_limit,
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs an epoch step by step."""
        self._epochs += 1
        self._step = start
        yield from self._streamed(source, epoch, start)

    def _run_batch(self, batch: Any, size: int | None = None) -> Any:
        self._step += 1
        held = [(v, v.stored) for v in self._variables()] if self.eager else []
        found = super()._run_batch(batch)
        if not bool(found["finite"]):
            for variable, value in held:
                variable.stored = value
            self.count.number -= 1
            self._stop(batch, self._epochs, self._step)
        return found["logs"]


def _guarded(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def run(batch: Any) -> Any:
        around = scope.current()
        before = dict(around.values)
        gradients: list[Any] = []
        with model.optimizer.observe_gradients(gradients.extend):
            logs = step(batch)
        loss = logs["loss"] if isinstance(logs, dict) and "loss" in logs else None
        if loss is None:
            loss = model._loss_tracker.total.value  # a sum, that stays NaN once it is
        fine = jnp.isfinite(jnp.asarray(loss)).all()
        for value in (v.value for v in model.variables if _is_float(v.value)):
            fine &= jnp.isfinite(value).all()
        whole = jnp.asarray(True)
        for gradient, _ in gradients:
            whole &= jnp.isfinite(gradient).all()
        if isinstance(model.optimizer, LossScaleOptimizer):
            # Skips such steps until its scale is small enough.
            whole |= model.optimizer.dynamic_scale.value > 1
        fine &= whole
        for key in around.written:
            if key in before:
                around.values[key] = jnp.where(fine, around.values[key], before[key])
        return {"logs": logs, "finite": fine}

    return run


def _is_float(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.inexact))
