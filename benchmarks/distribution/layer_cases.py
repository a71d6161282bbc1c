"""Layers of every kind, whose steps are divided among devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import cornu
from benchmarks.distribution.runs import count_collectives
from cornu import layers as L

__all__ = ["LAYERS", "train_with"]


class SelfAttention(L.Layer):
    """Attention with dropout, whose queries are its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = L.MultiHeadAttention(4, 4, dropout=0.1)

    def call(self, x: Any) -> Any:
        return self.attention(x, x, use_causal_mask=True)


IMAGES, STEPS, FEATURES = (8, 8, 4), (6, 8), (16,)
# Name -> the shape of a row of x, and the layers before the last one.
LAYERS: dict[str, tuple[Sequence[int], Callable[[], list[Any]]]] = {
    "Dense, Dropout": (
        FEATURES,
        lambda: [L.Dense(32, activation="relu"), L.Dropout(0.5)],
    ),
    "GaussianNoise, GaussianDropout, AlphaDropout": (
        FEATURES,
        lambda: [L.GaussianNoise(0.1), L.GaussianDropout(0.2), L.AlphaDropout(0.1)],
    ),
    "Conv2D, MaxPooling2D, Dropout": (
        IMAGES,
        lambda: [L.Conv2D(8, 3), L.ReLU(), L.MaxPooling2D(2), L.Dropout(0.2), L.Flatten()],
    ),
    "Conv2DTranspose, UpSampling2D, AveragePooling2D": (
        IMAGES,
        lambda: [
            *(L.Conv2DTranspose(8, 3), L.UpSampling2D(), L.AveragePooling2D(2)),
            L.GlobalAveragePooling2D(),
        ],
    ),
    "DepthwiseConv2D, SeparableConv2D, SpatialDropout2D": (
        IMAGES,
        lambda: [
            *(L.DepthwiseConv2D(3), L.SeparableConv2D(8, 3), L.SpatialDropout2D(0.2)),
            L.GlobalMaxPooling2D(),
        ],
    ),
    "BatchNormalization": (
        IMAGES,
        lambda: [L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling2D()],
    ),
    "GroupNormalization, LayerNormalization, RMSNormalization": (
        IMAGES,
        lambda: [
            *(L.GroupNormalization(2), L.LayerNormalization(), L.RMSNormalization()),
            L.GlobalAveragePooling2D(),
        ],
    ),
    "LSTM, GRU, SimpleRNN": (
        STEPS,
        lambda: [
            *(L.LSTM(16, return_sequences=True), L.GRU(16, return_sequences=True)),
            L.SimpleRNN(8),
        ],
    ),
    "Bidirectional LSTM with recurrent dropout": (
        STEPS,
        lambda: [L.Bidirectional(L.LSTM(8, dropout=0.1, recurrent_dropout=0.1))],
    ),
    "MultiHeadAttention": (
        STEPS,
        lambda: [SelfAttention(), L.LayerNormalization(), L.GlobalAveragePooling1D()],
    ),
    "Conv1D": (STEPS, lambda: [L.Conv1D(8, 3, activation="gelu"), L.GlobalAveragePooling1D()]),
    "RandomFlip, RandomRotation, RandomZoom, RandomContrast": (
        (8, 8, 3),
        lambda: [
            *(L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomContrast(0.2)),
            *(L.Conv2D(4, 3), L.GlobalAveragePooling2D()),
        ],
    ),
}


def train_with(name: str, distribution: Any) -> tuple[np.ndarray, Counter[str]]:
    """Trains a model for three steps.

    Args:
        name: a key of `LAYERS`.
        distribution: the argument of `compile`; None for one device.

    Returns:
        The losses, and the number of operations of a step that exchange data, by kind.
    """
    shape, make = LAYERS[name]
    cornu.utils.set_random_seed(0)
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(16, *shape)).astype("float32")
    y = numbers.normal(size=(16, 4)).astype("float32")
    model = cornu.Sequential([cornu.Input(shape), *make(), L.Dense(4)])
    model.compile(cornu.optimizers.SGD(0.01), "mse", distribution=distribution)
    losses = [model.train_on_batch(x, y) for _ in range(3)]
    return np.array(losses), count_collectives(model, (x, y, None))
