"""The models of the tables: an MLP, a ResNet with batch normalization and a Transformer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import cornu
from cornu import layers as L

__all__ = ["DEEP_MODELS", "MODELS", "deep_mlp", "mlp", "resnet", "transformer"]

Case = tuple[Any, np.ndarray, np.ndarray, Any]


def mlp(width: int = 64, rows: int = 64) -> Case:
    """Returns a compiled classifier with dropout and batch normalization, x, y and the loss."""
    model = cornu.Sequential(
        [
            cornu.Input((width,)),
            L.Dense(2 * width, activation="relu"),
            L.Dropout(0.1),
            L.Dense(width, activation="relu"),
            L.BatchNormalization(),
            L.Dense(2 * width, activation="gelu"),
            L.Dense(8),
        ]
    )
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, width)).astype("float32")
    y = numbers.integers(8, size=rows)
    return model, x, y, cornu.losses.SparseCategoricalCrossentropy(from_logits=True)


def dense_block(x: Any, width: int) -> Any:
    y = L.Dense(width, activation="gelu")(L.LayerNormalization()(x))
    return x + L.Dropout(0.1)(y)


def deep_mlp(width: int = 64, blocks: int = 8, rows: int = 64) -> Case:
    """Returns a classifier of equal blocks with dropout, x, y and the loss."""
    x = inputs = cornu.Input((width,))
    for _ in range(blocks):
        x = dense_block(x, width)
    _, x_data, y, loss = mlp(width, rows)
    return cornu.Model(inputs, L.Dense(8)(x)), x_data, y, loss


def residual_block(x: Any, filters: int) -> Any:
    y = L.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    y = L.ReLU()(L.BatchNormalization()(y))
    y = L.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    return L.ReLU()(x + L.BatchNormalization()(y))


def resnet(filters: int = 16, blocks: int = 2, rows: int = 32) -> Case:
    """Returns a ResNet for images of 8 x 8, x, y and the loss."""
    inputs = cornu.Input((8, 8, 3))
    x = L.Conv2D(filters, 3, padding="same", activation="relu")(inputs)
    for _ in range(blocks):
        x = residual_block(x, filters)
    model = cornu.Model(inputs, L.Dense(8)(L.GlobalAveragePooling2D()(x)))
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(rows, 8, 8, 3)).astype("float32")
    y = numbers.integers(8, size=rows)
    return model, x, y, cornu.losses.SparseCategoricalCrossentropy(from_logits=True)


def transformer_block(x: Any, width: int) -> Any:
    y = L.LayerNormalization()(x)
    x = x + L.Dropout(0.1)(L.MultiHeadAttention(8, width // 8)(y, y, use_causal_mask=True))
    y = L.Dense(4 * width, activation="gelu")(L.LayerNormalization()(x))
    return x + L.Dropout(0.1)(L.Dense(width)(y))


def transformer(width: int = 32, blocks: int = 2, rows: int = 16, length: int = 16) -> Case:
    """Returns a language model of 64 tokens, x, y and the loss."""
    tokens = cornu.Input((length,), dtype="int32")
    x = L.Embedding(64, width)(tokens)
    for _ in range(blocks):
        x = transformer_block(x, width)
    model = cornu.Model(tokens, L.Dense(64)(L.LayerNormalization()(x)))
    x = np.random.default_rng(0).integers(64, size=(rows, length + 1)).astype("int32")
    return (
        *(model, x[:, :-1], x[:, 1:]),
        cornu.losses.SparseCategoricalCrossentropy(from_logits=True),
    )


MODELS: dict[str, Callable[..., Case]] = {
    "MLP": mlp,
    "ResNet": resnet,
    "Transformer": transformer,
}

# Models of eight equal blocks, which may be the stages of a pipeline.
DEEP_MODELS: dict[str, Callable[..., Case]] = {
    "deep MLP": deep_mlp,
    "deep Transformer": partial(transformer, blocks=8),
}
