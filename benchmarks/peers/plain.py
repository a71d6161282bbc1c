"""Hand-written JAX, as people write it: one jitted step, called for each batch from the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.models import CNN, MLP, Case
from benchmarks.peers import Round
from benchmarks.tasks import Size

__all__ = ["SESSIONS"]

Forward = Callable[[Any, Any, Any], Any]


def mlp(params: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the MLP."""
    a, a_bias, b, b_bias, c, c_bias = params
    x = jax.nn.relu(x @ a + a_bias)
    x = jax.nn.relu(x @ b + b_bias)
    return x @ c + c_bias


def cnn(params: Any, x: Any, key: Any) -> Any:
    """Returns the logits of the CNN, with dropout if there is a key."""
    a, a_bias, b, b_bias, c, c_bias = params
    x = _pooled(jax.nn.relu(_convolved(x, a) + a_bias))
    x = _pooled(jax.nn.relu(_convolved(x, b) + b_bias))
    x = x.reshape(x.shape[0], -1)
    if key is not None:
        x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2 * x, 0)
    return x @ c + c_bias


def _convolved(x: Any, kernel: Any) -> Any:
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=axes)


def _pooled(x: Any) -> Any:
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")


class Loop:
    """A training loop: parameters, optimizer and the jitted step."""

    def __init__(self, case: Case, forward: Forward) -> None:
        self.params = [jnp.asarray(w) for w in case.start()]
        optimizer = optax.adam(1e-3, eps=1e-7)  # as in Keras
        self.state = optimizer.init(self.params)
        self.key = jax.random.key(0)
        self.batch_size = case.batch_size
        self.shuffle = np.random.default_rng(2).permutation

        def loss_of(params: Any, x: Any, y: Any, key: Any) -> Any:
            logits = forward(params, x, key)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
            return losses.mean(), (logits.argmax(-1) == y).mean()

        @partial(jax.jit, donate_argnums=(0, 1, 2))
        def step(params: Any, state: Any, key: Any, x: Any, y: Any) -> Any:
            key, now = jax.random.split(key)
            out, grads = jax.value_and_grad(loss_of, has_aux=True)(params, x, y, now)
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state, key, out

        self.step = step

    def epoch(self, x: Any, y: Any) -> float:
        """Trains on all batches in a new order; returns the mean of the loss."""
        order = self.shuffle(len(x))
        outs = []
        for start in range(0, len(x), self.batch_size):
            rows = order[start : start + self.batch_size]
            self.params, self.state, self.key, out = self.step(
                self.params, self.state, self.key, x[rows], y[rows]
            )
            outs.append(out)
        losses, _ = np.mean(jax.device_get(outs), axis=0)
        return float(losses)


def fit(case: Case, forward: Forward, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop."""
    loop = Loop(case, forward)
    x, y = case.data(size.count)
    loop.epoch(x, y)
    while True:
        values, loss = [], 0.0
        for _ in range(size.epochs):
            begin = perf_counter()
            loss = loop.epoch(x, y)
            values.append(1e3 * (perf_counter() - begin) / size.count)
        yield Round(values, loss)


def first_step(case: Case, forward: Forward, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from nothing to the end of the first step."""
    x, y = case.data(1)
    begin = perf_counter()
    loss = Loop(case, forward).epoch(x, y)
    yield Round([perf_counter() - begin], loss)


def one_sample(finish: Callable[[Any], Any], module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds to predict one sample with the jitted forward."""
    params = [jnp.asarray(w) for w in MLP.start()]
    forward = jax.jit(lambda params, x: jax.nn.softmax(mlp(params, x, None)))
    x = MLP.data(1)[0][:1]
    finish(forward(params, x))
    while True:
        values = []
        for _ in range(size.epochs):
            begin = perf_counter()
            for _ in range(size.count):
                finish(forward(params, x))
            values.append(1e3 * (perf_counter() - begin) / size.count)
        yield Round(values)


SESSIONS: dict[str, Callable[[Any, Size], Iterator[Round]]] = {
    "mlp_first": partial(first_step, MLP, mlp),
    "cnn_first": partial(first_step, CNN, cnn),
    "mlp_fit": partial(fit, MLP, mlp),
    "cnn_fit": partial(fit, CNN, cnn),
    "mlp_call": partial(one_sample, jax.block_until_ready),
    "mlp_predict": partial(one_sample, np.asarray),
    "mlp_predict_on_batch": partial(one_sample, np.asarray),
}
