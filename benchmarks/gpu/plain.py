"""Hand-written JAX with optax: a jitted step, whose state is donated, and data on the device."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.gpu.cases import Case, Lstm, Mlp, Resnet, Transformer, bottlenecks
from benchmarks.peers.plain_models import lstm

__all__ = ["Session"]


def _resnet(s: Resnet, params: Any, x: Any, trains: bool) -> Any:
    new: dict[str, Any] = {}

    def conv_norm(x: Any, stride: int, name: str) -> Any:
        axes = ("NHWC", "HWIO", "NHWC")
        kernel = params[f"conv_{name}"][0].astype(x.dtype)
        x = jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=axes
        )
        scale, shift, mean, variance = params[f"norm_{name}"]
        if trains:
            wide = x.astype("float32")
            now, spread = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
            keep = s.momentum
            new[f"norm_{name}"] = (
                keep * mean + (1 - keep) * now,
                keep * variance + (1 - keep) * spread,
            )
            mean, variance = now, spread
        factor = scale * jax.lax.rsqrt(variance + s.epsilon)
        return (x * factor + (shift - mean * factor)).astype(x.dtype)

    x = jax.nn.relu(conv_norm(x, 2, "stem"))
    window = (1, 3, 3, 1), (1, 2, 2, 1)
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, *window, "SAME")
    for name, _, stride, projects in bottlenecks(s):
        y = jax.nn.relu(conv_norm(x, 1, f"{name}_a"))
        y = jax.nn.relu(conv_norm(y, stride, f"{name}_b"))
        y = conv_norm(y, 1, f"{name}_c")
        x = jax.nn.relu(y + (conv_norm(x, stride, f"{name}_d") if projects else x))
    return _dense(params["head"], x.mean((1, 2))), new


def _transformer(s: Transformer, params: Any, x: Any, trains: bool) -> Any:
    compute = jnp.bfloat16
    tokens, positions = params["embed_tokens"][0], params["embed_positions"][0]
    x = tokens.astype(compute)[x] + positions.astype(compute)
    for i in range(s.blocks):
        x = x + _attention(params[f"attend_{i}"], _layer_norm(s, params[f"norm_in_{i}"], x))
        y = _dense(params[f"wide_{i}"], _layer_norm(s, params[f"norm_out_{i}"], x))
        x = x + _dense(params[f"narrow_{i}"], jax.nn.gelu(y, approximate=True))
    return _dense(params["head"], _layer_norm(s, params["norm_last"], x)), {}


def _layer_norm(s: Transformer, weights: Any, x: Any) -> Any:
    wide = x.astype("float32")
    mean, variance = wide.mean(-1, keepdims=True), wide.var(-1, keepdims=True)
    y = (wide - mean) * jax.lax.rsqrt(variance + s.epsilon) * weights[0] + weights[1]
    return y.astype(x.dtype)


def _attention(weights: Any, x: Any) -> Any:
    q, q_bias, k, k_bias, v, v_bias, out, out_bias = (w.astype(x.dtype) for w in weights)
    q, k, v = (
        jnp.einsum("btd,dhk->bthk", x, kernel) + bias
        for kernel, bias in ((q, q_bias), (k, k_bias), (v, v_bias))
    )
    fused = "cudnn" if jax.default_backend() == "gpu" else "xla"
    x = jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=fused)
    return jnp.einsum("bthk,hkd->btd", x, out) + out_bias


def _lstm(s: Lstm, params: Any, x: Any, trains: bool) -> Any:
    return lstm(params, {}, x, None)


def _mlp(s: Mlp, params: Any, x: Any, trains: bool) -> Any:
    for i in range(len(s.units)):
        x = jax.nn.relu(_dense(params[f"dense_{i}"], x))
    return _dense(params[f"dense_{len(s.units)}"], x), {}


def _dense(weights: Any, x: Any) -> Any:
    kernel, bias = weights
    return x @ kernel.astype(x.dtype) + bias.astype(x.dtype)


_FORWARDS = {Resnet: _resnet, Transformer: _transformer, Lstm: _lstm, Mlp: _mlp}


class Session:
    """A training loop; see `layered.Session`."""

    def __init__(self, case: Case, tiny: bool, module: Any) -> None:
        sizes, batch, self.batches = case.at(tiny)
        x, y = case.data(tiny)
        weights = case.start(tiny)
        begin = perf_counter()
        forward = partial(_FORWARDS[type(sizes)], sizes)
        optimizer = (
            optax.adam(case.adam, eps=1e-7) if case.adam else optax.sgd(case.sgd, momentum=0.9)
        )

        def cast(x: Any) -> Any:
            floats = jnp.issubdtype(x.dtype, jnp.floating)
            return x.astype(jnp.bfloat16) if case.bfloat16 and floats else x

        def loss_of(params: Any, x: Any, y: Any) -> Any:
            logits, new = forward(params, cast(x), True)
            wide = logits.astype("float32")
            return optax.softmax_cross_entropy_with_integer_labels(wide, y).mean(), new

        def step(state: Any, batch: Any) -> Any:
            params, slots = state
            (loss, new), grads = jax.value_and_grad(loss_of, has_aux=True)(params, *batch)
            updates, slots = optimizer.update(grads, slots, params)
            params = optax.apply_updates(params, updates)
            for name, statistics in new.items():
                params[name] = [*params[name][:2], *statistics]
            return (params, slots), loss

        self._folded = case.folded
        self._step = jax.jit(partial(jax.lax.scan, step) if case.folded else step, donate_argnums=0)
        self._forward = jax.jit(lambda params, x: forward(params, cast(x), False)[0])
        params = jax.tree_util.tree_map(jnp.asarray, weights)
        self._state = (params, optimizer.init(params))
        self._x = x
        data = [a.reshape(self.batches, batch, *a.shape[1:]) for a in (x, y)]
        self._data = [jnp.asarray(a) for a in data]
        if not case.folded:
            self._data = [(self._data[0][i], self._data[1][i]) for i in range(self.batches)]
        self.building = perf_counter() - begin

    def epoch(self) -> float:
        """Trains on all batches in order; returns the mean of the loss."""
        if self._folded:
            self._state, losses = self._step(self._state, self._data)
            return float(np.mean(losses))
        losses = []
        for batch in self._data:
            self._state, loss = self._step(self._state, batch)
            losses.append(loss)
        return float(np.mean(jax.device_get(losses)))

    def predict(self) -> np.ndarray:
        """Returns the logits of one sample."""
        return np.asarray(self._forward(self._state[0], self._x[:1]))
