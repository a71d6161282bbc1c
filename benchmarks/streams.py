"""Training on a generator, a torch DataLoader and tf.data, beside a loop written with JAX.

`python -m benchmarks.streams` prints the section of data.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tensorflow as tf
import torch
from torch.utils.data import DataLoader

import cornu
from cornu import layers

__all__ = ["Fit", "measure", "section"]

BATCH, STEPS, COLUMNS = 32, 300, 784


class Fit(NamedTuple):
    """The figures of one source.

    Attributes:
        source: what yields the batches.
        ours, loop: milliseconds of a step of `fit`, and of the loop.
        ratio: the median of the ratios of two consecutive epochs.
        cpu_ratio: the same for CPU time.
        losses: the mean losses of the last epoch of both.
    """

    source: str
    ours: float
    loop: float
    ratio: float
    cpu_ratio: float
    losses: tuple[float, float]


def _generator(x: np.ndarray, y: np.ndarray) -> Callable[[], Iterator[Any]]:
    def batches() -> Iterator[Any]:
        for start in range(0, len(x), BATCH):
            yield x[start : start + BATCH], y[start : start + BATCH]

    return batches


def _sources(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[Any, Callable[[], Iterator[Any]]]]:
    """Returns what `fit` takes, and what the loop iterates over, with arrays of NumPy."""
    samples = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = DataLoader(samples, BATCH)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).prefetch(2)
    return {
        "generator": (_Repeated(_generator(x, y)), _generator(x, y)),
        "torch DataLoader": (loader, lambda: ((a.numpy(), b.numpy()) for a, b in loader)),
        "tf.data": (dataset, dataset.as_numpy_iterator),
    }


class _Repeated:
    """An iterable over the batches of a function that returns a generator."""

    def __init__(self, batches: Callable[[], Iterator[Any]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return self._batches()


class _Loop:
    """Training written with JAX and optax: an MLP, Adam, the loss and the accuracy."""

    def __init__(self, weights: list[np.ndarray]) -> None:
        self._optimizer = optax.adam(1e-3)
        self._weights = [jnp.asarray(weight) for weight in weights]
        self._state = self._optimizer.init(self._weights)
        self._step = jax.jit(self._update)

    def _loss(self, weights: Any, x: Any, y: Any) -> Any:
        hidden = jax.nn.relu(x @ weights[0] + weights[1])
        hidden = jax.nn.relu(hidden @ weights[2] + weights[3])
        logits = hidden @ weights[4] + weights[5]
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
        return losses.mean(), (logits.argmax(-1) == y).mean()

    def _update(self, weights: Any, state: Any, sums: Any, x: Any, y: Any) -> Any:
        found, gradients = jax.value_and_grad(self._loss, has_aux=True)(weights, x, y)
        updates, state = self._optimizer.update(gradients, state)
        sums = jax.tree.map(jnp.add, sums, found)
        return optax.apply_updates(weights, updates), state, sums

    def epoch(self, batches: Iterator[Any]) -> float:
        """Trains on all batches; returns the mean loss."""
        sums, count = (jnp.zeros(()), jnp.zeros(())), 0
        for x, y in batches:
            self._weights, self._state, sums = self._step(self._weights, self._state, sums, x, y)
            count += 1
        return float(sums[0]) / count


def _model() -> Any:
    hidden = [layers.Dense(64, "relu"), layers.Dense(64, "relu")]
    model = cornu.Sequential([cornu.Input((COLUMNS,)), *hidden, layers.Dense(10)])
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def _timed(run: Callable[[], float]) -> tuple[float, float, float]:
    cpu, wall = process_time(), perf_counter()
    loss = run()
    return perf_counter() - wall, process_time() - cpu, loss


def measure(rounds: int) -> list[Fit]:
    """Measures all sources; epochs of `fit` and of the loop alternate."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH * STEPS, COLUMNS)).astype("float32")
    y = rng.integers(0, 10, len(x)).astype("int32")
    found = []
    for name, (source, batches) in _sources(x, y).items():
        model = _model()
        loop = _Loop(model.get_weights())

        def fit(model: Any = model, source: Any = source) -> float:
            return float(model.fit(source, verbose=0).history["loss"][0])

        pairs = []
        for _ in range(2 * rounds + 1):
            pairs.append((_timed(fit), _timed(lambda: loop.epoch(batches()))))  # noqa: B023
        del pairs[0]  # includes compilation
        last = pairs[-1][0][2], pairs[-1][1][2]
        if abs(last[0] - last[1]) > 0.02:
            raise ValueError(f"{name}: the losses {last} differ, so that the work does, too.")
        found.append(
            Fit(
                name,
                *(1000 * min(pair[i][0] for pair in pairs) / STEPS for i in (0, 1)),
                *(median(ours[i] / loops[i] for ours, loops in pairs) for i in (0, 1)),
                last,
            )
        )
    return found


def section(fits: list[Fit]) -> str:
    """Returns the section of the page."""
    rows = "\n".join(
        f"| {fit.source} | {fit.ours:.3f} | {fit.loop:.3f} | {fit.ratio:.2f} | {fit.cpu_ratio:.2f} "
        f"| {fit.losses[0]:.4f} / {fit.losses[1]:.4f} |"
        for fit in fits
    )
    return f"""## Training on batches of a source

An MLP (784, 64, 64, 10) in batches of {BATCH}, Adam, with accuracy: `fit`, and a loop of JAX
and optax that calls one jitted step for each batch. Epochs of both alternate; the least time of a
step, and the medians of the ratios of consecutive epochs. Losses are those of the last epoch.

| source | fit, ms/step | loop, ms/step | ratio | ratio of CPU time | losses |
| --- | ---: | ---: | ---: | ---: | --- |
{rows}

`tests/data/test_copies.py` verifies that batches of float32 reach the compiled step without a copy
from generators, PyDatasets, torch, TensorFlow and Grain.
"""


if __name__ == "__main__":
    print(section(measure(4)))
