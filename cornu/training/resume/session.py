"""ResumeSession: saves the state of one call of `fit`, and restores a saved state."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.callbacks import BackupAndRestore, CallbackList
from cornu.core.state.placement import to_host
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import Arrays, DataInput, digest_rows, global_random
from cornu.names import printable
from cornu.process import job
from cornu.saving.resume import Resume
from cornu.saving.state_encoding import decode_state, encode_state
from cornu.saving.training_state import TrainingState
from cornu.terminal.console import console
from cornu.training.loop import StartPoint
from cornu.training.protocols import BatchSource
from cornu.training.resume.fingerprint import VERSION, compare_fingerprints, describe_training
from cornu.training.resume.program import (
    check_fields,
    check_program,
    compare_programs,
    describe_program,
    different_program_error,
    list_differences,
    name_variables,
)
from cornu.training.resume.rates import SetRate, describe_rates, find_rates, note_end
from cornu.training.resume.snapshot import get_counters, set_counters
from cornu.training.resume.writer import CheckpointWriter
from cornu.training.step.runner import no_limit
from cornu.training.trainer import Trainer

__all__ = ["ResumeSession"]


class ResumeSession:
    """Saves the state of one `fit` in a folder; without a folder nothing is saved.

    Args:
        trainer: the Trainer of the model.
        resume: the argument of `fit`.
        callbacks: the callbacks of `fit`; one of them may be a `BackupAndRestore` with a folder.
    """

    def __init__(self, trainer: Trainer, resume: Any, callbacks: CallbackList) -> None:
        backups = [c for c in callbacks.callbacks if isinstance(c, BackupAndRestore)]
        if len(backups) + (resume is not None) > 1:
            raise ValueError("fit: pass either resume= or one BackupAndRestore callback, not both.")
        if isinstance(resume, (str, os.PathLike)):
            resume = Resume(resume)
        if resume is not None and not isinstance(resume, Resume):
            raise TypeError(
                "fit: resume must be the path of a folder or Resume(folder, every=...). "
                f"Received: {resume!r}"
            )
        self.trainer = trainer
        self.callbacks = callbacks
        self.resume: Resume | None = backups[0].resume if backups else resume
        self.deletes_state = bool(backups) and backups[0].delete_checkpoint
        self.validation: Any = None
        self.saved: TrainingState | None = None
        self._exit_stack = contextlib.ExitStack()
        self._writer: CheckpointWriter | None = None
        self._own_seed: int | None = None  # of a run that restarts, instead of the saved one
        self._paused = False
        self._program: dict[str, Any] = {}
        self._rates: tuple[SetRate, ...] = ()
        self._new_rates: tuple[SetRate, ...] = ()  # that the state does not have
        self._reported: set[str] = set()  # attributes that cannot be saved
        self._epochs_only = False  # whether states are saved only at the ends of epochs
        self._epoch_end: Any = None  # epoch, step and logs after the last epoch
        self._validation_source: BatchSource | None = None
        # The epoch and the number of its steps that training has reached, and of the last state.
        self._reached = (0, 0)
        self._written: tuple[int, int] | None = None

    # ------------------------------------------------------------------------- opening and closing

    def __enter__(self) -> ResumeSession:
        if self.resume is None:
            return self
        self._writer = writer = CheckpointWriter(self.resume, 0)
        if job.is_first():
            self._exit_stack.enter_context(writer.states.lock())
        # After the lock, because the stack ends in reverse order: the writer must not write
        # unlocked.
        self._exit_stack.callback(writer.close)
        self.saved = writer.states.read_newest()
        self._compare_processes(writer)
        if self.saved is not None:
            writer.number = self.saved.number
            with self._errors_of(self.saved):
                check_fields(self.saved.data)
                # Chosen now, as in a run without a saved state.
                if self._on_change == "restart":
                    self._own_seed = self.trainer.base_seed()
                # Before the data is opened, whose order depends on the seed.
                self.trainer.set_seed(self.saved.data["seed"])
        self.trainer.run.can_pause = True
        return self

    def _compare_processes(self, writer: CheckpointWriter) -> None:
        """Raises a RuntimeError if the processes of a job have read different states."""
        own = -1 if self.saved is None else self.saved.number
        # Also a barrier: no state is written before all processes have read the last one.
        numbers = job.exchange([own])[:, 0]
        if (numbers != numbers[0]).any():
            found = ["none" if number < 0 else f"{number:.0f}" for number in numbers]
            raise RuntimeError(
                f"The processes of the job find different states in {str(writer.folder)!r}: "
                f"{', '.join(found)}.\nUse a directory that all machines share, and the same "
                "path in each process."
            )

    def __exit__(self, *error: Any) -> None:
        self.trainer.run.can_pause = False
        self.trainer.run.rates = note_end(self._rates)
        self._exit_stack.close()

    # ---------------------------------------------------------------------------------- restoring

    def compare(
        self,
        source: BatchSource,
        validation: DataInput | None,
        names: Any,
        epochs: int,
        arguments: Mapping[str, Any],
    ) -> None:
        """Compares the program with that of the saved state.

        Args:
            source: the source of the training data.
            validation: the validation data, if any.
            names: the names of the inputs and outputs of the model.
            epochs: the argument of `fit`.
            arguments: other arguments of `fit`.

        Raises:
            ValueError: something differs that must not change, and `on_change` is "error".
        """
        self._rates = find_rates(self.trainer.optimizer, self.trainer.run.rates)
        if self._writer is None:
            return
        data: dict[str, Any] = {}
        if isinstance(source, Arrays):
            data["training"] = digest_rows(source.structure)
        if validation is not None and validation.has_rows:
            data["validation"] = digest_rows(validation.arrays(names))
        rates = describe_rates(self._rates)
        self._program = describe_training(self.trainer, arguments, data, rates)
        if self.saved is None:
            return
        with self._errors_of(self.saved):
            position = self.saved.data["position"]
            saved = json.loads(self.saved.data.get("config", "null"))
            is_comparable = saved is not None and saved.get("version") == VERSION
            found = compare_fingerprints(self._program, saved) if is_comparable else []
        if not is_comparable:
            warnings.warn(
                f"The state in {str(self._folder())!r} was saved by another version of cornu or "
                "Python. Only the layers, their weights and the size of the data are compared.",
                stacklevel=user_stacklevel(),
            )
        complete = position["ended"] or position["epoch"] >= epochs
        accepted = [] if complete else [one for one in found if one.is_rate]
        refused = [str(one) for one in found if one not in accepted]
        if (position["epoch"], position["step"]) > (epochs, 0):
            refused.append(f"epochs is {epochs}, and epoch {position['epoch']} has been completed")
        others = self._other_variables(self.saved)
        # Not even `on_change="warn"` can assign values to other Variables.
        if others and self._on_change != "restart":
            raise different_program_error(others, str(self._folder()))
        refused = others + refused
        if refused and self._on_change_refused(refused, source):
            return
        changed = {one.name for one in accepted}
        self._new_rates = tuple(rate for rate in self._rates if rate.name in changed)
        for one in accepted:
            self._print(f"resume: {one}. Training continues with the new value.")

    @property
    def _on_change(self) -> str:
        return "error" if self.resume is None else self.resume.on_change

    def _on_change_refused(self, lines: list[str], source: BatchSource) -> bool:
        """Warns, restarts or raises, as `on_change` says; returns whether training restarts."""
        listed = list_differences(lines)
        text = f"The state in {str(self._folder())!r} belongs to another run:{listed}"
        if self._on_change == "restart":
            assert self._writer is not None
            self._writer.clear()
            self.saved = None
            self._writer.number = 0
            assert self._own_seed is not None
            self.trainer.set_seed(self._own_seed)
            source.reseed(self._own_seed)
            self._print(f"{text}\nTraining starts from the beginning.")
            return True
        if self._on_change == "warn":
            warnings.warn(f"{text}\nTraining continues from it.", stacklevel=user_stacklevel())
            return False
        raise ValueError(
            f"{text}\nUse another directory for this run, or pass Resume(..., on_change='restart') "
            "to delete the state, or on_change='warn' to continue from it."
        )

    def _other_variables(self, state: TrainingState) -> list[str]:
        """Returns why the Variables of a state cannot be assigned; empty if they can."""
        variables = name_variables(self.trainer)
        with self._errors_of(state):
            return compare_programs(
                state.data["program"], describe_program(self.trainer, variables)
            )

    def restore_finished(self, source: BatchSource, epochs: int) -> bool:
        """Restores the state after the end of training, if training was completed; else False."""
        if self.saved is None or self._writer is None:
            return False
        position = self.saved.data["position"]
        end = self._writer.states.read_finished(self.saved.number)
        if end is not None:
            with self._errors_of(end):
                check_fields(end.data)
        if end is None or not (position["ended"] or position["epoch"] >= epochs):
            return False
        if self._check_data(source, self.saved.data["data"], complete=True):
            return False
        self._restore_all(end)
        self.trainer.run.history = self.callbacks.history
        self._print(
            "Training is already complete. Restored its final state from "
            f"{str(self._writer.folder)!r}."
        )
        return True

    def begin(self, source: BatchSource, epochs: int, initial_epoch: int) -> StartPoint:
        """Restores the last state if there is one; otherwise saves the initial state."""
        self.source = source
        self._reached = (initial_epoch, 0)
        self._exit_stack.callback(source.close)
        writer = self._writer
        if writer is None:
            return StartPoint(initial_epoch)
        self._epochs_only = source.resumes == "epoch"
        if self._epochs_only:
            self._print(
                f"resume: {source.describe()['kind']} cannot be resumed in the middle of an "
                "epoch: the state is saved at the end of each epoch."
            )
        if self.saved is None:
            self._write(initial_epoch, 0)
            return StartPoint(initial_epoch)
        data = self.saved.data
        position = data["position"]
        if self._check_data(source, data["data"], complete=position["step"] > 0):
            self._write(initial_epoch, 0)
            return StartPoint(initial_epoch)
        logs = self._restore_all(self.saved, source)
        self._reached = self._written = (position["epoch"], position["step"])
        for rate in self._new_rates:
            rate.variable.assign(rate.value)
        self._print_start(position, epochs)
        self.saved = None
        return StartPoint(position["epoch"], position["step"], logs, position["ended"])

    def pause_on_interrupt(self) -> bool:
        """Ends training after the current step, whose state is then saved; called by a Ctrl-C.

        Returns:
            Whether it does; not if there is no state to save, or not in the middle of an epoch.
        """
        if self._writer is None or self._epochs_only:
            return False
        run = self.trainer.run
        run.stop_training = run.pausing = run.interrupted = True
        return True

    def report_interrupt(self, error: KeyboardInterrupt, epochs: int) -> None:
        """Says after a Ctrl-C how far training came, and where it can be continued.

        Args:
            error: receives the text as a note if `fit` prints nothing.
            epochs: the number of epochs of the call of `fit`.
        """
        epoch, step = self._reached
        total = "" if self.source.steps is None else f" of {self.source.steps}"
        text = f"Interrupted in epoch {epoch + 1} of {epochs}, after step {step}{total}. "
        if self._writer is None:
            text += (
                f"The model keeps its weights: fit(..., initial_epoch={epoch}) continues with "
                "them. With resume='folder', a new process could continue as well."
            )
        else:
            at, after = self._written or (0, 0)
            text += (
                f"The last state in {str(self._writer.folder)!r} is that of epoch {at + 1}, step "
                f"{after}: run the program again to continue from it."
            )
        if (self.callbacks.params or {}).get("verbose") == 0:
            error.add_note(text)
        else:
            console.print(text)

    def _print_start(self, position: Any, epochs: int) -> None:
        epoch, step = position["epoch"], position["step"]
        start = f"step {step} of epoch {epoch + 1}" if step else f"the end of epoch {epoch}"
        if position["ended"] or epoch >= epochs:
            return
        if epoch or step:
            self._print(f"Training continues after {start}.")
        else:  # the run ended before a second state was due
            self._print(
                f"The only state in {str(self._folder())!r} is that before the first step: "
                "training starts from the beginning."
            )

    def _print(self, text: str) -> None:
        if (self.callbacks.params or {}).get("verbose") != 0:
            console.print(text)

    def _restore_all(self, state: TrainingState, source: BatchSource | None = None) -> Any:
        """Restores a state, and the position of a source; returns the logs of the last step."""
        data, arrays = state.data, state.arrays
        with self._errors_of(state):
            decoded = {
                name: decode_state(data[name], arrays)
                for name in ("callbacks", "reading", "validation", "random", "logs")
            }
        variables = name_variables(self.trainer)
        # Before anything is restored, so that an error leaves the model as it was.
        check_program(
            data["program"], describe_program(self.trainer, variables), str(self._folder())
        )
        with self._errors_of(state):
            self._restore_state(state, variables)
            self.callbacks.set_state(decoded["callbacks"])
            if source is not None:
                position = data["position"]
                source.restore(decoded["reading"], self.trainer.epochs_run, position["step"])
            self.validation = decoded["validation"]
            # Last, because whatever is restored may draw random numbers.
            global_random.set_state(decoded["random"])
            seeds.set_state(data["seeds"])
        return decoded["logs"]

    @contextlib.contextmanager
    def _errors_of(self, state: TrainingState) -> Iterator[None]:
        """Turns errors about the content of a state into a ValueError that names its file."""
        try:
            yield
        # A warning that the user's filters turned into an error.
        except Warning:
            raise
        except Exception as error:  # the content of a file is not trusted
            kind = "finished" if state.finished else "state"
            name = str(self._folder() / f"{kind}-{state.number:012d}.safetensors")
            raise ValueError(
                f"The state of training in {name!r} cannot be restored. "
                f"{type(error).__name__}: {error}\n"
                "Delete the file to resume from the state before it, or delete the directory to "
                "start training from the beginning."
            ) from error

    def _restore_state(self, state: TrainingState, variables: dict[str, Variable]) -> None:
        """Restores the values of Variables, random sources and counters."""
        trainer, data = self.trainer, state.data
        # Outer layers first, because the assignment sets all sublayers, too.
        for layer, trainable in zip(trainer.layers, data["trainable"], strict=True):
            if layer.trainable != trainable:
                layer.trainable = trainable
        for name, variable in variables.items():
            variable.assign(state.arrays[name])
        set_counters(trainer, data["numbers"])

    def _folder(self) -> Any:
        return self._writer.folder if self._writer is not None else None

    def _check_data(self, source: BatchSource, saved: dict[str, Any], complete: bool) -> bool:
        """Compares the data with that of the saved state; returns whether training restarts.

        Args:
            source: the source of the training data.
            saved: the description in the state.
            complete: whether the state is not at the end of an epoch from which training continues,
                so that not even the batch size may differ.
        """
        current = source.describe()
        names = [n for n in dict.fromkeys((*current, *saved)) if current.get(n) != saved.get(n)]
        lines = [f"{n} is {current.get(n)}, and {saved.get(n)} in the saved state" for n in names]
        if complete or not set(names) <= {"batch_size", "steps"}:
            return bool(names) and self._on_change_refused(lines, source)
        if names:
            changes = printable("; ".join(lines))
            warnings.warn(
                f"The data differs from the data of the saved state: {changes}. "
                "Training continues with the new data.",
                stacklevel=user_stacklevel(),
            )
        return False

    # ------------------------------------------------------------------------------------- saving

    def limit(self, steps: int) -> int:
        """Returns the number of steps that may run after `steps` before a state is to be saved."""
        return self._writer.limit(steps) if self._writer else no_limit(steps)

    def after_steps(self, epoch: int, step: int, last: bool, logs: Any, met: bool) -> None:
        """Saves the state if it is due, except after the last step, which `after_epoch` follows."""
        self._reached = (epoch, step)
        if self._writer is None or last or self._epochs_only:
            return
        steps = self.trainer.counts["train"].number
        if self._writer.is_due(steps, epoch_ended=False, met=met):
            # Other logs follow from the metrics, which are restored too.
            self._write(epoch, step, dict(logs) if logs.own else None)

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Saves the state if it is due."""
        self._epoch_end = (epoch + 1, 0, logs)
        self._reached = (epoch + 1, 0)
        if self._writer is None:
            return
        steps = self.trainer.counts["train"].number
        if self._epochs_only or self._writer.is_due(steps, epoch_ended=True, met=True):
            self._write(*self._epoch_end)

    def paused(self, epoch: int, step: int, logs: Any) -> None:
        """Saves the state in the middle of an epoch; no state is saved afterwards."""
        self._paused = True
        self._reached = (epoch, step)
        if self._writer is None or self._epochs_only:
            return
        self._write(epoch, step, dict(logs) if logs is not None and logs.own else None)

    def before_end(self) -> None:
        """Saves the state after the last epoch, before averaged or best weights are applied.

        A later call of `fit` with more epochs continues from the weights that were trained.
        """
        if self._writer is not None and not self._paused and self._epoch_end is not None:
            self._write(*self._epoch_end)

    def end(self) -> None:
        """Saves the final state, or deletes all states if the callback requests it."""
        if self._writer is None or self.trainer.pausing:
            return
        if self.deletes_state:
            # Otherwise the thread could write one more state after the deletion.
            self._writer.wait()
            self._writer.clear()
            return
        epoch, step, logs = self._epoch_end or (0, 0, None)
        self._write(epoch, step, logs, finished=True)

    def _write(self, epoch: int, step: int, logs: Any = None, finished: bool = False) -> None:
        assert self._writer is not None
        self._written = (epoch, step)
        self._warn_of_unsaved_attributes()
        trainer = self.trainer
        variables = name_variables(trainer)
        values = _copy_arrays(tuple([variable.stored for variable in variables.values()]))
        if job.count() > 1:
            # Other processes may hold parts of the values, and must take part.
            values = tuple(to_host(value) for value in values)
            if not job.is_first():
                return
        arrays: dict[str, Any] = {}
        # A callback stopped training: a later run must not continue.
        ended = trainer.stop_training and not step and not trainer.pausing
        position = {"epoch": epoch, "step": step, "ended": ended}
        data = {
            "config": json.dumps(self._program),
            "program": describe_program(trainer, variables),
            "position": position,
            "logs": encode_state(logs, arrays, "logs"),
            "seed": trainer.base_seed(),
            "seeds": seeds.state(),
            "numbers": get_counters(trainer),
            "trainable": [layer.trainable for layer in trainer.layers],
            "callbacks": encode_state(self.callbacks.get_state(), arrays, "callbacks"),
            "data": self.source.describe(),
            "reading": encode_state(self.source.state(), arrays, "reading"),
            "validation": encode_state(self._validation_state(), arrays, "validation"),
            "random": encode_state(global_random.get_state(), arrays, "random"),
        }

        # Runs in the writer's thread, so that the transfer to the host does not delay training.
        def collect() -> tuple[dict[str, Any], Any]:
            named = zip(variables, values, strict=True)
            return {**arrays, **{name: np.asarray(value) for name, value in named}}, data

        self._writer.write(collect, finished)

    def _warn_of_unsaved_attributes(self) -> None:
        found = [n for n in self.callbacks.unsaved_attributes() if n not in self._reported]
        self._reported.update(found)
        if found:
            attributes = printable(", ".join(found))
            warnings.warn(
                "resume: these attributes of callbacks hold data that cannot be saved, and start "
                f"again from the beginning when training resumes: {attributes}. Use numbers, "
                "strings, arrays, and lists, dicts and similar containers of these, or define "
                "`get_state` and `set_state`.",
                stacklevel=user_stacklevel(),
            )

    def set_validation_source(self, source: BatchSource) -> None:
        """Sets the source of validation data, and restores its position."""
        if self.validation is not None:
            source.restore(self.validation, 0, 0)
        self._exit_stack.callback(source.close)
        self._validation_source = source

    def _validation_state(self) -> Any:
        return (
            self.validation if self._validation_source is None else self._validation_source.state()
        )


@jax.jit
def _copy_arrays(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # The next step donates the buffers of the Variables, while the writer still reads the values.
    return tuple(jnp.copy(value) for value in values)
