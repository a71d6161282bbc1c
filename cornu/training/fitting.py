"""fit and evaluate, also on single batches."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from cornu.callbacks import CallbackList, History
from cornu.data import Arrays, DataInput, ReadOptions, Stream, identify
from cornu.data.shared_order import share_seeds
from cornu.errors import is_positive_integer
from cornu.process.interrupts import immediate_interrupts, loses_no_interrupt
from cornu.saving.resume import Resume
from cornu.training import batch_check, preflight
from cornu.training.dry_run import DryRun, limit_steps
from cornu.training.loop import run_epochs, run_evaluation
from cornu.training.resume.session import ResumeSession
from cornu.training.step.nan_guard import NaNGuard
from cornu.training.trainer import Trainer
from cornu.types import DataLike

__all__ = [
    "Verbosity",
    "callback_list",
    "evaluate",
    "fit",
    "test_on_batch",
    "train_on_batch",
]

Verbosity: TypeAlias = Literal["auto", 0, 1, 2] | bool
_VALIDATION_NOTE = "The data is that of validation_data or validation_split."
_VERBOSITIES = ("auto", 0, 1, 2)


def fit(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    batch_size: int | None,
    epochs: int,
    verbose: Verbosity,
    callbacks: Any,
    validation_split: float,
    validation_data: DataLike,
    shuffle: bool,
    class_weight: Mapping[Any, Any] | None,
    sample_weight: DataLike,
    initial_epoch: int,
    steps_per_epoch: int | None,
    validation_steps: int | None,
    validation_batch_size: int | None,
    validation_freq: int | Collection[int],
    debug_nans: bool | str | os.PathLike[str],
    resume: str | os.PathLike[str] | Resume | None,
    overfit_batches: float,
    fast_dev_run: bool | int,
) -> History:
    """Trains a model; see `Model.fit`."""
    trainer.require_optimizer("fit")
    dry_run = DryRun(overfit_batches, fast_dev_run)
    epochs, initial_epoch = dry_run.epochs(*_check_epochs(epochs, initial_epoch))
    _check_validation_freq(validation_freq)
    listed = callback_list(trainer, dry_run.callbacks(callbacks), verbose, epochs, None)
    # A trial run must not replace the state of a real one.
    with (
        trainer.training("fit"),
        ResumeSession(trainer, None if fast_dev_run else resume, listed) as session,
    ):
        share_seeds()
        data = identify(x, y, sample_weight)
        binding = trainer.binding("train", class_weight, aligned=data.has_rows)
        held_out = _identify_validation(validation_data)
        if validation_split and held_out is None:
            data, held_out = data.split(validation_split, binding.names)
        source = data.open(
            ReadOptions(
                batch_size,
                steps_per_epoch,
                # The batches to overfit are the first of the data, in its order.
                shuffle and not dry_run.overfits,
                trainer.base_seed(),
                binding.bind,
                binding.names,
                restart=True,
            )
        )
        trainer.prepare(source, train=True)
        batch_check.check_data(trainer, binding, source)
        preflight.before_fit(trainer, binding, source, held_out, batch_size)
        arguments = {
            "shuffle": shuffle,
            "initial_epoch": initial_epoch,
            "steps_per_epoch": steps_per_epoch,
            "class_weight": class_weight,
            "validation_split": validation_split,
            "validation_steps": validation_steps,
            "validation_freq": validation_freq,
            "overfit_batches": overfit_batches,
        }
        session.compare(source, held_out, binding.names, epochs, arguments)
        source = dry_run.training(source)
        if session.restore_finished(source, epochs):
            return _history(trainer)
        # Known only now: the callbacks are created before the data is opened.
        listed.set_params({**(listed.params or {}), "steps": source.steps})
        if not validation_batch_size and held_out is not None and held_out.has_rows:
            validation_batch_size = batch_size
        validation = _Validation(
            trainer,
            session,
            dry_run,
            held_out,
            ReadOptions(validation_batch_size or None, validation_steps),
            validation_freq,
        )
        interrupts = immediate_interrupts(session.pause_on_interrupt)
        with contextlib.closing(validation), interrupts:
            # Before training, so that wrong validation data does not raise after a whole epoch.
            validation.check(range(initial_epoch, epochs))
            _train(trainer, source, session, validation, epochs, initial_epoch, debug_nans)
        if trainer.run.interrupted:
            error = KeyboardInterrupt()
            session.report_interrupt(error, epochs)
            raise error
    dry_run.report(verbose)
    return _history(trainer)


def _history(trainer: Trainer) -> History:
    history: History = trainer.run.history  # type: ignore[assignment]  # the list adds one
    return history


# The state is restored after `on_train_begin`, in which callbacks create what is restored.
def _train(
    trainer: Trainer,
    source: Any,
    session: ResumeSession,
    validation: _Validation,
    epochs: int,
    initial_epoch: int,
    debug_nans: bool | str | os.PathLike[str],
) -> None:
    callbacks = session.callbacks
    watch = preflight.LossWatch(trainer)
    trainer.decide([False, False, False])
    try:
        callbacks.on_train_begin()
        guard = _nan_guard(trainer, debug_nans, initial_epoch, callbacks) if debug_nans else None
        start = session.begin(source, epochs, initial_epoch)
        runner = guard or trainer.programs.runner("train", callbacks)
        run_epochs(trainer, runner, source, callbacks, session, validation, watch, start, epochs)
    except BaseException as error:
        callbacks.on_train_exception(error)
        if isinstance(error, KeyboardInterrupt):
            session.report_interrupt(error, epochs)
        raise


def _nan_guard(
    trainer: Trainer,
    debug_nans: bool | str | os.PathLike[str],
    first_epoch: int,
    callbacks: CallbackList,
) -> NaNGuard:
    """Returns a runner of train steps that stops at NaN and locates its origin."""
    folder = None if isinstance(debug_nans, bool) else pathlib.Path(debug_nans)
    stop = partial(preflight.stop_at_nan, trainer, folder, first_epoch)
    return trainer.programs.nan_guard(stop, callbacks)


class _Validation:
    """The evaluation after the epochs of `fit`."""

    def __init__(
        self,
        trainer: Trainer,
        session: ResumeSession,
        dry_run: DryRun,
        data: DataInput | None,
        options: ReadOptions,
        freq: int | Collection[int],
    ) -> None:
        self._trainer = trainer
        self._session = session
        self._dry_run = dry_run
        self._data = data
        self._options = options
        self._freq = freq
        self._source: Any = None
        self._opened: Arrays | Stream | None = None  # by `check`

    def check(self, epochs: Iterable[int]) -> None:
        """Raises an error for wrong validation data, if it is used after one of the epochs.

        The first batch of an iterable is read for that, and is the first of the first evaluation.
        """
        if self._data is None or self._dry_run.overfits:
            return
        if any(map(self._is_due, epochs)):
            self._opened = self._open()

    def close(self) -> None:
        """Releases the data."""
        if self._opened is not None:
            self._opened.close()

    def _is_due(self, epoch: int) -> bool:
        freq = self._freq
        if isinstance(freq, Collection):
            return epoch + 1 in freq
        return (epoch + 1) % freq == 0

    def after_epoch(self, epoch: int) -> dict[str, Any]:
        """Returns the logs of an evaluation; empty if none is due after this epoch."""
        if not self._is_due(epoch) or (self._data is None and not self._dry_run.overfits):
            return {}
        if self._source is None:
            self._source = self._dry_run.validation(self._open)
            self._opened = None
            self._session.set_validation_source(self._source)
        try:
            found = run_evaluation(
                self._trainer.programs.runner("test"),
                self._source,
                self._session.callbacks,
                self._options.steps,
            )
        except (TypeError, ValueError) as error:
            if self._source.rejected is not None:
                error.add_note(
                    f"{_VALIDATION_NOTE} fit was at the end of epoch {epoch + 1}; the model has "
                    "its weights."
                )
            raise
        return {f"val_{name}": value for name, value in found.items()}

    def _open(self) -> Arrays | Stream:
        assert self._data is not None
        if self._opened is not None:
            return self._opened
        try:
            return _open_for_evaluation(
                self._trainer, self._data, self._options.batch_size, self._options.steps
            )
        except (TypeError, ValueError) as error:
            error.add_note(_VALIDATION_NOTE)
            raise


def _identify_validation(validation_data: DataLike) -> DataInput | None:
    """Returns the validation data, given as `(x, y)`, `(x, y, sample_weight)` or x alone."""
    if validation_data is None:
        return None
    if isinstance(validation_data, (tuple, list)) and 1 <= len(validation_data) <= 3:
        return identify(*validation_data)
    return identify(validation_data)


def callback_list(
    trainer: Trainer, callbacks: Any, verbose: Any, epochs: int, steps_: int | None
) -> CallbackList:
    """Returns the callbacks of a call, with those that `verbose` asks for.

    Raises:
        ValueError: `verbose` has another value.
    """
    if isinstance(callbacks, CallbackList):
        return callbacks
    if verbose not in _VERBOSITIES:
        raise ValueError(
            "verbose must be 0 (silent), 1 (progress bar), 2 (one line per epoch) or 'auto'. "
            f"Received: {verbose!r}"
        )
    model: Any = trainer.model  # callbacks see another part of it than training
    return CallbackList(
        callbacks,
        add_history=True,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps_,
    )


@loses_no_interrupt
def evaluate(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    batch_size: int | None,
    verbose: Verbosity,
    sample_weight: DataLike,
    steps_: int | None,
    callbacks: Any,
) -> dict[str, Any]:
    """Returns the loss and the metrics on some data; see `Model.evaluate`."""
    trainer.require_config("evaluate")
    share_seeds()
    data = identify(x, y, sample_weight)
    source = limit_steps(_open_for_evaluation(trainer, data, batch_size, steps_))
    listed = callback_list(trainer, callbacks, verbose, 1, source.steps)
    with contextlib.closing(source), trainer.evaluation():
        return run_evaluation(trainer.programs.runner("test"), source, listed, steps_)


def _open_for_evaluation(
    trainer: Trainer, data: DataInput, batch_size: int | None, steps_: int | None
) -> Arrays | Stream:
    binding = trainer.binding("test", aligned=data.has_rows)
    source = data.open(ReadOptions(batch_size, steps_, prepare=binding.bind, names=binding.names))
    trainer.prepare(source, train=False)
    batch_check.check_data(trainer, binding, source)
    return source


# --------------------------------------------------------------------------------- single batches


def train_on_batch(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    sample_weight: DataLike,
    class_weight: Mapping[Any, Any] | None,
) -> dict[str, Any]:
    """Trains on one batch; returns its logs."""
    trainer.require_config("train_on_batch")
    with trainer.training("train_on_batch"):
        source = trainer.one_batch(x, y, sample_weight, class_weight, True)
        return _run_batch(trainer, source, "train")


def test_on_batch(
    trainer: Trainer, x: DataLike, y: DataLike, sample_weight: DataLike
) -> dict[str, Any]:
    """Evaluates one batch; returns its logs."""
    trainer.require_config("test_on_batch")
    source = trainer.one_batch(x, y, sample_weight, None, False)
    with trainer.evaluation():
        return _run_batch(trainer, source, "test")


def _run_batch(trainer: Trainer, source: Arrays, kind: Literal["train", "test"]) -> dict[str, Any]:
    trainer.reset_metrics()
    return dict(trainer.programs.runner(kind).run_batch(next(source.batches())))


def _check_epochs(epochs: Any, initial_epoch: Any) -> tuple[int, int]:
    for name, value, least in (("epochs", epochs, 1), ("initial_epoch", initial_epoch, 0)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or (value < least and not epochs == initial_epoch == 0):
            hint = f"\nWrite {name}={int(value)}." if isinstance(value, float) else ""
            raise ValueError(f"{name} must be an integer >= {least}. Received: {value!r}{hint}")
    return int(epochs), int(initial_epoch)


def _check_validation_freq(freq: Any) -> None:
    listed = isinstance(freq, Collection) and not isinstance(freq, (str, bytes))
    if not all(map(is_positive_integer, freq if listed else [freq])) or (listed and not freq):
        raise ValueError(
            "validation_freq must be a positive integer, the number of epochs between validations, "
            f"or a list of the epochs with a validation, from 1. Received: {freq!r}"
        )
