"""Snapshot: what training changes in a model, kept in order to be restored."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds
from cornu.training.trainer import Trainer

__all__ = ["Snapshot", "counters_of", "restored_after", "set_counters"]

Made = TypeVar("Made")


class Snapshot:
    """Weights, optimizer, metrics, random sources and counters of a model as they are now.

    The values are in host memory, so that the device does not hold them twice.

    Args:
        trainer: of a model; the snapshot does not contain what is built later.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        variables = trainer.touched_variables()
        self._values = [(v, np.array(v.stored), _copier(v.stored)) for v in variables]
        self._counters = counters_of(trainer)
        self._run = dataclasses.replace(trainer.run)

    def restore(self) -> None:
        """Puts everything back; may be called again."""
        for variable, value, place in self._values:
            variable.stored = place(value)
        set_counters(self._trainer, self._counters)
        self._trainer.run = dataclasses.replace(self._run)


def counters_of(trainer: Trainer) -> dict[str, Any]:
    """Returns the counters on which random numbers and orders depend, besides the seed."""
    return {
        "sources": [[source.seed, source.count] for source in trainer.random_sources()],
        "steps": {kind: count.number for kind, count in trainer.counts.items()},
        "epochs_run": trainer.epochs_run,
    }


def set_counters(trainer: Trainer, counters: dict[str, Any]) -> None:
    """Sets the counters that `counters_of` returned."""
    for source, (seed, count) in zip(trainer.random_sources(), counters["sources"], strict=True):
        source.seed, source.count = seed, count
    for kind, number in counters["steps"].items():
        trainer.counts[kind].number = number
    trainer.epochs_run = counters["epochs_run"]


def _copier(stored: jax.Array) -> Any:
    """Returns a function that copies a host array to the devices of another array."""
    sharding = stored.sharding if stored.committed else None

    def place(value: np.ndarray) -> jax.Array:
        # A copy, because training donates its buffers.
        made = jnp.array(value)
        return made if sharding is None else jax.device_put(made, sharding)

    return place


@contextlib.contextmanager
def restored_after(trainer: Trainer, prepare: Callable[[], Made]) -> Iterator[Made]:
    """Restores a model after a `with` block.

    Args:
        trainer: of the model.
        prepare: builds what is not built, which stays; its result is the value of the block.
    """
    seed, seed_state, built = trainer.seed, seeds.state(), trainer.model.built
    made = prepare()
    snapshot = Snapshot(trainer)
    try:
        yield made
    finally:
        snapshot.restore()
        if built and seed is None:
            # As if no seed had been drawn; programs that contain the seed are dropped.
            trainer.seed = None
            trainer.programs.clear()
            seeds.set_state(seed_state)
