"""Unfreeze: parts of a model that are trained from some epoch on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console

__all__ = ["Unfreeze"]


class Unfreeze(Callback):
    """Freezes parts of a model when training begins, and lets go of them epoch by epoch.

    When training ends, all layers are as trainable as they were before. While a part is frozen it
    costs no time for gradients, and its batch normalization uses what it knows. Each stage is a
    program of its own, which is compiled when it begins.

    Args:
        stages: what is trained from an epoch on (counted from 0): names, paths, patterns or
            layers, or lists of these, as in `cornu.inspect.find`. What none of them means is
            trained from the beginning.
        verbose: 1 to say what is trained from now on.

    Raises:
        ValueError: an epoch is below 0; when training begins, if a name means nothing.
        TypeError: `stages` is no dict by epochs.

    References: Jeremy Howard, Sebastian Ruder (2018), "Universal language model fine-tuning for
        text classification", section 3.3.

    Differences: not in Keras. The layers must be trainable where the optimizer is built (before
        the first `fit`), since it has to know their weights.

    Example:

    >>> import cornu, numpy as np
    >>> encoder = cornu.layers.Dense(4, name="encoder")
    >>> model = cornu.Sequential([cornu.Input((2,)), encoder, cornu.layers.Dense(1, name="head")])
    >>> model.compile("adam", "mse")
    >>> before, stages = encoder.get_weights()[0], Unfreeze({1: "encoder"})
    >>> x, y = np.random.default_rng(0).normal(size=(8, 2)), np.ones((8, 1))
    >>> _ = model.fit(x, y, epochs=1, verbose=0, callbacks=[stages])
    >>> bool((encoder.get_weights()[0] == before).all()), encoder.trainable
    (True, True)
    >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[stages])
    >>> bool((encoder.get_weights()[0] == before).all())
    False
    """

    def __init__(self, stages: Mapping[int, Any], verbose: int = 0) -> None:
        if not isinstance(stages, Mapping) or not all(isinstance(epoch, int) for epoch in stages):
            raise TypeError(
                'Unfreeze: stages are a dict by epochs, such as {2: "encoder/block_3", 4: '
                f'"encoder"}}. Received: {stages!r}'
            )
        for epoch in stages:
            if epoch < 0:
                raise ValueError(f"Unfreeze: epochs are counted from 0. Received: {epoch}")
        self.stages = dict(sorted(stages.items()))
        self.verbose = verbose
        self._layers: dict[int, list[Any]] = {}
        self._before: list[tuple[Any, bool]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Freezes all that is to wait."""
        self._layers = {epoch: self.model.layers_of(what) for epoch, what in self.stages.items()}
        found = [layer for layers in self._layers.values() for layer in layers]
        self._before = [(layer, layer.trainable) for layer in found]
        self._freeze_until(-1)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Lets go of what is due."""
        self._freeze_until(epoch)
        if self.verbose and epoch in self.stages:
            console.say(f"Epoch {epoch + 1}: Unfreeze trains {self.stages[epoch]!r}, too")

    def _freeze_until(self, epoch: int) -> None:
        # What several stages mean is trained from the first of them on.
        due = {id(layer) for e, found in self._layers.items() if e <= epoch for layer in found}
        for layer, trainable in self._before:
            layer.trainable = trainable and id(layer) in due

    def on_train_end(self, logs: Any = None) -> None:
        """Makes all layers as trainable as they were."""
        for layer, trainable in self._before:
            layer.trainable = trainable
        self._before = []

    def on_train_exception(self, error: BaseException) -> None:
        """Makes all layers as trainable as they were."""
        self.on_train_end()
