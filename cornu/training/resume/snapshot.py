"""Snapshot: a copy of everything that training changes in a model."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.core.state.placement import put, to_host
from cornu.training.trainer import Trainer

__all__ = ["Snapshot", "get_counters", "restored_after", "set_counters"]

Prepared = TypeVar("Prepared")


class Snapshot:
    """A copy of the weights, optimizer, metrics, random sources and counters of a model.

    The values are in host memory, so that they do not occupy device memory twice.

    Args:
        trainer: the Trainer of the model. Variables that are created later are not included.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        variables = trainer.touched_variables()
        self._values = [
            (v, np.array(to_host(v.stored)), _device_copier(v.stored)) for v in variables
        ]
        self._counters = get_counters(trainer)
        self._run = dataclasses.replace(trainer.run)

    def restore(self) -> None:
        """Restores everything; can be called repeatedly."""
        for variable, value, copy_to_device in self._values:
            variable.stored = copy_to_device(value)
        set_counters(self._trainer, self._counters)
        self._trainer.run = dataclasses.replace(self._run)


def get_counters(trainer: Trainer) -> dict[str, Any]:
    """Returns the counters that determine random numbers and shuffling, besides the seed."""
    return {
        "sources": [[source.seed, source.count] for source in trainer.random_sources()],
        "steps": {kind: count.number for kind, count in trainer.counts.items()},
        "epochs_run": trainer.epochs_run,
    }


def set_counters(trainer: Trainer, counters: dict[str, Any]) -> None:
    """Restores the counters that `get_counters` returned."""
    for source, (seed, count) in zip(trainer.random_sources(), counters["sources"], strict=True):
        source.seed, source.count = seed, count
    for kind, number in counters["steps"].items():
        trainer.counts[kind].number = number
    trainer.epochs_run = counters["epochs_run"]


def _device_copier(stored: jax.Array) -> Any:
    """Returns a function that copies a host array to the devices of `stored`."""
    sharding = stored.sharding if stored.committed else None

    def copy_to_device(value: np.ndarray) -> jax.Array:
        # A copy, because training donates its buffers.
        return jnp.array(value) if sharding is None else put(np.array(value), sharding)

    return copy_to_device


@contextlib.contextmanager
def restored_after(trainer: Trainer, prepare: Callable[[], Prepared]) -> Iterator[Prepared]:
    """Restores a model after a `with` block.

    Args:
        trainer: the Trainer of the model.
        prepare: called before the snapshot is taken; builds the model, which is kept. Its result
            is the value of the `with` statement.
    """
    seed, seed_state, built = trainer.seed, seeds.state(), trainer.model.built
    prepared = prepare()
    snapshot = Snapshot(trainer)
    try:
        yield prepared
    finally:
        snapshot.restore()
        if built and seed is None:
            # Undo the choice of a seed, too; programs contain the seed and are dropped.
            trainer.seed = None
            trainer.programs.clear()
            seeds.set_state(seed_state)
