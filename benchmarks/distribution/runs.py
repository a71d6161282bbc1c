"""Runs of the models of the tables."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import jax
import numpy as np

import cornu
from benchmarks.distribution.models import DEEP_MODELS, MODELS, transformer

__all__ = [
    "Memory",
    "activations_of",
    "compiled_step",
    "count_collectives",
    "losses_of",
    "memory_of",
]


def losses_of(name: str, distribution: Any, steps: int = 50) -> np.ndarray:
    """Returns the mean losses after each step of training a model.

    Batches have 13 to 29 rows, so that no number of devices above 1 divides them evenly, and the
    last batch of an epoch is partial.

    Args:
        name: a key of `MODELS` or `DEEP_MODELS`.
        distribution: the argument of `compile`; None for one device.
        steps: the number of steps.
    """
    cornu.utils.set_random_seed(1)
    model, x, y, loss = {**MODELS, **DEEP_MODELS}[name]()
    # With the default epsilon of 1e-7, a change of the ResNet's images by one unit in the last
    # place changes the loss by 8e-4 after 50 steps on a single device: Adam divides gradients that
    # are rounding errors by their own size.
    model.compile(cornu.optimizers.Adam(3e-3, epsilon=1e-3), loss, distribution=distribution)
    losses: list[float] = []
    record = cornu.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(float(logs["loss"]))
    )
    size = len(x) // 2 - 3
    model.fit(x, y, batch_size=size, epochs=-(-steps // 3), verbose=0, callbacks=[record])
    return np.array(losses[:steps])


class Memory(NamedTuple):
    """Bytes on a device.

    Attributes:
        state: weights and Variables of the optimizer and metrics, as the compiled step counts them.
        shards: the same, as the sizes of the arrays on the first device.
        temporary: what the step needs besides.
        collectives: the number of operations of each kind that exchange data between devices.
    """

    state: int
    shards: int
    temporary: int
    collectives: dict[str, int]


def memory_of(distribution: Any, width: int, depth: int, rows: int = 16) -> Memory:
    """Returns the memory of a training step of an MLP of equal layers with Adam.

    Args:
        distribution: the argument of `compile`; None for one device.
        width: the size of all layers.
        depth: the number of layers.
        rows: the batch size.
    """
    layers = [cornu.layers.Dense(width, activation="relu") for _ in range(depth)]
    model = cornu.Sequential([cornu.Input((width,)), *layers])
    model.compile("adam", "mse", distribution=distribution)
    x = np.ones((rows, width), "float32")
    model.train_on_batch(x, x)
    compiled = compiled_step(model, (x, x, None))
    trainer = model._trainer_
    analysis = compiled.memory_analysis()
    device = jax.devices()[0]
    arrays = [v.value for v in trainer.touched_variables()]
    shards = [s.data.nbytes for a in arrays for s in a.addressable_shards if s.device == device]
    parts = 1 if trainer.placement is None else trainer.placement._row_multiple_
    inputs = 2 * x.nbytes // parts
    return Memory(
        analysis.argument_size_in_bytes - inputs,
        sum(shards),
        analysis.temp_size_in_bytes,
        dict(_collectives(compiled)),
    )


def activations_of(distribution: Any, rows: int, length: int, remat: bool) -> Memory:
    """Returns the memory of a training step of a Transformer of four blocks.

    Args:
        distribution: the argument of `compile`.
        rows, length: the sizes of a batch.
        remat: whether the blocks are rematerialized.
    """
    cornu.utils.set_random_seed(1)
    model, x, y, loss = transformer(width=64, blocks=4, rows=rows, length=length)
    model.compile("adam", loss, distribution=distribution)
    if remat:
        model.remat("transformer_block*")
    model.train_on_batch(x, y)
    compiled = compiled_step(model, (x, y, None))
    analysis = compiled.memory_analysis()
    state = analysis.argument_size_in_bytes
    return Memory(state, state, analysis.temp_size_in_bytes, dict(_collectives(compiled)))


def compiled_step(model: Any, batch: Any) -> Any:
    """Returns the compiled training step of a model that has been trained on such a batch."""
    trainer = model._trainer_
    if trainer.placement is not None:
        batch = trainer.placement._place_batch_(batch)
    runner = trainer.programs.runner("train")
    return runner.program(batch, False).lower(runner.key, batch).compile()


def count_collectives(model: Any, batch: Any) -> Counter[str]:
    """Returns how many operations of a training step exchange data, by kind."""
    return _collectives(compiled_step(model, batch))


def _collectives(compiled: Any) -> Counter[str]:
    kinds = "all-gather|all-reduce|all-to-all|reduce-scatter|collective-permute"
    return Counter(re.findall(rf" ({kinds})(?:-start)?\(", compiled.as_text()))
