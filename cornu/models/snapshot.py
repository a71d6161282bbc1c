"""Snapshot: what training changes in a model, kept to be put back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu import seeds

__all__ = ["Snapshot", "numbers_of", "set_numbers", "untouched"]

Made = TypeVar("Made")

_PLAIN = ("stop_training", "pausing", "history", "nan_report", "_checked")


class Snapshot:
    """Weights, optimizer, metrics, random sources and counters of a model as they are now.

    The values lie in the memory of the host, so that the device has no need to hold them twice.

    Args:
        model: a model; what is built later is not known to the snapshot.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._values = [(v, np.array(v.stored), v.stored) for v in model._all_variables()]
        self._values = [(v, value, _placing(stored)) for v, value, stored in self._values]
        self._numbers = numbers_of(model)
        self._plain = {name: getattr(model, name) for name in _PLAIN}

    def restore(self) -> None:
        """Puts everything back; may be called again."""
        for variable, value, place in self._values:
            variable.stored = place(value)
        set_numbers(self._model, self._numbers)
        for name, value in self._plain.items():
            setattr(self._model, name, value)


def numbers_of(model: Any) -> dict[str, Any]:
    """Returns all numbers on which random numbers and orders depend, beside the seed."""
    return {
        "sources": [[source.seed, source.count] for source in model._sources()],
        "steps": {kind: count.number for kind, count in model._steps.items()},
        "epochs_run": model._epochs_run,
    }


def set_numbers(model: Any, numbers: dict[str, Any]) -> None:
    """Takes up what `numbers_of` returned."""
    for source, (seed, count) in zip(model._sources(), numbers["sources"], strict=True):
        source.seed, source.count = seed, count
    for kind, number in numbers["steps"].items():
        model._steps[kind].number = number
    model._epochs_run = numbers["epochs_run"]


def _placing(stored: jax.Array) -> Any:
    """Returns a function that makes an array like another one, where that one lies."""
    sharding = stored.sharding if stored.committed else None

    def place(value: np.ndarray) -> jax.Array:
        # A copy: training gives its buffers away.
        made = jnp.array(value)
        return made if sharding is None else jax.device_put(made, sharding)

    return place


@contextlib.contextmanager
def untouched(model: Any, prepare: Callable[[], Made]) -> Iterator[Made]:
    """Leaves a model as it was before a `with` block.

    Args:
        model: the model.
        prepare: builds what is not built, which stays; gives the block what it returns.
    """
    seed, drawn, built = model._seed, seeds.state(), model.built
    made = prepare()
    snapshot = Snapshot(model)
    try:
        yield made
    finally:
        snapshot.restore()
        if built and seed is None:
            # As if nothing had been drawn; programs that hold the seed are left.
            model._seed, model._runners, model._forwards = None, {}, {}
            seeds.set_state(drawn)
