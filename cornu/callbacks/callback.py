"""Callback: the base class of objects that `fit`, `evaluate` and `predict` call."""

from __future__ import annotations

import array
import collections
import copy
import datetime
import inspect
import numbers
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.names import printable, public_names
from cornu.registry.keywords import check_keywords
from cornu.saving.state_encoding import find_unencodable, is_encodable
from cornu.types import Logs

__all__ = ["Callback", "Step"]

# A training step: takes a batch `(x, y, sample_weight)`, and returns logs, or None if the logs are
# the results of the metrics.
Step = Callable[[Any], Any]

_BATCH_HOOKS = tuple(
    f"on_{phase}_batch_{moment}"
    for phase in ("train", "test", "predict")
    for moment in ("begin", "end")
)


_SHOWN = (bool, int, float, str, os.PathLike)  # types of arguments that `repr` contains


class Callback:
    """The base class of callbacks. Every method does nothing by default.

    Training runs many steps in one call of a compiled program. If a callback overrides a batch
    method, each step is a call of its own, which is slower. A callback that only needs to observe
    training at intervals sets `look_every` and overrides `on_progress` instead. With
    `compile(steps_per_execution=...)`, batch methods are called once for so many steps, with the
    indices of the first and the last one.

    Attributes:
        model: the model; set before training begins.
        params: a dict with `verbose`, `epochs` and `steps` of the run.
        look_every: the minimum number of seconds between two calls of `on_progress`, or `None`
            to disable these calls.
        variables: the Variables that the callback owns and that `around_step` uses.
        writes_files: whether the purpose of the callback is to write files;
            `fit(fast_dev_run=True)` skips such callbacks.

    Example:

    >>> class Patience(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.1:
    ...             self.model.stop_training = True
    """

    # Any, because callbacks of users read attributes of their own models.
    model: Any = None
    params: dict[str, Any] | None = None
    look_every: float | None = None
    variables: Sequence[Variable] = ()
    writes_files: bool = False
    _initial_attributes_: dict[str, Any] = {}

    if not TYPE_CHECKING:  # editors show the parameters of the constructor

        def __new__(cls, *args, **kwargs):
            if kwargs:
                check_keywords(cls, kwargs)
            return super().__new__(cls)

    def __dir__(self) -> list[str]:
        return public_names(self, super().__dir__())

    def __repr__(self) -> str:
        values = vars(self)
        parts = [
            f"{name}={values[name]!r}"
            for name, parameter in inspect.signature(type(self).__init__).parameters.items()
            if isinstance(values.get(name), _SHOWN) and values[name] != parameter.default
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets `params`: `verbose`, `epochs` and `steps` of the run.

        Args:
            params: a dict of these.
        """
        self.params = params

    def set_model(self, model: TrainedModel) -> None:
        """Sets the model.

        Args:
            model: the model that is trained, evaluated or used for prediction.
        """
        self.model = model

    def batch_hooks(self) -> frozenset[str]:
        """Returns the names of the batch methods that this callback overrides.

        Only these are called, and only if there are any does each step run by itself.
        """
        hooks = {hook for hook in _BATCH_HOOKS if self._overrides_(hook)}
        for moment in ("begin", "end"):
            if self._overrides_(f"on_batch_{moment}"):
                hooks.add(f"on_train_batch_{moment}")
        return frozenset(hooks)

    def around_step(self, step: Step) -> Step:
        """Wraps the training step. By default, returns the step itself.

        The wrapper is compiled as part of the step: many steps still run in one call of a program.
        State that it keeps between steps must be in Variables listed in `variables`. It may also
        read and assign the Variables of the model, as in `train_step`.

        Args:
            step: a function of a batch `(x, y, sample_weight)`, which returns logs, or None if the
                logs are the results of the metrics.

        Returns:
            A function like `step`.

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

    def _overrides_(self, hook: str) -> bool:
        return hook in vars(self) or getattr(type(self), hook) is not getattr(Callback, hook)

    @property
    def _state_owner_(self) -> Any:
        """The object whose attributes are the state."""
        return self

    def get_state(self) -> dict[str, Any]:
        """Returns the state that is saved with a checkpoint of training, as plain data.

        By default, these are the attributes that changed since training began and that are
        numbers, strings, bytes, arrays, or containers of these: lists, tuples, namedtuples, sets,
        dicts, and those of `collections`. Paths that the constructor received are not included.
        """
        return {
            name: value
            for name, value in plain_attributes(self._state_owner_).items()
            if not _is_equal(value, self._initial_attributes_.get(name, _MISSING))
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned; called after `on_train_begin`.

        Args:
            state: the saved state. Values that a state cannot hold are ignored with a warning.
        """
        owner = self._state_owner_
        # A state may come from elsewhere: it replaces only what a state can hold.
        kept = {
            name: value
            for name, value in state.items()
            if is_restorable(owner, name) and is_encodable(vars(owner).get(name))
        }
        vars(owner).update(kept)
        refused = [name for name in state if name not in kept]
        if refused:
            names = printable(", ".join(refused))
            warnings.warn(
                f"{type(owner).__name__}: these attributes in the saved state are ignored, because "
                "they are methods, objects that a state cannot hold, or paths that the constructor "
                f"received: {names}.",
                stacklevel=user_stacklevel(),
            )

    def _unsaved_attributes_(self) -> list[str]:
        """Returns the attributes that hold data which the default `get_state()` cannot save."""
        return [
            name
            for name, value in vars(self._state_owner_).copy().items()
            if name not in _NOT_SAVED and isinstance(find_unencodable(value), _DATA)
        ]

    def _record_initial_attributes_(self) -> None:
        """Records the attributes before training begins; see `get_state`."""
        # A deep copy, because callbacks append to their lists and dicts.
        self._initial_attributes_ = copy.deepcopy(plain_attributes(self._state_owner_))

    # -------------------------------------------------------------------------------------- hooks

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` begins.

        Args:
            logs: an empty dict; reserved, as in Keras.
        """

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` has ended, with the logs of the last epoch.

        Args:
            logs: a dict of metrics by name, as in `on_epoch_end`.
        """

    def on_train_exception(self, error: BaseException) -> None:
        """Called instead of `on_train_end` when `fit` ends with an exception, such as Ctrl-C.

        Args:
            error: the exception, which is raised after the callbacks were called.
        """

    def on_resume(self, epoch: int, step: int) -> None:
        """Called instead of `on_epoch_begin` when `fit` resumes in the middle of an epoch.

        Args:
            epoch: the index of the epoch; epochs count from 0.
            step: the number of steps of this epoch that were made before.
        """

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called when an epoch begins.

        Args:
            epoch: the index of the epoch; epochs count from 0.
            logs: an empty dict; reserved, as in Keras.
        """

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called when an epoch has ended, after validation.

        Args:
            epoch: the index of the epoch; epochs count from 0.
            logs: a dict of the loss and the metrics by name, such as `"loss"` and `"val_loss"`. All
                callbacks receive the same dict: values that one adds are seen by those after it,
                and are part of the History.
        """

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Called at intervals (see `look_every`), after `step` of `steps` steps.

        Args:
            step: the number of steps of this epoch that were made.
            steps: the number of steps of an epoch; None if the length of the data is unknown.
            logs: a dict of the loss and the metrics of the epoch so far, by name.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a training step.

        Args:
            batch: the index of the step; steps count from 0 in each epoch. With several steps per
                execution, that of the first one.
            logs: an empty dict; reserved, as in Keras.
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a training step.

        Args:
            batch: the index of the step; steps count from 0 in each epoch. With several steps per
                execution, that of the last one.
            logs: a dict of the loss and the metrics of the epoch so far, by name.
        """
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Alias of `on_train_batch_begin`.

        Args:
            batch: the index of the step in the epoch.
            logs: as in `on_train_batch_begin`.
        """

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Alias of `on_train_batch_end`.

        Args:
            batch: the index of the step in the epoch.
            logs: as in `on_train_batch_end`.
        """

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or validation within `fit`, begins.

        Args:
            logs: an empty dict; reserved, as in Keras.
        """

    def on_test_end(self, logs: Logs = None) -> None:
        """Called when `evaluate`, or validation within `fit`, has ended.

        Args:
            logs: a dict of the loss and the metrics by name, without the prefix `val_`.
        """

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before an evaluation step.

        Args:
            batch: the index of the step; steps count from 0. With several steps per execution, that
                of the first one.
            logs: an empty dict; reserved, as in Keras.
        """

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after an evaluation step.

        Args:
            batch: the index of the step; steps count from 0. With several steps per execution, that
                of the last one.
            logs: a dict of the loss and the metrics of the data so far, by name.
        """

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called when `predict` begins.

        Args:
            logs: an empty dict; reserved, as in Keras.
        """

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called when `predict` has ended.

        Args:
            logs: an empty dict; reserved, as in Keras.
        """

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a prediction step.

        Args:
            batch: the index of the step; steps count from 0. With several steps per execution, that
                of the first one.
            logs: an empty dict; reserved, as in Keras.
        """

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a prediction step.

        Args:
            batch: the index of the step; steps count from 0. With several steps per execution, that
                of the last one.
            logs: a dict with the outputs for the batch, `logs["outputs"]`.
        """


_MISSING = object()
_NOT_SAVED = ("model", "params", "_initial_attributes_")
# What is reported if it cannot be saved. Functions, files, models and the like are not data.
_DATA = (
    *(Mapping, Set, list, tuple, collections.deque, bytearray, array.array, np.ndarray),
    *(numbers.Number, datetime.date, datetime.time, datetime.timedelta),
)
_PATH_NAME = re.compile(r"path|file|dir|folder", re.IGNORECASE)


def plain_attributes(callback: Any) -> dict[str, Any]:
    """Returns the attributes that can be saved as plain data."""
    return {
        name: value
        for name, value in vars(callback).copy().items()
        if is_restorable(callback, name) and is_encodable(value)
    }


def is_restorable(callback: Any, name: str) -> bool:
    """Tells whether an attribute may be part of the state."""
    if name in _NOT_SAVED or name.startswith("__"):
        return False
    member = getattr(type(callback), name, None)
    if callable(member) or isinstance(member, property):
        return False
    is_path = isinstance(vars(callback).get(name), (str, os.PathLike)) and _PATH_NAME.search(name)
    return not is_path or name not in inspect.signature(type(callback).__init__).parameters


def _is_equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple, collections.deque)):
        return len(a) == len(b) and all(_is_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        # Programs iterate over dicts, so that the order counts.
        return list(a) == list(b) and all(_is_equal(a[key], b[key]) for key in a)
    if isinstance(a, Set):
        return bool(a == b)
    return bool(np.array_equal(a, b))
