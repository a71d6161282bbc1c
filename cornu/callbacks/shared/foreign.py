"""ForeignCallback: calls a callback that is derived from the Callback of an installed Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.callbacks.callback import Callback, is_restorable, plain_attributes
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

    def get_state(self) -> dict[str, Any]:
        """Returns the attributes of the callback that are plain data."""
        return plain_attributes(self.callback)

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        kept = {name: state[name] for name in state if is_restorable(self.callback, name)}
        vars(self.callback).update(kept)


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
