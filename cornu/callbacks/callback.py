"""Callback: what can be done at certain moments of training, evaluation and prediction."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.core.state.variable import Variable
from cornu.saving.state_encoding import is_encodable

__all__ = ["Callback", "Step"]

# A training step: it takes a batch `(x, y, sample_weight)`, and returns logs, or None where they
# are those of the metrics.
Step = Callable[[Any], Any]

_BATCH_HOOKS = tuple(
    f"on_{phase}_batch_{moment}"
    for phase in ("train", "test", "predict")
    for moment in ("begin", "end")
)


class Callback:
    """The base of all callbacks: every method is a moment, and does nothing by itself.

    Training runs many steps at a time on the device. A callback that overrides one of the
    batch methods is called after every single step, which costs some speed; one that only wants
    to look now and then sets `look_every` and overrides `on_progress`.

    Attributes:
        model: the model; set before training begins.
        params: `verbose`, `epochs` and `steps` of the run.
        look_every: seconds between two calls of `on_progress`; `None` for none.
        variables: the Variables of its own that `around_step` uses.
        writes_files: whether it is there to write files; `fit(fast_dev_run=True)` leaves it out.

    Example:

    >>> class Patience(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.1:
    ...             self.model.stop_training = True
    """

    model: Any = None
    params: Any = None
    look_every: float | None = None
    variables: Sequence[Variable] = ()
    writes_files: bool = False
    _begun_with: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes `verbose`, `epochs` and `steps` of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Takes the model."""
        self.model = model

    def batch_hooks(self) -> frozenset[str]:
        """Returns the names of the batch methods that this callback overrides."""
        hooks = {hook for hook in _BATCH_HOOKS if self._overrides(hook)}
        for moment in ("begin", "end"):
            if self._overrides(f"on_batch_{moment}"):
                hooks.add(f"on_train_batch_{moment}")
        return frozenset(hooks)

    def around_step(self, step: Step) -> Step:
        """Returns what is run in the place of a training step: by default the step itself.

        It is compiled together with the step, and so runs as fast. What it is to remember from
        step to step it keeps in Variables, which `variables` lists; other Variables of the model
        may be read and assigned as in `train_step`.

        Example:

        >>> import cornu, numpy as np
        >>> class Count(cornu.callbacks.Callback):
        ...     def __init__(self):
        ...         self.rows = cornu.Variable(0, name="rows", role="metric")
        ...         self.variables = [self.rows]
        ...
        ...     def around_step(self, step):
        ...         def run(batch):
        ...             self.rows.assign_add(len(batch[0]))
        ...             return step(batch)
        ...
        ...         return run
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> count = Count()
        >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
        >>> _ = model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[count])
        >>> int(count.rows)
        24
        """
        return step

    def _overrides(self, hook: str) -> bool:
        return hook in vars(self) or getattr(type(self), hook) is not getattr(Callback, hook)

    def get_state(self) -> dict[str, Any]:
        """Returns what must be kept if training is to go on in another process, as plain data.

        By default these are the attributes that are numbers, texts, arrays, or lists, tuples and
        dicts of these, and that changed since training began.
        """
        return {
            name: value
            for name, value in plain_attributes(self).items()
            if not _same(value, self._begun_with.get(name, _nothing))
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned; called after `on_train_begin`."""
        vars(self).update(state)

    def remember_beginning(self) -> None:
        """Notes the attributes that there are before training begins; see `get_state`."""
        self._begun_with = copy.deepcopy(plain_attributes(self))

    # -------------------------------------------------------------------------------- the moments

    def on_train_begin(self, logs: Any = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: Any = None) -> None:
        """Called when `fit` has ended; `logs` are those of the last epoch."""

    def on_train_exception(self, error: BaseException) -> None:
        """Called when `fit` is left by an error or Ctrl-C, instead of `on_train_end`."""

    def on_resume(self, epoch: int, step: int) -> None:
        """Called instead of `on_epoch_begin` when `fit` goes on in the middle of an epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Called when an epoch begins; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called when an epoch has ended, after validation; `logs` has the metrics by name."""

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Called now and then (see `look_every`) when `step` of `steps` steps are done."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a training step; the first of an epoch is 0."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a training step; `logs` has the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Called when `evaluate`, or validation in `fit`, begins."""

    def on_test_end(self, logs: Any = None) -> None:
        """Called when `evaluate`, or validation in `fit`, has ended."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a step of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a step of evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: Any = None) -> None:
        """Called when `predict` has ended."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a step of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a step of prediction; `logs["outputs"]` are the outputs."""


_nothing = object()
_NOT_KEPT = ("model", "params", "_begun_with")


def plain_attributes(callback: Callback) -> dict[str, Any]:
    """Returns the attributes that can be kept as they are."""
    return {
        name: value
        for name, value in vars(callback).items()
        if name not in _NOT_KEPT and is_encodable(value)
    }


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))
