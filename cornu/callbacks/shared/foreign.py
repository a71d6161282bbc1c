"""ForeignCallback: calls a callback that is derived from the Callback of an installed Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.trained_model import TrainedModel

__all__ = ["ForeignCallback"]


class ForeignCallback(Callback):
    """Passes the calls of the methods that Keras defines to another callback.

    Args:
        callback: a callback with the methods of Keras.
        base: the class of Keras that defines the methods, which do nothing there.
    """

    def __init__(self, callback: Any, base: type) -> None:
        self.callback = callback
        self._base = base

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets `params`, also of the callback."""
        super().set_params(params)
        self.callback.set_params(params)

    def set_model(self, model: TrainedModel) -> None:
        """Sets the model, also of the callback."""
        super().set_model(model)
        self.callback.set_model(model)

    def _overrides_(self, hook: str) -> bool:
        defined: Any = getattr(type(self.callback), hook, None)
        return hook in vars(self.callback) or defined is not getattr(self._base, hook, None)

    @property
    def _state_owner_(self) -> Any:
        """The callback of Keras."""
        return self.callback


def _forwarded(name: str) -> Callable[..., None]:
    def hook(self: ForeignCallback, *args: Any) -> None:
        getattr(self.callback, name)(*args)

    hook.__name__ = name
    return hook


# Not the methods that only callbacks of cornu have, such as `on_progress`.
for _phase in ("epoch", "batch", "train", "test", "predict"):
    for _suffix in ("begin", "end", "batch_begin", "batch_end"):
        if hasattr(Callback, f"on_{_phase}_{_suffix}"):
            setattr(ForeignCallback, f"on_{_phase}_{_suffix}", _forwarded(f"on_{_phase}_{_suffix}"))
