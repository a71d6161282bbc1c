"""ResumeSession: saves the state of one `fit`, and continues from a saved one."""

from __future__ import annotations

import contextlib
import os
import random
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.callbacks import BackupAndRestore, CallbackList
from cornu.core.layer.walk import nested_layers
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving.resume import Resume
from cornu.saving.state_encoding import decode_state, encode_state
from cornu.saving.storage_keys import collect_weights_by_key
from cornu.saving.training_state import TrainingState
from cornu.saving.weight_paths import collect_weights_by_path
from cornu.terminal.console import console
from cornu.training.loop import StartPoint
from cornu.training.resume.snapshot import counters_of, set_counters
from cornu.training.resume.writer import CheckpointWriter
from cornu.training.step.runner import no_limit
from cornu.training.trainer import Trainer

__all__ = ["ResumeSession"]

_MOST_SHOWN = 8  # differences in an error


class ResumeSession:
    """One `fit` whose state is saved in a folder; without a folder nothing is saved.

    Args:
        trainer: of the model.
        resume: what `fit` was given.
        callbacks: those of the user; a `BackupAndRestore` among them names a folder, too.
    """

    def __init__(self, trainer: Trainer, resume: Any, callbacks: CallbackList) -> None:
        backups = [c for c in callbacks.callbacks if isinstance(c, BackupAndRestore)]
        if len(backups) + (resume is not None) > 1:
            raise ValueError("fit: give either resume= or one BackupAndRestore.")
        if isinstance(resume, (str, os.PathLike)):
            resume = Resume(resume)
        if resume is not None and not isinstance(resume, Resume):
            raise TypeError(
                "fit: resume is the name of a folder, or Resume(folder, every=...). "
                f"Received: {resume!r}"
            )
        self.trainer = trainer
        self.callbacks = callbacks
        self.resume: Resume | None = backups[0].resume if backups else resume
        self.clears = bool(backups) and backups[0].delete_checkpoint
        self.validation: Any = None
        self.saved: TrainingState | None = None
        self._around = contextlib.ExitStack()
        self._writer: CheckpointWriter | None = None
        self._paused = False
        self._whole = False  # whether states are kept at the ends of epochs alone
        self._last: Any = None  # epoch, step and logs after the last epoch
        self._validated: Any = None

    # --------------------------------------------------------------------------- opening, closing

    def __enter__(self) -> ResumeSession:
        if self.resume is None:
            return self
        writer = CheckpointWriter(self.resume, 0)
        self._around.enter_context(writer.states.lock())
        self._around.callback(writer.close)
        self.saved = writer.states.read_newest()
        if self.saved is not None:
            writer.number = self.saved.number
            self.trainer.set_seed(self.saved.data["seed"])
        self._writer = writer
        self.trainer.run.can_pause = True
        return self

    def __exit__(self, *error: Any) -> None:
        self.trainer.run.can_pause = False
        self._around.close()

    # ---------------------------------------------------------------------------------- beginning

    def finished(self, epochs: int) -> bool:
        """Takes up the end of a training after which nothing is left to do, if there was one."""
        if self.saved is None or self._writer is None:
            return False
        position = self.saved.data["position"]
        end = self._writer.states.read_finished(self.saved.number)
        if end is None or not (position["ended"] or position["epoch"] >= epochs):
            return False
        self._take(end)
        self.callbacks.set_state(decode_state(end.data["callbacks"], end.arrays))
        self.trainer.run.history = self.callbacks.history
        self._say(f"Training was finished: its end was read from {str(self._writer.folder)!r}.")
        return True

    def begin(self, source: Any, epochs: int, initial_epoch: int) -> StartPoint:
        """Takes up the last state, if there is one; else keeps that at the beginning."""
        self.source = source
        self._around.callback(source.close)
        writer = self._writer
        if writer is None:
            return StartPoint(initial_epoch)
        self._whole = source.resumes == "epoch"
        if self._whole:
            self._say(
                f"resume: {source.describe()['kind']} cannot be continued in the middle of an "
                "epoch: the state is kept at the ends of epochs."
            )
        if self.saved is None:
            self._write(initial_epoch, 0)
            return StartPoint(initial_epoch)
        data, arrays = self.saved.data, self.saved.arrays
        position = data["position"]
        self._check_data(data["data"], position["step"])
        self._take(self.saved)
        self.callbacks.set_state(decode_state(data["callbacks"], arrays))
        reading = decode_state(data["reading"], arrays)
        source.restore(reading, self.trainer.epochs_run, position["step"])
        self.validation = decode_state(data["validation"], arrays)
        _set_global_random(decode_state(data["random"], arrays))
        seeds.set_state(data["seeds"])
        self._say_where(position, epochs)
        logs = decode_state(data["logs"], arrays)
        self.saved = None
        return StartPoint(position["epoch"], position["step"], logs, position["ended"])

    def _say_where(self, position: Any, epochs: int) -> None:
        epoch, step = position["epoch"], position["step"]
        where = f"step {step} of epoch {epoch + 1}" if step else f"the end of epoch {epoch}"
        if not position["ended"] and epoch < epochs and (epoch or step):
            self._say(f"Training goes on after {where}.")

    def _say(self, text: str) -> None:
        if (self.callbacks.params or {}).get("verbose") != 0:
            console.print(text)

    def _take(self, state: TrainingState) -> None:
        """Gives Variables, random sources and counters their values of a state."""
        trainer, data = self.trainer, state.data
        variables = _variables(trainer)
        _check_program(data["program"], _describe_program(trainer, variables), str(self._folder()))
        for layer, trainable in zip(_layers(trainer), data["trainable"], strict=True):
            if layer.trainable != trainable:
                layer.trainable = trainable
        for name, variable in variables.items():
            variable.assign(state.arrays[name])
        set_counters(trainer, data["numbers"])

    def _folder(self) -> Any:
        return self._writer.folder if self._writer is not None else None

    def _check_data(self, there: dict[str, Any], step: int) -> None:
        here = self.source.describe()
        differences = [
            f"{name} is {here.get(name)} here and {there.get(name)} in the state"
            for name in dict.fromkeys((*here, *there))
            if here.get(name) != there.get(name)
        ]
        if not differences:
            return
        text = f"The data is not what it was when the state was kept: {'; '.join(differences)}."
        if step:
            raise ValueError(
                f"{text}\nGive `fit` the same data, batch size and shuffle as before, or another "
                "folder."
            )
        warnings.warn(f"{text} Training goes on with the new.", stacklevel=user_stacklevel())

    # ------------------------------------------------------------------------------------ keeping

    def limit(self, steps: int) -> int:
        """Returns how many steps may be run before a state is due, after `steps`."""
        return self._writer.limit(steps) if self._writer else no_limit(steps)

    def after_steps(self, epoch: int, step: int, last: bool, logs: Any) -> None:
        """Keeps the state if it is due; after the last step the end of the epoch follows."""
        if self._writer is None or last or self._whole:
            return
        if self._writer.due(self.trainer.counts["train"].number, False):
            self._write(epoch, step, dict(logs) if logs.own else None)

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Keeps the state if it is due."""
        self._last = (epoch + 1, 0, logs)
        if self._writer is None:
            return
        if self._whole or self._writer.due(self.trainer.counts["train"].number, True):
            self._write(*self._last)

    def paused(self, epoch: int, step: int, logs: Any) -> None:
        """Keeps the state in the middle of an epoch, after which nothing more is kept."""
        self._paused = True
        if self._writer is None or self._whole:
            return
        self._write(epoch, step, dict(logs) if logs is not None and logs.own else None)

    def before_end(self) -> None:
        """Keeps the state after the last epoch, before averaged or best weights are taken."""
        if self._writer is not None and not self._paused and self._last is not None:
            self._write(*self._last)

    def end(self) -> None:
        """Keeps the end of training."""
        if self._writer is None or self.trainer.pausing:
            return
        if self.clears:
            self._writer.wait()
            self._writer.states.clear()
            return
        epoch, step, logs = self._last or (0, 0, None)
        self._write(epoch, step, logs, finished=True)

    def _write(self, epoch: int, step: int, logs: Any = None, finished: bool = False) -> None:
        assert self._writer is not None
        trainer = self.trainer
        variables = _variables(trainer)
        values = _copied(tuple([variable.stored for variable in variables.values()]))
        arrays: dict[str, Any] = {}
        ended = trainer.stop_training and not step and not trainer.pausing
        position = {"epoch": epoch, "step": step, "ended": ended}
        data = {
            "program": _describe_program(trainer, variables),
            "position": position,
            "logs": encode_state(logs, arrays, "logs"),
            "seed": trainer.base_seed(),
            "seeds": seeds.state(),
            "numbers": counters_of(trainer),
            "trainable": [layer.trainable for layer in _layers(trainer)],
            "callbacks": encode_state(self.callbacks.get_state(), arrays, "callbacks"),
            "data": self.source.describe(),
            "reading": encode_state(self.source.state(), arrays, "reading"),
            "validation": encode_state(self._validation_state(), arrays, "validation"),
            "random": encode_state(_global_random(), arrays, "random"),
        }

        def make() -> tuple[dict[str, Any], Any]:
            named = zip(variables, values, strict=True)
            return {**arrays, **{name: np.asarray(value) for name, value in named}}, data

        self._writer.write(make, finished)

    def set_validation_source(self, source: Any) -> None:
        """Takes the source of validation data, which goes on where it was."""
        if self.validation is not None:
            source.restore(self.validation, 0, 0)
        self._around.callback(source.close)
        self._validated = source

    def _validation_state(self) -> Any:
        return self.validation if self._validated is None else self._validated.state()


@jax.jit
def _copied(values: tuple[Any, ...]) -> tuple[Any, ...]:
    # Training gives its buffers away: what is written beside it needs buffers of its own.
    return tuple(jnp.copy(value) for value in values)


def _layers(trainer: Trainer) -> list[Any]:
    return [trainer.model, *nested_layers(trainer.model)]


def _variables(trainer: Trainer) -> dict[str, Variable]:
    """Returns all that training may change, by names that are equal for equal programs."""
    model: Any = trainer.model
    optimizer = trainer.optimizer
    named = {f"model/{path}": variable for path, variable in collect_weights_by_path(model).items()}
    for i, metric in enumerate(model.metrics):
        named |= {f"metrics/{i}/{k}/{v.name}": v for k, v in enumerate(metric.variables)}
    if optimizer is not None:
        named |= {f"optimizer/{path}": v for path, v in collect_weights_by_key(optimizer).items()}
    known = {id(variable) for variable in named.values()}
    rest = [variable for variable in trainer.touched_variables() if id(variable) not in known]
    return {**named, **{f"others/{i}": variable for i, variable in enumerate(rest)}}


def _describe_program(trainer: Trainer, variables: dict[str, Variable]) -> dict[str, Any]:
    """Returns what distinguishes two programs."""
    return {
        "layers": [type(layer).__name__ for layer in _layers(trainer)],
        "optimizer": type(trainer.optimizer).__name__,
        "variables": {name: [list(v.shape), v.dtype] for name, v in variables.items()},
    }


def _check_program(there: dict[str, Any], here: dict[str, Any], folder: str) -> None:
    """Refuses a state of another program, and names the differences."""
    if there == here:
        return
    lines: list[str] = []
    if there["optimizer"] != here["optimizer"]:
        lines.append(f"the optimizer is {here['optimizer']} here, {there['optimizer']} there")
    for name in dict.fromkeys((*here["variables"], *there["variables"])):
        mine, other = here["variables"].get(name), there["variables"].get(name)
        if mine != other:
            lines.append(f"{name} is {_spec(mine)} here, {_spec(other)} there")
    if not lines and there["layers"] != here["layers"]:
        mine, other = here["layers"], there["layers"]
        pairs = [*zip(mine, other, strict=False)]
        wrong = [i for i, (a, b) in enumerate(pairs) if a != b] or [len(pairs)]
        at = wrong[0]
        lines.append(
            f"layer {at} is {(*mine, 'missing')[at] if at <= len(mine) else 'missing'} here, "
            f"{(*other, 'missing')[at] if at <= len(other) else 'missing'} there"
        )
    more = [f"and {len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
    raise ValueError(
        f"The state in {folder!r} was kept by another program, and was not touched:"
        + "".join(f"\n  {line}" for line in lines[:_MOST_SHOWN] + more)
        + "\nGive this run a folder of its own, or delete that one to start from the beginning."
    )


def _spec(spec: Any) -> str:
    return "missing" if spec is None else f"{tuple(spec[0])} {spec[1]}"


def _global_random() -> Any:
    return {"numpy": np.random.get_state(legacy=True), "python": random.getstate()}


def _set_global_random(state: Any) -> None:
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
