"""What callbacks of Keras 1 and 2 find in their logs, `params` and `validation_data`."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cornu import callbacks
from cornu.legacy.keras1.class_mapping import BaseClassMeta

__all__ = ["RunCallback", "describe_run"]


@dataclass(frozen=True)
class Run:
    """What `fit` was called with.

    Attributes:
        batch_size: the number of samples of a batch; None if it is unknown.
        samples: the number of samples of an epoch; None if it is unknown.
        validation: the arrays of the validation data, then their weights; None without them.
    """

    batch_size: int | None = None
    samples: int | None = None
    validation: list[Any] | None = None

    def size_of(self, batch: int) -> int:
        """Returns the number of samples of a batch; 1 if it is unknown."""
        size = self.batch_size or 1
        return size if self.samples is None else min(size, self.samples - batch * size)

    def params(self) -> dict[str, Any]:
        """Returns the entries of `params`, by the names of Keras 1 and 2."""
        return {
            "batch_size": self.batch_size,
            "samples": self.samples,
            "nb_sample": self.samples,
            "do_validation": self.validation is not None,
        }


_runs: weakref.WeakKeyDictionary[Any, Run] = weakref.WeakKeyDictionary()


def describe_run(
    model: Any, x: Any, y: Any, batch_size: int | None, split: float, validation: Any
) -> None:
    """Keeps what `fit` was called with, for the callbacks of the program.

    Args:
        model: the model.
        x, y: the data: arrays, lists or dicts of them, or a generator.
        batch_size: the number of samples of a batch.
        split: the part of the data that is not trained on.
        validation: the validation data: arrays, or a generator.
    """
    inputs, targets = _arrays(x), _arrays(y)
    held: list[Any] | None = None
    if isinstance(validation, (tuple, list)):
        held = [array for part in validation for array in _arrays(part)]
        held += [np.ones(len(held[0]))] if len(validation) == 2 and held else []
    if not inputs or not targets:
        _runs[model] = Run(getattr(x, "batch_size", batch_size), None, held)
        return
    samples = len(inputs[0])
    if held is None and split:
        kept = int(samples * (1 - split))
        held = [array[kept:] for array in (*inputs, *targets)]
        held.append(np.ones(samples - kept))
        samples = kept
    _runs[model] = Run(batch_size or 32, samples, held)


def _arrays(data: Any) -> list[Any]:
    """Returns the arrays of some data; an empty list for anything else."""
    parts = list(data.values()) if isinstance(data, dict) else data
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    return list(parts) if all(isinstance(part, np.ndarray) for part in parts) else []


class RunCallback(callbacks.Callback, metaclass=BaseClassMeta):
    """The base class of custom callbacks.

    The logs of a batch have its number as "batch" and the number of its samples as "size".

    Attributes:
        params: also has the batch size, and the number of samples.
        validation_data: the arrays of the validation data, then the weights of their samples.
    """

    stands_for: ClassVar[type] = callbacks.Callback
    # The values in the logs of a batch that are not those of the epoch so far; None for all.
    of_batch: ClassVar[frozenset[str] | None] = None

    validation_data: Any = None
    _sums: Sequence[Any] = ()

    def _run(self) -> Run:
        return _runs.get(self.model, Run()) if self.model is not None else Run()

    def set_model(self, model: Any) -> None:
        """Sets the model."""
        super().set_model(model)
        self.validation_data = self._run().validation

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets the parameters of the run."""
        run = self._run().params()
        names = list(self.model.metrics_names) if self.model is not None else []
        if run["do_validation"]:
            names += [f"val_{name}" for name in names]
        super().set_params({**(params or {}), **run, "metrics": names})

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls `on_batch_begin`."""
        if batch == 0:
            self._sums = (0, {})
        super().on_train_batch_begin(batch, self._with_size(batch, logs))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls `on_batch_end`."""
        found = self._with_size(batch, logs)
        if self._sums:
            before, sums = self._sums
            after = before + found["size"]
            new = {
                name: float(value) * after
                for name, value in (logs or {}).items()
                if self.of_batch is None or name in self.of_batch
            }
            for name, total in new.items():
                found[name] = (total - sums.get(name, 0.0)) / found["size"]
            self._sums = (after, new)
        super().on_train_batch_end(batch, found)

    def _with_size(self, batch: int, logs: Any) -> dict[str, Any]:
        return {"batch": batch, "size": self._run().size_of(batch), **(logs or {})}
