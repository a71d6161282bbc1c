"""CallbackList: several callbacks, called in order."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cornu import tree
from cornu.callbacks.callback import Callback, Step
from cornu.callbacks.history import History
from cornu.callbacks.progbar_logger import ProgbarLogger
from cornu.callbacks.shared.extensions import extension_method, seconds, variables_in
from cornu.callbacks.shared.foreign import ForeignCallback
from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.foreign import describe_replacement, is_of_keras
from cornu.names import make_unique, printable
from cornu.types import Logs

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Calls several callbacks in order; batch methods only where a callback overrides them.

    Args:
        callbacks: a callback, or nested lists of callbacks.
        add_history: whether to add a `History` if the list has none.
        add_progbar: whether to add a `ProgbarLogger` if the list has none.
        model: the model that is trained.
        **params: `verbose`, `epochs` and `steps` of the run.

    Raises:
        TypeError: an element is not a Callback.

    Example:

    >>> import cornu
    >>> history = cornu.callbacks.History()
    >>> callbacks = cornu.callbacks.CallbackList([history], model=cornu.Sequential())
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Any] | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: TrainedModel | None = None,
        **params: Any,
    ) -> None:
        given = [] if callbacks is None else tree.leaves(callbacks)
        self.callbacks: list[Callback] = [_as_callback(one) for one in _flatten(given)]
        if add_history and not self._contains(History):
            self.callbacks.append(History())
        if add_progbar and not self._contains(ProgbarLogger):
            self.callbacks.append(ProgbarLogger())
        self._fitting = False
        self._testing = False
        self._last_calls: dict[int, float] = {}  # of on_progress, by position
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _contains(self, kind: type[Callback]) -> bool:
        return any(isinstance(callback, kind) for callback in self.callbacks)

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets the parameters of the run, here and in all callbacks."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: TrainedModel) -> None:
        """Sets the model, here and in all callbacks."""
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    # ------------------------------------------------------------------------ what is requested

    def batch_hooks(self) -> frozenset[str]:
        """Returns the names of the batch methods that at least one callback overrides."""
        found: set[str] = set()
        for callback in self.callbacks:
            hooks = extension_method(callback, Callback, "batch_hooks", 0)()
            found |= hooks if isinstance(hooks, frozenset) else Callback.batch_hooks(callback)
        return frozenset(found)

    @property
    def around(self) -> list[Callback]:
        """The callbacks that wrap the training step."""
        return [c for c in self.callbacks if self._wraps(c)]

    def _wraps(self, callback: Callback) -> bool:
        own = Callback.around_step
        method = extension_method(callback, Callback, "around_step", 1)
        return (
            type(callback).around_step is not own and getattr(method, "__func__", None) is not own
        )

    def around_step(self, step: Step) -> Step:
        """Returns the training step wrapped by all callbacks; the first one is outermost."""
        for callback in reversed(self.around):
            step = callback.around_step(step)
        return step

    @property
    def variables(self) -> list[Variable]:  # type: ignore[override]
        """The Variables of the callbacks that wrap the training step."""
        return [variable for c in self.around for variable in variables_in(c.variables)]

    @property
    def train_batch_hooks(self) -> bool:
        """Whether a callback must be called before or after every training step."""
        return self._has_batch_hooks("train")

    @property
    def test_batch_hooks(self) -> bool:
        """Whether a callback must be called before or after every evaluation step."""
        return self._has_batch_hooks("test")

    @property
    def predict_batch_hooks(self) -> bool:
        """Whether a callback must be called before or after every prediction step."""
        return self._has_batch_hooks("predict")

    def _has_batch_hooks(self, phase: str) -> bool:
        return any(hook.startswith(f"on_{phase}_") for hook in self.batch_hooks())

    @property
    def look_every(self) -> float | None:  # type: ignore[override]
        """The shortest interval that a callback requests, in seconds; `None` without requests."""
        if self._validating:
            return None
        found = [seconds(callback.look_every) for callback in self.callbacks]
        intervals = [interval for interval in found if interval is not None]
        # An interval of 0 means "after each dispatch": it must not make the dispatches shorter.
        return min(
            (interval for interval in intervals if interval), default=0.0 if intervals else None
        )

    @property
    def _validating(self) -> bool:
        # Steps of validation within `fit` are not progress of the epoch.
        return self._fitting and self._testing

    @property
    def history(self) -> History | None:
        """The first History in the list."""
        return next((c for c in self.callbacks if isinstance(c, History)), None)

    def get_state(self) -> dict[str, Any]:
        """Returns the states of the callbacks, by class name with a counter."""
        return {label: _state_of(c) for label, c in self._by_label().items()}

    def unsaved_attributes(self) -> list[str]:
        """Returns the attributes of callbacks that hold data which cannot be saved."""
        return [
            f"{label}.{name}"
            for label, callback in self._by_label().items()
            if getattr(_state_method(callback), "__func__", None) is Callback.get_state
            for name in callback._unsaved_attributes_()
        ]

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the states of callbacks of the same classes, in the same order.

        Warns:
            UserWarning: a state belongs to a callback that is not in the list.
        """
        callbacks = self._by_label()
        for label, callback in callbacks.items():
            if label in state:
                extension_method(callback, Callback, "set_state", 1)(state[label])
        lost = [label for label in state if label not in callbacks and state[label]]
        if lost:
            warnings.warn(
                f"The saved states of these callbacks are ignored, because the callbacks are not "
                f"in the list any more: {printable(', '.join(lost))}.",
                stacklevel=user_stacklevel(),
            )

    def _by_label(self) -> dict[str, Callback]:
        taken: dict[str, int] = {}
        return {
            make_unique(type(callback._state_owner_).__name__, taken): callback
            for callback in self.callbacks
        }

    def _numbered(self) -> list[tuple[int, Callback]]:
        return list(enumerate(self.callbacks))

    # -------------------------------------------------------------------------------------- hooks

    def on_progress(
        self, step: int, steps: int | None, logs: Logs = None, now: float | None = None
    ) -> None:
        """Calls the callbacks whose interval (`look_every`) has passed since their last call.

        Args:
            step, steps, logs: as in `Callback.on_progress`.
            now: the time in seconds, by default that of this process.
        """
        if self._validating:
            return
        now = time.monotonic() if now is None else now
        last = self.model is not None and self.model.stop_training
        for i, callback in self._numbered():
            # Most callbacks have no interval, and this runs after every step.
            every = None if callback.look_every is None else seconds(callback.look_every)
            # When training stops, the last step is reported whatever the interval.
            if every is not None and (last or now - self._last_calls.get(i, -every) >= every):
                extension_method(callback, Callback, "on_progress", 3)(step, steps, logs)
                self._last_calls[i] = now

    def on_train_begin(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        self._fitting = True
        for callback in self.callbacks:
            callback._record_initial_attributes_()
            if isinstance(callback, History):
                # As in Keras, `model.history` is the History of the last `fit`.
                self.model.history = callback
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_end(logs)
        self._fitting = False

    def on_train_exception(self, error: BaseException) -> None:
        """Calls all callbacks."""
        self._fitting = self._testing = False
        for callback in self.callbacks:
            extension_method(callback, Callback, "on_train_exception", 1)(error)

    def on_resume(self, epoch: int, step: int) -> None:
        """Calls all callbacks."""
        self._last_calls.clear()
        for callback in self.callbacks:
            extension_method(callback, Callback, "on_resume", 2)(epoch, step)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        self._last_calls.clear()
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Calls all callbacks with the same dict, to which they may add values."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        self._testing = True
        self._last_calls.clear()
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_end(logs)
        self._testing = False

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        self._last_calls.clear()
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_end(logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls all callbacks."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs)


def _state_method(callback: Callback) -> Callable[[], Any]:
    return extension_method(callback, Callback, "get_state", 0)


def _state_of(callback: Callback) -> dict[str, Any]:
    state = _state_method(callback)()
    # A method of this name that returns something else serves another purpose.
    return state if isinstance(state, dict) else Callback.get_state(callback)


def _flatten(callbacks: Iterable[Any]) -> Iterator[Any]:
    """Yields the callbacks, and those in lists of Keras."""
    for callback in callbacks:
        if is_of_keras(type(callback)) and type(callback).__name__ == "CallbackList":
            yield from callback.callbacks
        else:
            yield callback


# They use members of Keras's models and optimizers that cornu's do not have.
_ONLY_IN_KERAS = frozenset(
    ("BackupAndRestore", "OrbaxCheckpoint", "ProgbarLogger", "SwapEMAWeights", "TensorBoard")
)


def _as_callback(callback: Any) -> Callback:
    """Returns a Callback; one of Keras is wrapped.

    Raises:
        TypeError: it is something else, or a callback that only works within Keras.
    """
    if isinstance(callback, Callback):
        return callback
    bases = [base for base in type(callback).__mro__ if is_of_keras(base)]
    defining = [base for base in bases if hasattr(base, "on_epoch_end")]
    if defining:
        if not _ONLY_IN_KERAS.isdisjoint(base.__name__ for base in bases):
            raise TypeError(
                f"callbacks: {type(callback).__name__} works only within Keras."
                + describe_replacement(callback)
            )
        return ForeignCallback(callback, defining[-1])
    if isinstance(callback, type) and issubclass(callback, Callback):
        raise TypeError(
            f"callbacks: expected Callback objects, received the class {callback.__name__}. "
            f"Pass an instance: {callback.__name__}(...)."
        )
    raise TypeError(
        f"callbacks: expected Callback objects, received {callback!r} (of type "
        f"{type(callback).__name__}). Derive the class from cornu.callbacks.Callback, "
        "or pass functions to LambdaCallback(on_epoch_end=...)."
    )
