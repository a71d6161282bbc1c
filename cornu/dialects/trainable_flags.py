"""The flags `trainable` as they were when a model was compiled, which Keras 1 and 2 trained by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cornu.core.layer.walk import nested_layers

__all__ = ["TrainableFlags"]


class TrainableFlags:
    """The flags of all layers of a model at one time.

    A network that is frozen after it was compiled, such as the discriminator of a GAN, is still
    trained by its own `fit`, but not as a part of a model that is compiled later.

    Args:
        model: the model.
    """

    def __init__(self, model: Any) -> None:
        self._flags = _read_flags([model, *nested_layers(model)])

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Sets the flags to these values inside of a `with` statement."""
        now = _read_flags([layer for layer, _ in self._flags])
        if now == self._flags:
            yield
            return
        _set_flags(self._flags)
        try:
            yield
        finally:
            _set_flags(now)


def _read_flags(layers: list[Any]) -> list[tuple[Any, bool]]:
    return [(layer, layer.trainable) for layer in layers]


def _set_flags(flags: list[tuple[Any, bool]]) -> None:
    # The flag of a model is also set for its layers, which come after it.
    for layer, flag in flags:
        layer.trainable = flag
