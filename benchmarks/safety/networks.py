"""Small networks with random sizes and dtypes, whose calls take less time than a thread's start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import cornu
from benchmarks.safety.shapes import Sampler
from cornu import layers

__all__ = ["NETWORKS", "Network", "sample"]

_DTYPES = ("float32", "float32", "bfloat16", "mixed_bfloat16")
_ACTIVATIONS = ("relu", "tanh", "gelu", "sigmoid")
_MOST_ROWS = 64


class Input(NamedTuple):
    """An input: its shape without rows, and the number of ids, or 0 for floats."""

    shape: tuple[int, ...]
    ids: int = 0


@dataclass(frozen=True)
class Network:
    """A network that can be built several times with equal weights.

    Attributes:
        text: its family and dtype.
        create: returns a new model.
        weights: of all models.
        inputs: an array for each input.
    """

    text: str
    create: Callable[[], cornu.Model]
    weights: list[np.ndarray]
    inputs: list[np.ndarray]

    def build(self) -> cornu.Model:
        """Returns a new model."""
        model = self.create()
        model.set_weights(self.weights)
        return model

    def rows(self, count: int) -> np.ndarray | list[np.ndarray]:
        """Returns the first rows of the inputs: an array, or a list of several."""
        found = [array[:count] for array in self.inputs]
        return found if len(found) > 1 else found[0]


def sample(family: str, draw: Sampler) -> Network:
    """Returns a network of a family, or one of medium size if it is "sized"."""
    dtype = draw.choice(_DTYPES)
    inputs, body = (NETWORKS | {"sized": _sized})[family](draw, dtype)

    def create() -> cornu.Model:
        made = [cornu.Input(i.shape, dtype="int32" if i.ids else "float32") for i in inputs]
        return cornu.Model(made, body(made)) if len(made) > 1 else cornu.Model(*made, body(made))

    # Biases and moving statistics differ from their initial values, and variances are positive.
    weights = [
        array + np.asarray(0.1 * np.abs(draw.normal(*array.shape)), array.dtype)
        for array in create().get_weights()
    ]
    return Network(f"{family} {dtype}", create, weights, [_data(draw, i) for i in inputs])


def _data(draw: Sampler, spec: Input) -> np.ndarray:
    shape = (_MOST_ROWS, *spec.shape)
    if spec.ids:
        return draw.rng.integers(0, spec.ids, shape).astype("int32")
    return draw.normal(*shape).astype("float32")


# What is random is sampled before a body is called, which happens for each model.
Made = tuple[tuple[Input, ...], Callable[[Sequence[Any]], Any]]


def _chain(*makers: Callable[[], Any]) -> Callable[[Sequence[Any]], Any]:
    def body(inputs: Sequence[Any]) -> Any:
        x = inputs[0]
        for make in makers:
            x = make()(x)
        return x

    return body


def _units(draw: Sampler, most: int = 64) -> int:
    return 1 + draw.size(most)


def _sized(draw: Sampler, dtype: str) -> Made:
    dense = partial(layers.Dense, dtype=dtype)
    units = 32 + draw.size(64)
    return (Input((32 + draw.size(64),)),), _chain(
        partial(dense, units, draw.choice(_ACTIVATIONS)), partial(dense, _units(draw, 16))
    )


def _dense(draw: Sampler, dtype: str) -> Made:
    dense = partial(layers.Dense, dtype=dtype)
    hidden = [
        partial(dense, _units(draw, 256), draw.choice(_ACTIVATIONS)) for _ in range(_units(draw, 3))
    ]
    return (Input((_units(draw, 256),)),), _chain(*hidden, partial(dense, _units(draw, 16)))


def _convolution(draw: Sampler, dtype: str) -> Made:
    pooling = draw.choice((layers.MaxPooling2D, layers.AveragePooling2D))
    end = draw.choice((layers.Flatten, layers.GlobalAveragePooling2D))
    padding = draw.choice(("same", "valid"))
    return (Input((4 + draw.size(12), 4 + draw.size(12), draw.choice((1, 2, 3)))),), _chain(
        partial(layers.Conv2D, _units(draw, 16), 3, padding=padding, dtype=dtype),
        partial(layers.ReLU, dtype=dtype),
        partial(pooling, 2, padding="same", dtype=dtype),
        partial(end, dtype=dtype),
        partial(layers.Dense, _units(draw, 16), dtype=dtype),
    )


def _embedding(draw: Sampler, dtype: str) -> Made:
    pooling = draw.choice((layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D))
    ids = _units(draw, 1000)
    return (Input((_units(draw, 40),), ids),), _chain(
        partial(layers.Embedding, ids, _units(draw), dtype=dtype),
        partial(pooling, dtype=dtype),
        partial(layers.Dense, _units(draw), "relu", dtype=dtype),
        partial(layers.Dense, _units(draw, 16), dtype=dtype),
    )


def _recurrent(draw: Sampler, dtype: str) -> Made:
    # Programs with loops run as usual, beside the others.
    kind = draw.choice((layers.GRU, layers.LSTM, layers.SimpleRNN))
    return (Input((_units(draw, 12), _units(draw, 16))),), _chain(
        partial(kind, _units(draw, 32), dtype=dtype),
        partial(layers.Dense, _units(draw, 16), dtype=dtype),
    )


def _normalized(draw: Sampler, dtype: str) -> Made:
    normalization = draw.choice((layers.BatchNormalization, layers.LayerNormalization))
    return (Input((_units(draw, 128),)),), _chain(
        partial(layers.Dense, _units(draw, 128), use_bias=False, dtype=dtype),
        partial(normalization, dtype=dtype),
        partial(layers.Activation, draw.choice(_ACTIVATIONS), dtype=dtype),
        partial(layers.Dropout, 0.5, dtype=dtype),
        partial(layers.Dense, _units(draw, 16), dtype=dtype),
    )


def _branches(draw: Sampler, dtype: str) -> Made:
    ids, width, first, second = (_units(draw, most) for most in (500, 32, 64, 64))

    def body(inputs: Sequence[Any]) -> Any:
        embedded = layers.Flatten(dtype=dtype)(layers.Embedding(ids, width, dtype=dtype)(inputs[0]))
        hidden = layers.Dense(first, "relu", dtype=dtype)(inputs[1])
        joined = layers.Concatenate(dtype=dtype)([embedded, hidden])
        return [layers.Dense(n, dtype=dtype)(joined) for n in (second, 1)]

    return (Input((_units(draw, 4),), ids), Input((_units(draw, 64),))), body


NETWORKS: dict[str, Callable[[Sampler, str], Made]] = {
    "dense": _dense,
    "convolution": _convolution,
    "embedding": _embedding,
    "recurrent": _recurrent,
    "normalized": _normalized,
    "branches": _branches,
}
