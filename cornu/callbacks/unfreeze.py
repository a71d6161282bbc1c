"""Unfreeze: freezes layers until a given epoch."""

from __future__ import annotations

from collections.abc import Mapping

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.trained_model import LayerQuery
from cornu.core.layer.layer import Layer
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["Unfreeze"]


class Unfreeze(Callback):
    """Freezes layers when training begins, and unfreezes them at given epochs.

    When training ends, `trainable` of all layers has its original value. The gradients of frozen
    layers are not computed, and frozen batch normalization uses its moving statistics. The training
    step is compiled again at each stage.

    Args:
        stages: a dict from an epoch (counted from 0) to the layers that are unfrozen at its
            beginning: names, paths, patterns or layers, or lists of these, as in
            `cornu.inspect.find`. All other layers are trained from the first epoch.
        verbose: 1 to print which layers are unfrozen.

    Raises:
        ValueError: an epoch is negative; when training begins, if a name matches no layer.
        TypeError: `stages` is not a dict with integer keys.

    References: Jeremy Howard, Sebastian Ruder (2018), "Universal language model fine-tuning for
        text classification", section 3.3.

    Differences: not in Keras. The layers must be trainable when the optimizer is built, before the
        first `fit`, because the optimizer allocates its state for the trainable weights.

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

    def __init__(self, stages: Mapping[int, LayerQuery], verbose: int = 0) -> None:
        if not isinstance(stages, Mapping) or not all(isinstance(epoch, int) for epoch in stages):
            raise TypeError(
                'Unfreeze: stages must be a dict with epochs as keys, such as {2: "encoder/block_3"'
                f', 4: "encoder"}}. Received: {stages!r}'
            )
        for epoch in stages:
            if epoch < 0:
                raise ValueError(f"Unfreeze: epochs must not be negative. Received: {epoch}")
        self.stages: dict[int, LayerQuery] = dict(sorted(stages.items()))
        self.verbose = verbose
        self._layers: dict[int, list[Layer]] = {}
        self._before: list[tuple[Layer, bool]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Freezes the layers of all stages."""
        self._layers = {epoch: self.model._layers_of_(what) for epoch, what in self.stages.items()}
        found = [layer for layers in self._layers.values() for layer in layers]
        self._before = [(layer, layer.trainable) for layer in found]
        self._freeze_until(-1)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Unfreezes the layers of this epoch."""
        self._freeze_until(epoch)
        if self.verbose and epoch in self.stages:
            console.print(f"Epoch {epoch + 1}: Unfreeze now trains {self.stages[epoch]!r}")

    def _freeze_until(self, epoch: int) -> None:
        # A layer that several stages match is unfrozen by the first of them.
        due = {id(layer) for e, found in self._layers.items() if e <= epoch for layer in found}
        for layer, trainable in self._before:
            layer.trainable = trainable and id(layer) in due

    def on_train_end(self, logs: Logs = None) -> None:
        """Restores `trainable` of all layers."""
        for layer, trainable in self._before:
            layer.trainable = trainable
        self._before = []

    def on_train_exception(self, error: BaseException) -> None:
        """Restores `trainable` of all layers."""
        self.on_train_end()
