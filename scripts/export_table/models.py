"""The models of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cornu
from cornu import layers

__all__ = ["MODELS", "build"]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def tokens(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, shape).astype("int32")


def convolutional() -> Any:
    image = cornu.Input((32, 32, 3), name="image")
    x = image
    for width in (32, 64, 128):
        x = layers.BatchNormalization()(layers.Conv2D(width, 3, activation="relu")(x))
        x = layers.MaxPooling2D(2)(x)
    return cornu.Model(image, layers.Dense(10, "softmax")(layers.Flatten()(x)))


def masked_lstm() -> Any:
    words = cornu.Input((None,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 32, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(32, return_sequences=True))(x)
    return cornu.Model(words, layers.Dense(2)(layers.LSTM(32)(x)))


def transformer() -> Any:
    def block(x: Any) -> Any:
        x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 16)(x, x))
        return layers.LayerNormalization()(x + layers.Dense(64)(layers.Dense(256, "gelu")(x)))

    words = cornu.Input((32,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 64)(words)
    for _ in range(4):
        x = block(x)
    return cornu.Model(words, x)


def several() -> Any:
    image, table = cornu.Input((16, 16, 3), name="image"), cornu.Input((5,), name="table")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    x = layers.Concatenate()([x, layers.Dense(8)(table)])
    return cornu.Model([image, table], {"kind": layers.Dense(3)(x), "size": layers.Dense(1)(x)})


def network(name: str) -> Callable[[], Any]:
    def make() -> Any:
        # Probabilities of a thousand classes would be too small for a comparison.
        options = {"weights": None, "input_shape": (128, 128, 3), "classifier_activation": None}
        return getattr(cornu.applications, name)(**options)

    return make


MODELS: dict[str, tuple[Callable[[], Any], Callable[[], list[np.ndarray]]]] = {
    "ResNet50": (network("ResNet50"), lambda: [normal(2, 128, 128, 3)]),
    "EfficientNetB0": (network("EfficientNetB0"), lambda: [normal(2, 128, 128, 3)]),
    "CNN": (convolutional, lambda: [normal(2, 32, 32, 3)]),
    "LSTM with masks": (masked_lstm, lambda: [tokens(4, 20)]),
    "Transformer": (transformer, lambda: [tokens(4, 32)]),
    "several inputs and outputs": (several, lambda: [normal(2, 16, 16, 3), normal(2, 5)]),
}


def build(name: str) -> tuple[Any, dict[str, np.ndarray]]:
    """Returns a model, whose weights are not at their initial values, and its inputs by name."""
    cornu.utils.set_random_seed(0)
    make, data = MODELS[name]
    model = make()
    rng = np.random.default_rng(1)
    model.set_weights([_moved(np.asarray(v.value), rng) for v in model.weights])
    return model, dict(zip(model.functional_graph.input_names, data(), strict=True))


def _moved(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    # Vectors are biases, and the parameters of normalizations, which begin as zeros and ones.
    return array + rng.uniform(0.01, 0.1, array.shape) if array.ndim == 1 else array
