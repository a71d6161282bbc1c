"""The models as flax.nnx modules."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from benchmarks.models import DEPTH, HEADS, HIDDEN, WIDTH, blocks

__all__ = ["MODELS"]

Weights = dict[str, list[np.ndarray]]


def _dense(weights: list[np.ndarray]) -> nnx.Linear:
    layer = nnx.Linear(*weights[0].shape, rngs=nnx.Rngs(0))
    layer.kernel[...], layer.bias[...] = map(jnp.asarray, weights)
    return layer


def _conv(weights: list[np.ndarray], stride: int = 1, padding: str = "VALID") -> nnx.Conv:
    size, _, fan_in, filters = weights[0].shape
    layer = nnx.Conv(
        fan_in,
        filters,
        (size, size),
        strides=stride,
        padding=padding,
        use_bias=len(weights) > 1,
        rngs=nnx.Rngs(0),
    )
    layer.kernel[...] = jnp.asarray(weights[0])
    return layer


class Mlp(nnx.Module):
    """The MLP."""

    def __init__(self, w: Weights) -> None:
        self.first, self.second = _dense(w["dense_0"]), _dense(w["dense_1"])
        self.head = _dense(w["head"])

    def __call__(self, x: Any) -> Any:
        return self.head(nnx.relu(self.second(nnx.relu(self.first(x)))))


class Cnn(nnx.Module):
    """The CNN."""

    def __init__(self, w: Weights) -> None:
        self.first, self.second = _conv(w["conv_0"]), _conv(w["conv_1"])
        self.dropout = nnx.Dropout(0.5, rngs=nnx.Rngs(0))
        self.head = _dense(w["head"])

    def __call__(self, x: Any) -> Any:
        for conv in (self.first, self.second):
            x = nnx.max_pool(nnx.relu(conv(x)), (2, 2), (2, 2))
        return self.head(self.dropout(x.reshape(x.shape[0], -1)))


class Lstm(nnx.Module):
    """The LSTM."""

    def __init__(self, w: Weights) -> None:
        kernel, recurrent, bias = w["lstm"]
        cell = nnx.OptimizedLSTMCell(kernel.shape[0], recurrent.shape[0], rngs=nnx.Rngs(0))
        cell.dense_i.kernel[...] = jnp.asarray(kernel)
        cell.dense_h.kernel[...] = jnp.asarray(recurrent)
        cell.dense_h.bias[...] = jnp.asarray(bias)
        self.lstm = nnx.RNN(cell)
        self.head = _dense(w["head"])

    def __call__(self, x: Any) -> Any:
        return self.head(self.lstm(x)[:, -1])


class Block(nnx.Module):
    """A block of the Transformer."""

    def __init__(self, w: Weights, i: int) -> None:
        self.norm = nnx.LayerNorm(WIDTH, epsilon=1e-5, rngs=nnx.Rngs(0))
        self.attend = nnx.MultiHeadAttention(HEADS, WIDTH, decode=False, rngs=nnx.Rngs(0))
        arrays = iter(w[f"attend_{i}"])
        for part in (self.attend.query, self.attend.key, self.attend.value, self.attend.out):
            part.kernel[...], part.bias[...] = jnp.asarray(next(arrays)), jnp.asarray(next(arrays))
        self.norm_out = nnx.LayerNorm(WIDTH, epsilon=1e-5, rngs=nnx.Rngs(0))
        self.wide, self.narrow = _dense(w[f"wide_{i}"]), _dense(w[f"narrow_{i}"])
        assert self.wide.out_features == HIDDEN

    def __call__(self, x: Any) -> Any:
        x = x + self.attend(self.norm(x))
        return x + self.narrow(nnx.relu(self.wide(self.norm_out(x))))


class Transformer(nnx.Module):
    """The Transformer."""

    def __init__(self, w: Weights) -> None:
        self.blocks = nnx.List([Block(w, i) for i in range(DEPTH)])
        self.head = _dense(w["head"])

    def __call__(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


class Resnet18(nnx.Module):
    """ResNet-18 for small images."""

    def __init__(self, w: Weights) -> None:
        strides = {f"{name}_{i}": stride for name, _, stride in blocks() for i in (0, 2)}
        self.convs = nnx.Dict(
            {
                name: _conv(w[name], strides.get(name[5:], 1), "SAME")
                for name in w
                if name.startswith("conv")
            }
        )
        self.norms = nnx.Dict(
            {
                name: nnx.BatchNorm(len(w[name][0]), momentum=0.99, epsilon=1e-3, rngs=nnx.Rngs(0))
                for name in w
                if name.startswith("norm")
            }
        )
        self.head = _dense(w["head"])

    def _conv_norm(self, x: Any, name: str) -> Any:
        return self.norms[f"norm_{name}"](self.convs[f"conv_{name}"](x))

    def __call__(self, x: Any) -> Any:
        x = jax.nn.relu(self._conv_norm(x, "stem"))
        for name, _, stride in blocks():
            y = jax.nn.relu(self._conv_norm(x, f"{name}_0"))
            y = self._conv_norm(y, f"{name}_1")
            x = jax.nn.relu(y + (self._conv_norm(x, f"{name}_2") if stride > 1 else x))
        return self.head(x.mean((1, 2)))


MODELS = {
    "mlp": Mlp,
    "cnn": Cnn,
    "lstm": Lstm,
    "transformer": Transformer,
    "resnet18": Resnet18,
}
