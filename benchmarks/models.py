"""The models, their data and the weights they start from: the same for every peer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CASES", "CNN", "LSTM", "MLP", "RESNET18", "TRANSFORMER", "Case", "resnet50"]

Array = np.ndarray
Shapes = tuple[tuple[int, ...], ...]

WIDTHS = (64, 128, 256, 512)  # of ResNet-18
HEADS, WIDTH, HIDDEN, DEPTH = 4, 128, 512, 2  # of the Transformer


@dataclass(frozen=True)
class Case:
    """A model with the data it is trained on.

    Attributes:
        construct: constructs the model with the module it is given, cornu or keras.
        shape: of one input; batch_size: rows of a batch.
        weights: the shapes of the weights of each layer, in Keras's order.
    """

    construct: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch_size: int
    weights: Mapping[str, Shapes]

    def data(self, batches: int) -> tuple[Array, Array]:
        """Returns random inputs, and labels of a linear teacher, a fifth of them wrong."""
        rng = np.random.default_rng(0)
        rows = batches * self.batch_size
        x = rng.normal(size=(rows, *self.shape)).astype("float32")
        teacher = rng.normal(size=(math.prod(self.shape), 10)).astype("float32")
        labels = (x.reshape(rows, -1) @ teacher).argmax(-1)
        wrong = rng.random(rows) < 0.2
        return x, np.where(wrong, rng.integers(0, 10, rows), labels).astype("int32")

    def start(self) -> dict[str, list[Array]]:
        """Returns the weights before training: Glorot's uniform kernels, biases of zero."""
        rng = np.random.default_rng(1)
        return {name: _start(rng, name, shapes) for name, shapes in self.weights.items()}

    def build(self, k: Any) -> Any:
        """Returns the model with these weights."""
        model = self.construct(k)
        for name, arrays in self.start().items():
            model.get_layer(name).set_weights(arrays)
        return model


def _start(rng: np.random.Generator, name: str, shapes: Shapes) -> list[Array]:
    if "norm" in name:  # scale, shift, and for batches mean and variance
        return [np.full(s, one, "float32") for s, one in zip(shapes, (1, 0, 0, 1), strict=False)]
    return [np.zeros(s, "float32") if len(s) == 1 else _glorot(rng, s) for s in shapes]


def _glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    *window, fan_in, fan_out = shape
    limit = math.sqrt(6 / (math.prod(window) * (fan_in + fan_out)))
    return rng.uniform(-limit, limit, shape).astype("float32")


def _dense(fan_in: int, units: int) -> Shapes:
    return (fan_in, units), (units,)


# ------------------------------------------------------------------------------------------- MLP


def _mlp(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((784,)),
            k.layers.Dense(64, activation="relu", name="dense_0"),
            k.layers.Dense(64, activation="relu", name="dense_1"),
            k.layers.Dense(10, activation="softmax", name="head"),
        ]
    )


MLP = Case(
    _mlp,
    shape=(784,),
    batch_size=32,
    weights={"dense_0": _dense(784, 64), "dense_1": _dense(64, 64), "head": _dense(64, 10)},
)

# ------------------------------------------------------------------------------------------- CNN


def _cnn(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((28, 28, 1)),
            k.layers.Conv2D(32, 3, activation="relu", name="conv_0"),
            k.layers.MaxPooling2D(2),
            k.layers.Conv2D(64, 3, activation="relu", name="conv_1"),
            k.layers.MaxPooling2D(2),
            k.layers.Flatten(),
            k.layers.Dropout(0.5),
            k.layers.Dense(10, activation="softmax", name="head"),
        ]
    )


CNN = Case(
    _cnn,
    shape=(28, 28, 1),
    batch_size=128,
    weights={
        "conv_0": ((3, 3, 1, 32), (32,)),
        "conv_1": ((3, 3, 32, 64), (64,)),
        "head": _dense(1600, 10),
    },
)

# ------------------------------------------------------------------------------------------ LSTM


def _lstm(k: Any) -> Any:
    return k.Sequential(
        [
            k.Input((100, 32)),
            k.layers.LSTM(128, name="lstm"),
            k.layers.Dense(10, activation="softmax", name="head"),
        ]
    )


LSTM = Case(
    _lstm,
    shape=(100, 32),
    batch_size=32,
    weights={"lstm": ((32, 512), (128, 512), (512,)), "head": _dense(128, 10)},
)

# ----------------------------------------------------------------------------------- Transformer


def _transformer(k: Any) -> Any:
    def attention(x: Any, i: int) -> Any:
        y = k.layers.LayerNormalization(epsilon=1e-5, name=f"norm_{i}")(x)
        y = k.layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"attend_{i}")(y, y)
        return k.layers.Add()([x, y])

    def feed_forward(x: Any, i: int) -> Any:
        y = k.layers.LayerNormalization(epsilon=1e-5, name=f"norm_out_{i}")(x)
        y = k.layers.Dense(HIDDEN, activation="relu", name=f"wide_{i}")(y)
        return k.layers.Add()([x, k.layers.Dense(WIDTH, name=f"narrow_{i}")(y)])

    x = inputs = k.Input((128, WIDTH))
    for i in range(DEPTH):
        x = feed_forward(attention(x, i), i)
    x = k.layers.GlobalAveragePooling1D()(x)
    return k.Model(inputs, k.layers.Dense(10, activation="softmax", name="head")(x))


_PROJECTION: Shapes = ((WIDTH, HEADS, WIDTH // HEADS), (HEADS, WIDTH // HEADS))


def _transformer_weights() -> dict[str, Shapes]:
    found: dict[str, Shapes] = {}
    for i in range(DEPTH):
        found[f"norm_{i}"] = ((WIDTH,), (WIDTH,))
        found[f"attend_{i}"] = (*_PROJECTION * 3, (HEADS, WIDTH // HEADS, WIDTH), (WIDTH,))
        found[f"norm_out_{i}"] = ((WIDTH,), (WIDTH,))
        found[f"wide_{i}"] = _dense(WIDTH, HIDDEN)
        found[f"narrow_{i}"] = _dense(HIDDEN, WIDTH)
    return {**found, "head": _dense(WIDTH, 10)}


TRANSFORMER = Case(_transformer, shape=(128, WIDTH), batch_size=32, weights=_transformer_weights())

# ------------------------------------------------------------------------------------- ResNet-18


def _resnet18(k: Any) -> Any:
    def conv_norm(x: Any, filters: int, size: int, stride: int, name: str) -> Any:
        x = k.layers.Conv2D(
            filters, size, stride, padding="same", use_bias=False, name=f"conv_{name}"
        )(x)
        return k.layers.BatchNormalization(name=f"norm_{name}")(x)

    def block(x: Any, filters: int, stride: int, name: str) -> Any:
        y = k.layers.ReLU()(conv_norm(x, filters, 3, stride, f"{name}_0"))
        y = conv_norm(y, filters, 3, 1, f"{name}_1")
        if stride > 1:
            x = conv_norm(x, filters, 1, stride, f"{name}_2")
        return k.layers.ReLU()(k.layers.Add()([x, y]))

    inputs = k.Input((32, 32, 3))
    x = k.layers.ReLU()(conv_norm(inputs, WIDTHS[0], 3, 1, "stem"))
    for name, filters, stride in blocks():
        x = block(x, filters, stride, name)
    x = k.layers.GlobalAveragePooling2D()(x)
    return k.Model(inputs, k.layers.Dense(10, activation="softmax", name="head")(x))


def blocks() -> list[tuple[str, int, int]]:
    """Returns name, filters and stride of each block of ResNet-18."""
    return [
        (f"{stage}{i}", filters, 2 if stage and not i else 1)
        for stage, filters in enumerate(WIDTHS)
        for i in range(2)
    ]


def _resnet18_weights() -> dict[str, Shapes]:
    found: dict[str, Shapes] = {}

    def conv_norm(name: str, size: int, fan_in: int, filters: int) -> None:
        found[f"conv_{name}"] = ((size, size, fan_in, filters),)
        found[f"norm_{name}"] = ((filters,),) * 4

    conv_norm("stem", 3, 3, WIDTHS[0])
    before = WIDTHS[0]
    for name, filters, stride in blocks():
        conv_norm(f"{name}_0", 3, before, filters)
        conv_norm(f"{name}_1", 3, filters, filters)
        if stride > 1:
            conv_norm(f"{name}_2", 1, before, filters)
        before = filters
    return {**found, "head": _dense(before, 10)}


RESNET18 = Case(_resnet18, shape=(32, 32, 3), batch_size=32, weights=_resnet18_weights())

CASES = {
    "mlp": MLP,
    "cnn": CNN,
    "lstm": LSTM,
    "transformer": TRANSFORMER,
    "resnet18": RESNET18,
}


def resnet50(k: Any) -> Any:
    """Returns a ResNet-50 with random weights."""
    return k.applications.ResNet50(weights=None)
