"""Hand-written JAX: one jitted step with optax, called for each batch from the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.models import CASES, Case
from benchmarks.peers import Round
from benchmarks.peers.plain_models import FORWARDS
from benchmarks.peers.timing import calls, epochs, resident, since_start
from benchmarks.tasks import STARTED, Size

__all__ = ["SESSIONS", "Loop", "divide_weights"]


class Loop:
    """A training loop: parameters, optimizer and the jitted step."""

    def __init__(self, case: Case, forward: Callable[..., Any]) -> None:
        self.params, self.state = divide_weights(case.start())
        optimizer = optax.adam(1e-3, eps=1e-7)  # as in Keras
        self.slots = optimizer.init(self.params)
        self.key = jax.random.key(0)
        self.batch_size = case.batch_size
        self.shuffle = np.random.default_rng(2).permutation

        def loss_of(params: Any, state: Any, x: Any, y: Any, key: Any) -> Any:
            logits, state = forward(params, state, x, key)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
            return losses.mean(), (state, (logits.argmax(-1) == y).mean())

        @partial(jax.jit, donate_argnums=(0, 1, 2, 3))
        def step(params: Any, state: Any, slots: Any, key: Any, x: Any, y: Any) -> Any:
            key, now = jax.random.split(key)
            grad = jax.value_and_grad(loss_of, has_aux=True)
            (loss, (state, accuracy)), grads = grad(params, state, x, y, now)
            updates, slots = optimizer.update(grads, slots, params)
            return optax.apply_updates(params, updates), state, slots, key, (loss, accuracy)

        @jax.jit
        def test(params: Any, state: Any, x: Any, y: Any) -> Any:
            loss, (_, accuracy) = loss_of(params, state, x, y, None)
            return loss, accuracy

        self.step, self.test = step, test

    def epoch(self, x: Any, y: Any) -> float:
        """Trains on all batches in a new order; returns the mean of the loss."""
        order = self.shuffle(len(x))
        return self.train((x[rows], y[rows]) for rows in _slices(order, self.batch_size))

    def train(self, batches: Any) -> float:
        """Trains on some batches; returns the mean of the loss."""
        outs = []
        for x, y in batches:
            self.params, self.state, self.slots, self.key, out = self.step(
                self.params, self.state, self.slots, self.key, x, y
            )
            outs.append(out)
        return float(np.mean(jax.device_get(outs), axis=0)[0])

    def evaluate(self, x: Any, y: Any) -> float:
        """Returns the mean of the loss on all batches."""
        rows = _slices(np.arange(len(x)), self.batch_size)
        outs = [self.test(self.params, self.state, x[r], y[r]) for r in rows]
        return float(np.mean(jax.device_get(outs), axis=0)[0])


def divide_weights(start: dict[str, list[np.ndarray]]) -> tuple[Any, Any]:
    """Returns the trainable weights, and the moving averages of normalizations."""
    params = {name: [jnp.asarray(w) for w in arrays[:2]] for name, arrays in start.items()}
    state: dict[str, list[Any]] = {}
    for name, arrays in start.items():
        if len(arrays) == 4 and "norm" in name:
            state[name] = [jnp.asarray(w) for w in arrays[2:]]
        else:
            params[name] = [jnp.asarray(w) for w in arrays]
    return params, state


def _slices(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (order[start : start + size] for start in range(0, len(order), size))


def fit(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop."""
    case = CASES[name]
    loop = Loop(case, FORWARDS[name])
    x, y = case.data(size.count)
    return epochs(lambda: loop.epoch(x, y), size)


def generator(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop over a generator."""
    case = CASES[name]
    loop = Loop(case, FORWARDS[name])
    x, y = case.data(size.count)
    rows = range(0, len(x), case.batch_size)
    batches = lambda: ((x[i : i + case.batch_size], y[i : i + case.batch_size]) for i in rows)  # noqa: E731
    return epochs(lambda: loop.train(batches()), size)


def evaluate(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of an evaluation."""
    case = CASES[name]
    loop = Loop(case, FORWARDS[name])
    x, y = case.data(size.count)
    return epochs(lambda: loop.evaluate(x, y), size)


def start(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from the start of the process to the end of an epoch."""
    case = CASES[name]
    x, y = case.data(size.count)
    return since_start(lambda: Loop(case, FORWARDS[name]).epoch(x, y))


def first_step(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from construction to the end of the first step."""
    case = CASES[name]
    x, y = case.data(1)
    begin = perf_counter()
    loss = Loop(case, FORWARDS[name]).epoch(x, y)
    yield Round([perf_counter() - begin], loss)


def predict(name: str, rows: int, finish: Any, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds of a jitted forward."""
    case, forward = CASES[name], FORWARDS[name]
    params, state = divide_weights(case.start())
    run = jax.jit(lambda params, state, x: jax.nn.softmax(forward(params, state, x, None)[0]))
    x = case.data(-(-rows // case.batch_size))[0][:rows]
    return calls(lambda: finish(run(params, state, x)), size)


def growth(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Megabytes that building, training and dropping a model leave behind."""
    case = CASES[name]
    x, y = case.data(2)
    return resident(lambda: Loop(case, FORWARDS[name]).epoch(x, y), size)


SESSIONS: dict[str, Callable[[Any, Size], Iterator[Round]]] = {
    **{f"{name}_fit": partial(fit, name) for name in CASES},
    **{f"{name}_first": partial(first_step, name) for name in ("mlp", "cnn")},
    **{f"{name}_start{how}": partial(start, name) for name in STARTED for how in ("", "_warm")},
    "resnet18_first_warm": partial(first_step, "resnet18"),
    "mlp_generator": partial(generator, "mlp"),
    "cnn_evaluate": partial(evaluate, "cnn"),
    "mlp_call": partial(predict, "mlp", 1, jax.block_until_ready),
    "mlp_predict": partial(predict, "mlp", 1, np.asarray),
    "mlp_predict_on_batch": partial(predict, "mlp", 1, np.asarray),
    "cnn_call_256": partial(predict, "cnn", 256, jax.block_until_ready),
    "cnn_predict_256": partial(predict, "cnn", 256, np.asarray),
    "mlp_growth": partial(growth, "mlp"),
}
