"""The models in hand-written JAX, as people write them: functions of parameters and arrays.

A forward takes `(params, state, x, key)`, where state holds the statistics of batch normalization,
and a key means training; it returns logits and the new state.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.models import DEPTH, blocks

__all__ = ["FORWARDS"]


def mlp(params: Any, state: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the MLP."""
    x = jax.nn.relu(_dense(params["dense_0"], x))
    x = jax.nn.relu(_dense(params["dense_1"], x))
    return _dense(params["head"], x), state


def cnn(params: Any, state: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the CNN."""
    for name in ("conv_0", "conv_1"):
        kernel, bias = params[name]
        x = _pooled(jax.nn.relu(_convolved(x, kernel, 1, "VALID") + bias))
    x = x.reshape(x.shape[0], -1)
    if key is not None:
        x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2 * x, 0)
    return _dense(params["head"], x), state


def lstm(params: Any, state: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the LSTM."""
    kernel, recurrent, bias = params["lstm"]

    def step(carry: Any, x: Any) -> Any:
        h, c = carry
        i, f, g, o = jnp.split(x + h @ recurrent, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((x.shape[0], recurrent.shape[0]))
    steps = (x @ kernel + bias).swapaxes(0, 1)
    (h, _), _ = jax.lax.scan(step, (zeros, zeros), steps)
    return _dense(params["head"], h), state


def transformer(params: Any, state: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the Transformer."""
    for i in range(DEPTH):
        x = x + _attention(params[f"attend_{i}"], _layer_norm(params[f"norm_{i}"], x))
        y = jax.nn.relu(_dense(params[f"wide_{i}"], _layer_norm(params[f"norm_out_{i}"], x)))
        x = x + _dense(params[f"narrow_{i}"], y)
    return _dense(params["head"], x.mean(1)), state


def resnet18(params: Any, state: Any, x: Any, key: Any) -> Any:
    """Returns the logits of ResNet-18, and new statistics."""
    new = dict(state)

    def conv_norm(x: Any, stride: int, name: str) -> Any:
        x = _convolved(x, params[f"conv_{name}"][0], stride, "SAME")
        scale, shift = params[f"norm_{name}"]
        mean, variance = state[f"norm_{name}"]
        if key is not None:
            now, spread = x.mean((0, 1, 2)), x.var((0, 1, 2))
            new[f"norm_{name}"] = [0.99 * mean + 0.01 * now, 0.99 * variance + 0.01 * spread]
            mean, variance = now, spread
        return (x - mean) * jax.lax.rsqrt(variance + 1e-3) * scale + shift

    x = jax.nn.relu(conv_norm(x, 1, "stem"))
    for name, _, stride in blocks():
        y = jax.nn.relu(conv_norm(x, stride, f"{name}_0"))
        y = conv_norm(y, 1, f"{name}_1")
        x = jax.nn.relu(y + (conv_norm(x, stride, f"{name}_2") if stride > 1 else x))
    return _dense(params["head"], x.mean((1, 2))), new


FORWARDS = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer, "resnet18": resnet18}


def _dense(weights: Any, x: Any) -> Any:
    kernel, bias = weights
    return x @ kernel + bias


def _convolved(x: Any, kernel: Any, stride: int, padding: str) -> Any:
    axes = ("NHWC", "HWIO", "NHWC")
    strides = (stride, stride)
    return jax.lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=axes)


def _pooled(x: Any) -> Any:
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


def _layer_norm(weights: Any, x: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * weights[0] + weights[1]


def _attention(weights: Any, x: Any) -> Any:
    q, q_bias, k, k_bias, v, v_bias, out, out_bias = weights
    q, k, v = (
        jnp.einsum("btd,dhk->bthk", x, kernel) + bias
        for kernel, bias in ((q, q_bias), (k, k_bias), (v, v_bias))
    )
    x = jax.nn.dot_product_attention(q, k, v)
    return jnp.einsum("bthk,hkd->btd", x, out) + out_bias
