"""flax.nnx as in its documentation: a jitted step with nnx.value_and_grad and optax."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from benchmarks.models import CASES
from benchmarks.peers import Round
from benchmarks.peers.nnx_models import MODELS
from benchmarks.peers.timing import calls, epochs, resident, since_start
from benchmarks.tasks import STARTED, Size

__all__ = ["SESSIONS"]


def _loss(model: Any, x: Any, y: Any) -> Any:
    logits = model(x)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
    return loss, (logits.argmax(-1) == y).mean()


@nnx.jit
def _step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
    out, grads = nnx.value_and_grad(_loss, has_aux=True)(model, x, y)
    optimizer.update(model, grads)
    return out


_test = nnx.jit(_loss)


@nnx.jit
def _probabilities(model: Any, x: Any) -> Any:
    return jax.nn.softmax(model(x))


class Loop:
    """A training loop."""

    def __init__(self, name: str) -> None:
        case = CASES[name]
        self.model = MODELS[name](case.start())
        self.optimizer = nnx.Optimizer(self.model, optax.adam(1e-3, eps=1e-7), wrt=nnx.Param)
        self.batch_size = case.batch_size
        self.shuffle = np.random.default_rng(2).permutation

    def epoch(self, x: Any, y: Any) -> float:
        """Trains on all batches in a new order; returns the mean of the loss."""
        order = self.shuffle(len(x))
        starts = range(0, len(x), self.batch_size)
        rows = (order[i : i + self.batch_size] for i in starts)
        return self.train((x[r], y[r]) for r in rows)

    def train(self, batches: Any) -> float:
        """Trains on some batches; returns the mean of the loss."""
        self.model.train()
        outs = [_step(self.model, self.optimizer, x, y) for x, y in batches]
        return float(np.mean(jax.device_get(outs), axis=0)[0])

    def evaluate(self, x: Any, y: Any) -> float:
        """Returns the mean of the loss on all batches."""
        self.model.eval()
        size = self.batch_size
        outs = [_test(self.model, x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]
        return float(np.mean(jax.device_get(outs), axis=0)[0])


def fit(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop."""
    loop = Loop(name)
    x, y = CASES[name].data(size.count)
    return epochs(lambda: loop.epoch(x, y), size)


def generator(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of the loop over a generator."""
    loop = Loop(name)
    x, y = CASES[name].data(size.count)
    step = loop.batch_size

    def batches() -> Any:
        for i in range(0, len(x), step):
            yield x[i : i + step], y[i : i + step]

    return epochs(lambda: loop.train(batches()), size)


def evaluate(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds per step of an evaluation."""
    loop = Loop(name)
    x, y = CASES[name].data(size.count)
    return epochs(lambda: loop.evaluate(x, y), size)


def start(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from the start of the process to the end of an epoch."""
    x, y = CASES[name].data(size.count)
    return since_start(lambda: Loop(name).epoch(x, y))


def first_step(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Seconds from construction to the end of the first step."""
    x, y = CASES[name].data(1)
    begin = perf_counter()
    loss = Loop(name).epoch(x, y)
    yield Round([perf_counter() - begin], loss)


def predict(name: str, rows: int, finish: Any, module: Any, size: Size) -> Iterator[Round]:
    """Milliseconds to predict some rows."""
    model = MODELS[name](CASES[name].start())
    model.eval()
    x = CASES[name].data(-(-rows // CASES[name].batch_size))[0][:rows]
    return calls(lambda: finish(_probabilities(model, x)), size)


def growth(name: str, module: Any, size: Size) -> Iterator[Round]:
    """Megabytes that building, training and dropping a model leave behind."""
    x, y = CASES[name].data(2)
    return resident(lambda: Loop(name).epoch(x, y), size)


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
