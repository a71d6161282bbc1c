"""The statistics of batch normalization, computed anew from data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cornu import tree
from cornu.callbacks.shared.nested_layers import layers_within
from cornu.data import adapt, is_batched
from cornu.layers import BatchNormalization

__all__ = ["has_batch_norm", "update_batch_norm"]

_FAR = 1e6  # a start that no statistics of a batch come near


def has_batch_norm(model: Any) -> bool:
    """Tells whether a layer keeps statistics of batches that training moves."""
    return bool(_found(model))


def update_batch_norm(model: Any, x: Any, batch_size: int = 32) -> None:
    """Sets means and variances of all batch normalizations to those of data, in one pass over it.

    With m_b and v_b of batch b, each counted by its rows,

        moving_mean = E[m_b],    moving_variance = E[v_b + m_b^2] - E[m_b]^2

    The model is called as in training, so that each layer sees what those before it normalize by
    their batches. Frozen layers, and those with `momentum=1`, stay as they are.

    Args:
        model: a built model.
        x: inputs: an array, a structure of arrays, or an iterable of batches (of inputs, or of
            tuples that begin with them).
        batch_size: rows of a batch, if `x` is made of arrays.

    Raises:
        ValueError: there are no batches. The statistics are what they were.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.BatchNormalization()])
    >>> update_batch_norm(model, np.array([[0.0], [2.0], [4.0], [6.0]]), batch_size=2)
    >>> [round(float(v.numpy()[0]), 4) for v in model.non_trainable_variables]
    [3.0, 5.0]

    References: Izmailov et al., 2018, "Averaging Weights Leads to Wider Optima and Better
    Generalization", section 3.2.
    """
    kept = [_Kept(layer) for layer in _found(model)]
    if not kept:
        return
    source = adapt(x, batch_size=None if is_batched(x) else batch_size)
    before = [one.values() for one in kept]
    rows = 0
    try:
        for inputs, _, _ in source.batches():
            if not rows:
                _find_shares(kept, model, inputs)
            for one in kept:
                one.start(0.0)
            model(inputs, training=True)
            count = tree.leaves(inputs)[0].shape[0]
            rows += count
            for one in kept:
                one.add(count, rows)
        if not rows:
            raise ValueError("update_batch_norm: x has no batches.")
    except BaseException:
        for one, values in zip(kept, before, strict=True):
            one.assign(*values)
        raise
    for one in kept:
        one.finish()


def _find_shares(kept: list[_Kept], model: Any, inputs: Any) -> None:
    """Finds what part of the averages a batch makes up, for layers that are used several times."""
    ends = []
    for start in (0.0, _FAR):
        for one in kept:
            one.start(start)
        model(inputs, training=True)
        ends.append([one.values()[0] for one in kept])
    for one, low, high in zip(kept, *ends, strict=True):
        one.find_share(float(np.mean(high - low)) / _FAR)


class _Kept:
    """The averages that one layer keeps, and the statistics found so far."""

    def __init__(self, layer: BatchNormalization) -> None:
        self._layer = layer
        self._spread = layer.moving_stddev if layer.renorm else layer.moving_variance
        self._share = 1.0 - layer.momentum
        self._mean: Any = 0.0
        self._square: Any = 0.0

    def values(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the averages of the mean, and of the variance or standard deviation."""
        return (
            self._layer.moving_mean.numpy().astype("float64"),
            self._spread.numpy().astype("float64"),
        )

    def assign(self, mean: Any, spread: Any) -> None:
        """Sets the averages."""
        self._layer.moving_mean.assign(mean)
        self._spread.assign(spread)

    def start(self, value: float) -> None:
        """Sets all averages to a number."""
        shape = self._spread.shape
        self.assign(np.full(shape, value), np.full(shape, value))

    def find_share(self, left: float) -> None:
        """Takes what part of the averages was left after a batch: momentum ** uses."""
        momentum = self._layer.momentum
        if 0 < momentum:
            uses = max(1, round(math.log(max(left, 1e-30)) / math.log(momentum)))
            self._share = 1.0 - momentum**uses

    def add(self, count: int, rows: int) -> None:
        """Adds a batch: from 0 the averages came as near to its statistics as their share."""
        mean, spread = (value / self._share for value in self.values())
        variance = spread**2 - self._layer.epsilon if self._layer.renorm else spread
        self._mean += (mean - self._mean) * (count / rows)
        self._square += (variance + mean**2 - self._square) * (count / rows)

    def finish(self) -> None:
        """Gives the layer the statistics of all batches."""
        variance = np.maximum(self._square - self._mean**2, 0.0)
        self._layer.moving_variance.assign(variance)
        spread = np.sqrt(variance + self._layer.epsilon) if self._layer.renorm else variance
        self.assign(self._mean, spread)


def _found(model: Any) -> list[BatchNormalization]:
    return [
        layer
        for layer in layers_within(model, BatchNormalization)
        if layer.built and layer.trainable and layer.momentum < 1
    ]
