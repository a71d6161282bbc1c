"""The models, their data and the weights they start from: the same for every peer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CNN", "MLP", "Case", "resnet50"]

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A model with the data it is trained on.

    Attributes:
        draw: makes the model with the module it is given, cornu or keras.
        shape: of one input; batch_size: rows of a batch.
        weights: the shapes of the weights, in the order of the layers, kernels before biases.
    """

    draw: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch_size: int
    weights: tuple[tuple[int, ...], ...]

    def data(self, batches: int) -> tuple[Array, Array]:
        """Returns random inputs, and labels that a linear teacher gave, a fifth of them wrong."""
        rng = np.random.default_rng(0)
        rows = batches * self.batch_size
        x = rng.normal(size=(rows, *self.shape)).astype("float32")
        teacher = rng.normal(size=(math.prod(self.shape), 10)).astype("float32")
        labels = (x.reshape(rows, -1) @ teacher).argmax(-1)
        wrong = rng.random(rows) < 0.2
        return x, np.where(wrong, rng.integers(0, 10, rows), labels).astype("int32")

    def start(self) -> list[Array]:
        """Returns the weights before training: Glorot's uniform kernels, biases of zero."""
        rng = np.random.default_rng(1)
        return [_glorot(rng, shape) for shape in self.weights]


def _glorot(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    if len(shape) == 1:
        return np.zeros(shape, "float32")
    *window, fan_in, fan_out = shape
    limit = math.sqrt(6 / (math.prod(window) * (fan_in + fan_out)))
    return rng.uniform(-limit, limit, shape).astype("float32")


def _mlp(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((784,)),
            k.layers.Dense(64, activation="relu"),
            k.layers.Dense(64, activation="relu"),
            k.layers.Dense(10, activation="softmax"),
        ]
    )


def _cnn(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((28, 28, 1)),
            k.layers.Conv2D(32, 3, activation="relu"),
            k.layers.MaxPooling2D(2),
            k.layers.Conv2D(64, 3, activation="relu"),
            k.layers.MaxPooling2D(2),
            k.layers.Flatten(),
            k.layers.Dropout(0.5),
            k.layers.Dense(10, activation="softmax"),
        ]
    )


def resnet50(k: Any) -> Any:
    """Returns a ResNet-50 with random weights."""
    return k.applications.ResNet50(weights=None)


MLP = Case(
    _mlp,
    shape=(784,),
    batch_size=32,
    weights=((784, 64), (64,), (64, 64), (64,), (64, 10), (10,)),
)
CNN = Case(
    _cnn,
    shape=(28, 28, 1),
    batch_size=128,
    weights=((3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (1600, 10), (10,)),
)
