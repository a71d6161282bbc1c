"""LambdaCallback: a callback made from functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.errors import suggest

__all__ = ["LambdaCallback"]

_HOOKS = tuple(name for name in vars(Callback).copy() if name.startswith("on_"))


class LambdaCallback(Callback):
    """Calls functions in place of the methods of a callback.

    Args:
        on_epoch_begin, on_epoch_end: called with `(epoch, logs)`.
        on_train_begin, on_train_end: called with `(logs)`.
        on_train_batch_begin, on_train_batch_end: called with `(batch, logs)`.
        **kwargs: functions for the other `on_...` methods of `Callback`, by name; anything else
            becomes an attribute.

    Raises:
        TypeError: a keyword begins with `on_` and is not the name of such a method.

    Example:

    >>> losses = []
    >>> watch = LambdaCallback(on_epoch_end=lambda epoch, logs: losses.append(logs["loss"]))
    >>> watch.on_epoch_end(0, {"loss": 0.5})
    >>> losses
    [0.5]
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in functions.items():
            is_hook = name in _HOOKS
            if name.startswith("on_") and not is_hook:
                raise TypeError(
                    f"LambdaCallback: unexpected keyword argument {name!r}. {suggest(name, _HOOKS)}"
                )
            # As in Keras, other keyword arguments become attributes.
            if function is not None or not is_hook:
                setattr(self, name, function)
