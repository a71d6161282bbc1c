"""Seeding of the global random generators of NumPy and Python."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np

from cornu import seeds

__all__ = ["seed_globally", "seeded"]


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
    numpy_state, python_state = np.random.get_state(), random.getstate()
    seed_globally(*values)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
