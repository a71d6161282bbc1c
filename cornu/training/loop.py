"""The loops over epochs and batches of `fit` and `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from cornu.callbacks import CallbackList
from cornu.data import Arrays, Stream
from cornu.errors import quantity
from cornu.training.agreement import Agreement, Flags
from cornu.training.logs import Logs
from cornu.training.step.runner import MetricsOwner, Runner

__all__ = ["EpochHost", "StartPoint", "StateSaver", "Validation", "run_epochs", "run_evaluation"]


class StateSaver(Protocol):
    """Decides when the state of training is saved, and saves it."""

    def limit(self, steps: int) -> int:
        """Returns the number of steps that may run after `steps` before a state is due."""

    def after_steps(self, epoch: int, step: int, last: bool, logs: Any, met: bool) -> None:
        """Called between two dispatches.

        Args:
            epoch, step: the position that training has reached.
            last: whether no step of the epoch is left.
            logs: the logs of the step.
            met: whether all processes of the job can decide together now.
        """

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called when an epoch has ended, after validation and the callbacks."""

    def paused(self, epoch: int, step: int, logs: Any) -> None:
        """Called when training stops in the middle of an epoch in order to continue later."""

    def before_end(self) -> None:
        """Called after the last epoch."""

    def end(self) -> None:
        """Called when training has finished without an error."""


class EpochHost(MetricsOwner, Flags, Protocol):
    """The part of the Trainer that the loop over epochs uses."""

    epochs_run: int

    @property
    def pausing(self) -> bool:
        """Whether training stops in order to continue later."""

    def finish_training(self) -> None:
        """Finalizes the weights after the last step, for instance by averaging."""

    def current_runner(self, runner: Runner, callbacks: CallbackList) -> Runner:
        """Returns the runner for the weights that are trainable now; `runner` is the last one."""


class Watch(Protocol):
    """What looks at the logs of every epoch."""

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called when an epoch has ended, after validation and the callbacks."""


class Validation(Protocol):
    """The evaluation after the epochs of `fit`."""

    def after_epoch(self, epoch: int) -> dict[str, Any]:
        """Returns the logs of an evaluation; empty if none is due after this epoch."""


@dataclass(frozen=True)
class StartPoint:
    """The position from which training starts.

    Attributes:
        epoch: the index of the epoch.
        step: the number of steps of this epoch that have been run.
        logs: the logs of the last of them, if a custom step returned them; otherwise None.
        ended: whether a callback stopped training there.
    """

    epoch: int = 0
    step: int = 0
    logs: dict[str, Any] | None = None
    ended: bool = False


def run_epochs(
    host: EpochHost,
    runner: Runner,
    source: Arrays | Stream,
    callbacks: CallbackList,
    saver: StateSaver,
    validation: Validation,
    watch: Watch,
    start: StartPoint,
    epochs: int,
) -> None:
    """Trains until an epoch.

    Args:
        host: the Trainer.
        runner: runs the steps of the first epoch.
        source: the data.
        callbacks: the callbacks; `on_train_begin` has been called.
        saver: saves the state of training.
        validation: the evaluation after an epoch.
        watch: checks the logs of each epoch.
        start: the position from which training starts.
        epochs: the number of the last epoch.
    """
    host.stop_training |= start.ended
    agreement = Agreement(host)
    agreement.meet()
    # Shuffling depends on how many epochs the model has run, also in earlier calls of fit.
    offset = host.epochs_run - start.epoch
    training_logs: Any = start.logs or {}
    step = start.step
    for epoch in range(start.epoch, epochs):
        if agreement.stops:
            break
        logs: Any = start.logs if step else None
        done = step
        if step:
            # The epoch began before the state was saved: its metrics and the callbacks continue.
            callbacks.on_resume(epoch, step)
        else:
            host.reset_metrics()
            callbacks.on_epoch_begin(epoch)
        # In each epoch, because callbacks may freeze and unfreeze layers.
        runner = host.current_runner(runner, callbacks)
        single = callbacks.train_batch_hooks
        order = epoch + offset
        blocks = runner.epoch(source, order, callbacks.look_every, single, step, saver.limit)
        if single and runner.per_dispatch is None:
            blocks = _announce(blocks, callbacks.on_train_batch_begin, step, source.steps)
        before = runner.count.number - step
        try:
            for begun, done, logs in blocks:
                if single:
                    if runner.per_dispatch is not None:
                        callbacks.on_train_batch_begin(begun)
                    callbacks.on_train_batch_end(done - 1, logs)
                met = agreement.is_due(done - begun, single)
                if met:
                    agreement.meet()
                    callbacks.on_progress(done, source.steps, logs, agreement.now)
                    if agreement.stops:
                        break
                saver.after_steps(epoch, done, done == source.steps, logs, met)
        except (TypeError, ValueError) as error:
            if source.rejected is not None:
                steps = quantity(runner.count.number - before, "step")
                error.add_note(
                    f"fit was in epoch {epoch + 1} of {epochs}, after {steps} of it; the model has "
                    "the weights of that step."
                )
            raise
        # No step was left in the resumed epoch, and its metrics were restored.
        if step and logs is None:
            logs = Logs(host.results, sort=host.sorts_logs)
        if host.pausing:
            saver.paused(epoch, done, logs)
            break
        epoch_logs = {} if logs is None else dict(logs)
        host.epochs_run += 1
        epoch_logs.update(validation.after_epoch(epoch))
        callbacks.on_epoch_end(epoch, epoch_logs)
        agreement.meet()
        watch.after_epoch(epoch, epoch_logs)
        training_logs = epoch_logs
        step = 0
        saver.after_epoch(epoch, epoch_logs)
    # Saved before the optimizer replaces the weights by their averages: training continues from
    # the weights themselves.
    saver.before_end()
    host.finish_training()
    callbacks.on_train_end(training_logs)
    saver.end()
    # When fit returns in one process, the first one has written all files.
    agreement.meet()


def _announce(
    blocks: Iterator[Any], announce: Callable[[int], None], number: int, steps: int | None
) -> Iterator[Any]:
    """Yields the blocks, and calls `announce` with the number of each step before it runs."""
    # The block is computed by `next`, so that the hook must run before it.
    while steps is None or number < steps:
        announce(number)
        block = next(blocks, None)
        if block is None:
            return
        yield block
        number += 1


def run_evaluation(
    runner: Runner, source: Arrays | Stream, callbacks: CallbackList, steps: int | None = None
) -> dict[str, Any]:
    """Runs the test step on all batches of a source; returns the logs."""
    runner.owner.reset_metrics()
    callbacks.on_test_begin()
    single = callbacks.test_batch_hooks
    agreement = Agreement()
    logs: Any = None
    blocks = runner.epoch(source, 0, callbacks.look_every, single)
    if single and runner.per_dispatch is None:
        blocks = _announce(blocks, callbacks.on_test_batch_begin, 0, source.steps)
    for begun, stop, logs in blocks:
        if single:
            if runner.per_dispatch is not None:
                callbacks.on_test_batch_begin(begun)
            callbacks.on_test_batch_end(stop - 1, logs)
        if agreement.is_due(stop - begun, single):
            agreement.meet()
            callbacks.on_progress(stop, source.steps, logs, agreement.now)
        if steps is not None and stop >= steps:
            break
    found = {} if logs is None else dict(logs)
    callbacks.on_test_end(found)
    return found
