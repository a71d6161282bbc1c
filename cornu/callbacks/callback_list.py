"""CallbackList: many callbacks called as one."""

from __future__ import annotations

import time
import warnings
from typing import Any

from cornu import tree
from cornu.callbacks.callback import Callback, Step
from cornu.callbacks.history import History
from cornu.callbacks.progbar_logger import ProgbarLogger
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.names import make_unique

__all__ = ["CallbackList"]


class CallbackList(Callback):
    """Calls several callbacks in their order, each moment only where it can matter.

    Args:
        callbacks: a callback or nested lists of them.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: the model they belong to.
        **params: `verbose`, `epochs` and `steps`.

    Raises:
        TypeError: something is no Callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Callback] = [] if callbacks is None else tree.leaves(callbacks)
        for callback in self.callbacks:
            _check(callback)
        if add_history and not self._holds(History):
            self.callbacks.append(History())
        if add_progbar and not self._holds(ProgbarLogger):
            self.callbacks.append(ProgbarLogger())
        self._fitting = False
        self._testing = False
        self._looked: dict[int, float] = {}
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _holds(self, kind: type[Callback]) -> bool:
        return any(isinstance(callback, kind) for callback in self.callbacks)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands the parameters of the run on."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hands the model on."""
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    # -------------------------------------------------------------------------- who wants what

    def batch_hooks(self) -> frozenset[str]:
        """Returns the names of the batch methods that one of the callbacks overrides."""
        return frozenset().union(*(callback.batch_hooks() for callback in self.callbacks))

    @property
    def around(self) -> list[Callback]:
        """The callbacks that put something around each training step."""
        own = Callback.around_step
        return [c for c in self.callbacks if type(c).around_step is not own]

    def around_step(self, step: Step) -> Step:
        """Returns a training step with all that is around it; the first callback is outermost."""
        for callback in reversed(self.around):
            step = callback.around_step(step)
        return step

    @property
    def variables(self) -> list[Variable]:  # type: ignore[override]
        """The Variables of what is around each step."""
        return [variable for callback in self.around for variable in callback.variables]

    @property
    def train_batch_hooks(self) -> bool:
        """Whether a callback is to be called before or after every training step."""
        return self._hooked("train")

    @property
    def test_batch_hooks(self) -> bool:
        """Whether a callback is to be called before or after every step of evaluation."""
        return self._hooked("test")

    @property
    def predict_batch_hooks(self) -> bool:
        """Whether a callback is to be called before or after every step of prediction."""
        return self._hooked("predict")

    def _hooked(self, phase: str) -> bool:
        return any(hook.startswith(f"on_{phase}_") for hook in self.batch_hooks())

    @property
    def look_every(self) -> float | None:  # type: ignore[override]
        """The shortest time between two looks, in seconds; `None` if nobody looks."""
        if self._validating:
            return None
        wishes = [c.look_every for c in self.callbacks if c.look_every is not None]
        # Who wants to look whenever there is a chance makes none.
        return min((wish for wish in wishes if wish), default=0.0 if wishes else None)

    @property
    def _validating(self) -> bool:
        # Validation inside `fit` is silent: its steps are no progress of the epoch.
        return self._fitting and self._testing

    @property
    def history(self) -> History | None:
        """The first History."""
        return next((c for c in self.callbacks if isinstance(c, History)), None)

    def get_state(self) -> dict[str, Any]:
        """Returns the states of the callbacks, by class and number."""
        return {label: callback.get_state() for label, callback in self._labelled().items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Hands the states back to callbacks of the same classes in the same order.

        Warns:
            UserWarning: there are states of other callbacks.
        """
        labelled = self._labelled()
        for label, callback in labelled.items():
            if label in state:
                callback.set_state(state[label])
        lost = [label for label in state if label not in labelled and state[label]]
        if lost:
            warnings.warn(
                f"The states of callbacks that are not there any more are left: {', '.join(lost)}.",
                stacklevel=user_stacklevel(),
            )

    def _labelled(self) -> dict[str, Callback]:
        taken: dict[str, int] = {}
        return {
            make_unique(type(callback).__name__, taken): callback for callback in self.callbacks
        }

    def _numbered(self) -> list[tuple[int, Callback]]:
        return list(enumerate(self.callbacks))

    # -------------------------------------------------------------------------------- the moments

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Calls those who want to look and have not done so for the time that they want."""
        if self._validating:
            return
        now = time.monotonic()
        last = self.model is not None and self.model.stop_training
        for i, callback in self._numbered():
            wish = callback.look_every
            if wish is not None and (last or now - self._looked.get(i, -wish) >= wish):
                callback.on_progress(step, steps, logs)
                self._looked[i] = now

    def on_train_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._fitting = True
        for callback in self.callbacks:
            callback.remember_beginning()
            if isinstance(callback, History):
                self.model.history = callback
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_train_end(logs)
        self._fitting = False

    def on_train_exception(self, error: BaseException) -> None:
        """Calls all."""
        self._fitting = self._testing = False
        for callback in self.callbacks:
            callback.on_train_exception(error)

    def on_resume(self, epoch: int, step: int) -> None:
        """Calls all."""
        self._looked.clear()
        for callback in self.callbacks:
            callback.on_resume(epoch, step)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Calls all."""
        self._looked.clear()
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Calls all, with one dict that they may add to."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._testing = True
        self._looked.clear()
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_test_end(logs)
        self._testing = False

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Calls all."""
        self._looked.clear()
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_predict_end(logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls all."""
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs)


def _check(callback: Any) -> None:
    if isinstance(callback, type) and issubclass(callback, Callback):
        raise TypeError(
            f"callbacks: received the class {callback.__name__}. "
            f"Write {callback.__name__}(), with its arguments."
        )
    if not isinstance(callback, Callback):
        raise TypeError(
            f"callbacks: expected Callback objects, received {callback!r} (of type "
            f"{type(callback).__name__}). Make your class a subclass of cornu.callbacks.Callback, "
            "or wrap functions in LambdaCallback(on_epoch_end=...)."
        )
