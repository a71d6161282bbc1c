"""The models that receive the data, and clean data for each of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import cornu
from cornu import Input, Model, layers

ROWS = 8  # of a batch
BATCHES = 3
RNG = np.random.default_rng(5)
PIXELS = RNG.normal(size=(BATCHES * ROWS, 4)).astype("float32")
LABELS = np.arange(BATCHES * ROWS) % 3
IDS = RNG.integers(0, 10, (BATCHES * ROWS, 5))
FIRST = slice(0, ROWS)


def _classes() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(3, "softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made, PIXELS, LABELS


def _one_hot() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(3, "softmax")])
    made.compile("sgd", "categorical_crossentropy")
    return made, PIXELS, np.eye(3, dtype="float32")[LABELS]


def _value() -> Any:
    # Small weights: the loss of large data stays finite.
    head = layers.Dense(1, kernel_initializer=cornu.initializers.Constant(1e-12))
    made = cornu.Sequential([Input((4,), name="pixels"), head])
    made.compile(cornu.optimizers.SGD(1e-30), "mae")
    return made, PIXELS, PIXELS.sum(1, keepdims=True)


def _binary() -> Any:
    made = cornu.Sequential([Input((4,), name="pixels"), layers.Dense(1, "sigmoid")])
    made.compile("sgd", "binary_crossentropy")
    return made, PIXELS, (LABELS > 0).astype("float32")[:, None]


def _ids() -> Any:
    ids = Input((5,), dtype="int32", name="ids")
    h = layers.Flatten()(layers.Embedding(10, 2, name="words")(ids))
    made = Model(ids, layers.Dense(1)(h))
    made.compile("sgd", "mse")
    return made, IDS, PIXELS.sum(1, keepdims=True)


def _pair() -> Any:
    a, b = Input((4,), name="a"), Input((5,), name="b")
    h = layers.Concatenate()([a, b])
    made = Model([a, b], [layers.Dense(1, name="u")(h), layers.Dense(3, "softmax", name="v")(h)])
    made.compile("sgd", {"u": "mse", "v": "sparse_categorical_crossentropy"})
    return made, (PIXELS, IDS.astype("float32")), (PIXELS.sum(1, keepdims=True), LABELS)


class _Written(Model):
    """A model without a functional graph."""

    def __init__(self) -> None:
        super().__init__()
        self.head = layers.Dense(3, "softmax")

    def call(self, x: Any) -> Any:
        return self.head(x)


def _written() -> Any:
    made = _Written()
    made.compile("sgd", "sparse_categorical_crossentropy")
    made(PIXELS[:1])
    return made, PIXELS, LABELS


_MODELS: dict[str, Callable[[], Any]] = {
    "classes": _classes,
    "one_hot": _one_hot,
    "value": _value,
    "binary": _binary,
    "ids": _ids,
    "pair": _pair,
    "written": _written,
}


@functools.cache
def load_model(name: str) -> Any:
    made, x, y = _MODELS[name]()
    return made, x, y, made.get_weights()
