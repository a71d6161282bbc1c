"""fit, evaluate and predict: a model's delegation to `cornu.training`."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from cornu.callbacks import CallbackList
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data import Arrays, Stream
from cornu.data.adapt import is_stream
from cornu.models import preflight
from cornu.models.feeding import Feeding
from cornu.models.prepared import Prepared
from cornu.models.resuming import Session
from cornu.models.trial import Trial, limited
from cornu.process.interrupts import immediate_interrupts
from cornu.saving.resume import Resume
from cornu.training import loop
from cornu.training.guard import Guard
from cornu.training.ragged import Filling

__all__ = ["Trainer"]


class Trainer(Prepared):
    """The part of a Model that runs over data."""

    @api_boundary
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        debug_nans: bool | str | os.PathLike[str] = False,
        resume: str | os.PathLike[str] | Resume | None = None,
        overfit_batches: float = 0,
        fast_dev_run: bool | int = False,
    ) -> Any:
        """Trains the model, and returns the History.

        Args:
            x: inputs: an array, or lists, tuples and dicts (by input name) of arrays; or an
                iterable of batches `(x, y)` or `(x, y, sample_weight)`.
            y: targets in the structure of the outputs, or a dict by output name.
            batch_size: rows of a batch, 32 by default.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch, "auto".
            callbacks: a list of callbacks.
            validation_split: the part of the data, from its end, that is kept for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
            shuffle: whether each epoch has an order of its own.
            class_weight: weight of each class; for several outputs a dict of them by name.
            sample_weight: weight of each row, in the structure of the outputs or by name.
            initial_epoch: the number of the first epoch.
            steps_per_epoch: batches of an epoch, for iterables.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate after every so many epochs, or after those in a list.
            debug_nans: whether to stop at the first step whose loss, gradients or new weights
                are not finite, and to say in which layer it began. The batch is saved in a
                temporary folder, or in the folder that is given here; `model.nan_report` has it,
                too, and the weights stay as they were before the step. Steps run one by one.
            resume: a folder in which the state of training is kept, or a `cornu.Resume`. If the
                program is killed and started again, training goes on from there, and ends as it
                would have ended, bit by bit; see `docs/resume.md`.
            overfit_batches: train and validate on the same first batches, so many of them or, as
                a float, such a part, without shuffling: a model that is right learns them by
                heart.
            fast_dev_run: only try the program out: one step (or so many) of training and of
                validation, in one epoch. Nothing is kept: callbacks that write files and `resume`
                are left out.

        Raises:
            ValueError: the data does not fit the model, its loss, or itself; before any step.
            FloatingPointError: with `debug_nans`, something is not finite.
            RuntimeError: another process uses the folder of `resume`.

        Differences: targets are never broadcast against outputs, labels must lie within the
        classes, and NaN is refused. What is probably wrong is said before the first step, in one
        line with a code (see `check`). `debug_nans`, `resume`,
        `overfit_batches` and `fast_dev_run` are not in Keras.
        """
        self._need_optimizer("fit")
        trial = Trial(overfit_batches, fast_dev_run)
        epochs, initial_epoch = trial.epochs(*_epochs(epochs, initial_epoch))
        listed = self._callback_list(trial.callbacks(callbacks), verbose, epochs, None)
        with Session(self, None if fast_dev_run else resume, listed) as session:
            feeding = Feeding(self, class_weight)
            validation: Any = validation_data
            if validation_split and validation_data is None:
                kept, validation = feeding.split(x, y, sample_weight, validation_split)
                x, y, sample_weight = kept
            source = feeding.source(
                x,
                y,
                sample_weight,
                batch_size,
                steps_per_epoch,
                shuffle and not trial.overfits,
                self._base_seed(),
                again=True,
            )
            self._prepare_for(source, train=True)
            feeding.check(source)
            preflight.before_fit(self, source, validation, batch_size)
            if session.finished(epochs):
                return self.history
            source = trial.training(source)
            listed.set_params({**listed.params, "steps": source.steps})
            validating = self._validating(
                session,
                trial,
                validation,
                validation_batch_size or (None if is_stream(_first(validation)) else batch_size),
                validation_steps,
                validation_freq,
            )
            with immediate_interrupts():
                logs = self._train(source, session, epochs, initial_epoch, validating, debug_nans)
        preflight.after_fit(self, logs)
        trial.say(verbose)
        return self.history

    def _train(
        self,
        source: Any,
        session: Session,
        epochs: int,
        initial_epoch: int,
        validate: Callable[[int], Any],
        debug_nans: Any,
    ) -> dict[str, Any]:
        callbacks = session.callbacks
        self.stop_training = self.pausing = False
        try:
            callbacks.on_train_begin()
            runner = self._guard(debug_nans, initial_epoch, callbacks) if debug_nans else None
            start = session.begin(source, epochs, initial_epoch)
            offset = self._epochs_run - start.epoch
            return loop.fit(
                runner or self._runner("train", callbacks),
                source,
                callbacks,
                epochs,
                start,
                offset.__add__,
                validate,
                session,
                partial(self._runner_now, callbacks),
            )
        except BaseException as error:
            callbacks.on_train_exception(error)
            raise

    def _validating(
        self,
        session: Session,
        trial: Trial,
        data: Any,
        batch_size: int | None,
        steps: int | None,
        freq: Any,
    ) -> Callable[[int], dict[str, Any] | None]:
        """Returns what is called after each epoch with its number, and returns logs or None."""
        source: Any = None

        def validate(epoch: int) -> dict[str, Any] | None:
            nonlocal source
            listed = isinstance(freq, (list, tuple, set))
            due = epoch + 1 in freq if listed else (epoch + 1) % freq == 0
            self._epochs_run += 1
            if not due or (data is None and not trial.overfits):
                return None
            if source is None:
                source = trial.validation(
                    lambda: self._evaluation_source(*_unpacked(data), batch_size, steps)
                )
                session.validates_on(source)
            found = loop.evaluate(self._runner("test"), source, session.callbacks, steps)
            return {f"val_{name}": value for name, value in found.items()}

        return validate

    def pause_training(self) -> None:
        """Ends `fit` after this step; with `resume`, the same program goes on from here later.

        Without `resume` it is the same as `stop_training = True`.
        """
        self.stop_training, self.pausing = True, self._can_pause

    def _runner_now(self, callbacks: CallbackList, runner: loop.Runner) -> loop.Runner:
        """Returns the runner for what is trainable now."""
        known = all(self.optimizer.is_built_with(variable) for variable in self.trainable_variables)
        plain = type(runner) is loop.Runner
        return self._runner("train", callbacks) if known and plain else runner

    def _guard(self, debug_nans: Any, first_epoch: int, callbacks: CallbackList) -> Guard:
        """Returns a runner of train steps that stops at NaN."""
        folder = None if debug_nans is True else pathlib.Path(debug_nans)
        plain, key = self._runner("train"), self._runner_key("guard", callbacks)
        if key not in self._runners:
            self._runners[key] = Guard(
                self,
                *self._stepping("train", callbacks),
                self._sources,
                plain.key,
                plain.eager,
                plain.count,
            )
        guard = self._runners[key]
        guard.begin(partial(preflight.stop_at_nan, self, guard, folder, first_epoch))
        return guard

    def _callback_list(self, callbacks: Any, verbose: Any, epochs: int, steps: Any) -> Any:
        if isinstance(callbacks, CallbackList):
            return callbacks
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(
                f"verbose is 0 (silent), 1 (a progress bar), 2 (a line per epoch) or 'auto'. "
                f"Received: {verbose!r}"
            )
        return CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    def _evaluation_source(
        self, x: Any, y: Any, weight: Any, batch_size: int | None, steps: int | None
    ) -> Arrays | Stream:
        feeding = Feeding(self)
        source = feeding.source(x, y, weight, batch_size, steps)
        self._prepare_for(source, train=False)
        feeding.check(source)
        return source

    @api_boundary
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics on some data.

        Args:
            x, y, sample_weight, batch_size, steps, verbose, callbacks: as in `fit`.
            return_dict: whether a dict is returned rather than a list (or one number).
        """
        self._need_compiled("evaluate")
        source = limited(self._evaluation_source(x, y, sample_weight, batch_size, steps))
        listed = self._callback_list(callbacks, verbose, 1, source.steps)
        with contextlib.closing(source):
            found = loop.evaluate(self._runner("test"), source, listed, steps)
        return found if return_dict else _as_list(dict(found))

    @api_boundary
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the predictions for some data, as NumPy arrays in the outputs' structure.

        Differences: `verbose="auto"` is silent.
        """
        feeding = Feeding(self)
        source = feeding.source(x, None, None, batch_size, steps, inputs_only=True)
        if not self.built:
            self._build_for(source.example()[0])
        feeding.check_inputs(source)
        source = limited(source)
        listed = None
        if callbacks or verbose in (1, 2):
            listed = self._callback_list(callbacks, verbose, 1, source.steps)
            listed.on_predict_begin()
        parts: list[Any] = []
        filling = Filling(source)
        with contextlib.closing(source):
            for i, batch in enumerate(source.batches()):
                if listed is not None:
                    listed.on_predict_batch_begin(i)
                parts.append(self._predict_on(batch, filling.size(batch)))
                if listed is not None:
                    listed.on_predict_batch_end(i, {"outputs": parts[-1]})
        if listed is not None:
            listed.on_predict_end()
        if len(parts) == 1:
            return jax.tree_util.tree_map(np.asarray, parts[0])
        return jax.tree_util.tree_map(
            lambda *pieces: np.concatenate([np.asarray(piece) for piece in pieces]), *parts
        )

    @api_boundary
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics of this batch."""
        self._need_compiled("train_on_batch")
        source = self._one_batch(x, y, sample_weight, class_weight, train=True)
        self.reset_metrics()
        logs = self._runner("train").run_batch(next(source.batches()))
        return dict(logs) if return_dict else _as_list(dict(logs))

    @api_boundary
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; returns the loss and its metrics."""
        self._need_compiled("test_on_batch")
        source = self._one_batch(x, y, sample_weight, None, train=False)
        self.reset_metrics()
        logs = self._runner("test").run_batch(next(source.batches()))
        return dict(logs) if return_dict else _as_list(dict(logs))

    @api_boundary
    def predict_on_batch(self, x: Any) -> Any:
        """Returns the predictions for one batch."""
        if not self.built:
            self._build_for(x)
        return jax.tree_util.tree_map(np.asarray, self._predict_on((x, None, None)))

    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, class_weight: Any, train: bool
    ) -> Arrays:
        feeding = Feeding(self, class_weight)
        source = feeding.source(x, y, sample_weight, 1 << 62)
        if not isinstance(source, Arrays):
            raise ValueError("A single batch is made of arrays, not of an iterable.")
        self._prepare_for(source, train)
        feeding.check(source)
        return source


def _epochs(epochs: Any, initial_epoch: Any) -> tuple[int, int]:
    for name, value, least in (("epochs", epochs, 1), ("initial_epoch", initial_epoch, 0)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or (value < least and not epochs == initial_epoch == 0):
            hint = f"\nWrite {name}={int(value)}." if isinstance(value, float) else ""
            raise ValueError(
                f"{name} must be an integer from {least} on. Received: {value!r}{hint}"
            )
    return int(epochs), int(initial_epoch)


def _unpacked(data: Any) -> tuple[Any, Any, Any]:
    if isinstance(data, (tuple, list)) and 1 <= len(data) <= 3:
        x, y, weight = (*data, None, None)[:3]
        return x, y, weight
    return data, None, None


def _first(data: Any) -> Any:
    return _unpacked(data)[0]


def _as_list(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
