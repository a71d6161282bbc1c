"""Recomputes the moving statistics of batch normalization."""

from __future__ import annotations

import math

import numpy as np

from cornu import tree
from cornu.callbacks.shared.nested_layers import find_layers
from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.data import adapt, is_batched
from cornu.layers import BatchNormalization
from cornu.types import PyTree

__all__ = ["has_batch_norm", "update_batch_norm"]

_FAR = 1e6  # an initial value far from the statistics of any batch


def has_batch_norm(model: TrainedModel) -> bool:
    """Returns whether training updates the moving statistics of at least one layer."""
    return bool(_find_batch_norms(model))


def update_batch_norm(model: TrainedModel, x: PyTree, batch_size: int = 32) -> None:
    """Sets the moving statistics of all batch normalization layers to those of a dataset.

    With mean m_b and variance v_b of batch b, and expectations weighted by the size of a batch,

        moving_mean = E[m_b],    moving_variance = E[v_b + m_b^2] - E[m_b]^2

    This takes one pass over the data, in training mode: the inputs of a layer are normalized by the
    statistics of the batch in the layers before it. Frozen layers and layers with `momentum=1` do
    not change.

    Args:
        model: a built model.
        x: inputs: an array, a structure of arrays, or an iterable of batches (of inputs, or of
            tuples that begin with inputs).
        batch_size: the batch size, if `x` consists of arrays.

    Raises:
        ValueError: there are no batches. The statistics do not change then.

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
    layers = [_LayerStatistics(layer) for layer in _find_batch_norms(model)]
    if not layers:
        return
    source = adapt(x, batch_size=None if is_batched(x) else batch_size)
    before = [layer.read() for layer in layers]
    rows = 0
    try:
        for inputs, _, _ in source.batches():
            if not rows:
                _measure_shares(layers, model, inputs)
            for layer in layers:
                layer.fill(0.0)
            model(inputs, training=True)
            count = tree.leaves(inputs)[0].shape[0]
            rows += count
            for layer in layers:
                layer.add_batch(count, rows)
        if not rows:
            raise ValueError("update_batch_norm: x contains no batches.")
    except BaseException:
        for layer, values in zip(layers, before, strict=True):
            layer.assign(*values)
        raise
    for layer in layers:
        layer.finish()


def _measure_shares(layers: list[_LayerStatistics], model: TrainedModel, inputs: PyTree) -> None:
    """Measures the weight of one batch in the moving averages of each layer.

    It is `1 - momentum` for a layer that is called once; a shared layer is called several times per
    batch. The averages are linear in their initial value, so that two initial values suffice.
    """
    ends = []
    for start in (0.0, _FAR):
        for layer in layers:
            layer.fill(start)
        model(inputs, training=True)
        ends.append([layer.read()[0] for layer in layers])
    for layer, low, high in zip(layers, *ends, strict=True):
        layer.set_share(float(np.mean(high - low)) / _FAR)


class _LayerStatistics:
    """The moving averages of one layer, and its statistics over the batches so far."""

    def __init__(self, layer: BatchNormalization) -> None:
        self._layer = layer
        self._spread = layer.moving_stddev if layer.renorm else layer.moving_variance
        self._share = 1.0 - layer.momentum
        self._mean: np.ndarray | float = 0.0
        self._square: np.ndarray | float = 0.0

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the moving averages of the mean, and of the variance or standard deviation."""
        return (
            self._layer.moving_mean.numpy().astype("float64"),
            self._spread.numpy().astype("float64"),
        )

    def assign(self, mean: np.ndarray, spread: np.ndarray) -> None:
        """Sets the moving averages."""
        self._layer.moving_mean.assign(mean)
        self._spread.assign(spread)

    def fill(self, value: float) -> None:
        """Sets all moving averages to a number."""
        shape = self._spread.shape
        self.assign(np.full(shape, value), np.full(shape, value))

    def set_share(self, left: float) -> None:
        """Sets the weight of a batch, given the rest: `momentum ** calls` of the initial value."""
        momentum = self._layer.momentum
        if 0 < momentum:
            calls = max(1, round(math.log(max(left, 1e-30)) / math.log(momentum)))
            self._share = 1.0 - momentum**calls

    def add_batch(self, count: int, rows: int) -> None:
        """Adds a batch of `count` rows, after which there are `rows` rows in total."""
        # Starting at 0, the moving averages are the statistics of the batch times their weight.
        mean, spread = (value / self._share for value in self.read())
        variance = spread**2 - self._layer.epsilon if self._layer.renorm else spread
        self._mean += (mean - self._mean) * (count / rows)
        self._square += (variance + mean**2 - self._square) * (count / rows)

    def finish(self) -> None:
        """Assigns the statistics over all batches to the layer."""
        variance = np.maximum(self._square - self._mean**2, 0.0)
        self._layer.moving_variance.assign(variance)
        spread = np.sqrt(variance + self._layer.epsilon) if self._layer.renorm else variance
        self.assign(np.asarray(self._mean), np.asarray(spread))


def _find_batch_norms(model: TrainedModel) -> list[BatchNormalization]:
    return [
        layer
        for layer in find_layers(model, BatchNormalization)
        if layer.built and layer.trainable and layer.momentum < 1
    ]
