"""Seeded: NumPy's and Python's global random numbers as a function of some integers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np

from cornu import seeds

__all__ = ["seed_globally", "seeded"]


def seed_globally(*values: int) -> None:
    """Seeds the generators behind `np.random` and `random`."""
    bits = seeds.mix_bits(*values)
    np.random.seed(bits & 0xFFFFFFFF)
    random.seed(bits)


@contextlib.contextmanager
def seeded(*values: int) -> Iterator[None]:
    """Seeds both within a `with` block, and gives them back as they were.

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
