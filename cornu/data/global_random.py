"""The global random generators of NumPy and Python: their seeds and states."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cornu import seeds

__all__ = ["get_state", "seed_globally", "seeded", "set_state"]


def seed_globally(*values: int) -> None:
    """Seeds the global generators of `np.random` and `random` with a hash of some integers."""
    bits = seeds.mix_bits(*values)
    np.random.seed(bits & 0xFFFFFFFF)
    random.seed(bits)


@contextlib.contextmanager
def seeded(*values: int) -> Iterator[None]:
    """Seeds both generators within a `with` block, and restores their states afterwards.

    Example:

    >>> with seeded(1, 2):
    ...     first = np.random.rand()
    >>> with seeded(1, 2):
    ...     print(np.random.rand() == first)
    True
    """
    before = get_state()
    seed_globally(*values)
    try:
        yield
    finally:
        set_state(before)


def get_state() -> dict[str, Any]:
    """Returns the states of both generators, from which data loaders and callbacks often draw."""
    return {"numpy": np.random.get_state(legacy=True), "python": random.getstate()}


def set_state(state: Mapping[str, Any]) -> None:
    """Sets the states of both generators."""
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
