"""Default seeds, for initializers, dropout and shuffling without a `seed` argument.

A seed is a function of the process seed and a counter. A program that calls `set_random_seed`
first therefore has the same initial weights on every machine.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np

__all__ = ["mix_bits", "next_seed", "separate_seeds", "set_random_seed", "set_state", "state"]

# The default process seed is random, so that runs without a seed differ.
_state = {"seed": secrets.randbits(32), "count": 0}
_lock = threading.Lock()
# The number of the copy that is being created in this thread, and of its seeds so far.
_copy: ContextVar[list[int] | None] = ContextVar("copy", default=None)
_copies = 0


def _renew_lock() -> None:
    """Replaces the lock in a forked process, where no thread exists that could release it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


def mix_bits(*values: int) -> int:
    """Returns a 64-bit hash of some integers (splitmix64, folded over the values).

    References: Guy L. Steele Jr., Doug Lea, Christine H. Flood (2014), "Fast splittable
    pseudorandom number generators".
    """
    bits = 0
    for value in values:
        bits = (bits + value + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
        bits ^= bits >> 31
    return bits


def next_seed() -> int:
    """Returns the next default seed, an integer of 31 bits."""
    copy = _copy.get()
    if copy is not None:
        copy[1] += 1
        return mix_bits(_state["seed"], *copy) >> 33
    with _lock:  # layers may be created in several threads
        _state["count"] += 1
        seed, count = _state["seed"], _state["count"]
    return mix_bits(seed, count) >> 33


@contextlib.contextmanager
def separate_seeds() -> Iterator[None]:
    """Within the block, seeds do not count: those after it are the same as without the block.

    Copies of objects are created in such a block. A program that copies a model continues with the
    random numbers of one that does not.
    """
    global _copies
    with _lock:
        _copies += 1
        number = _copies
    token = _copy.set([number, 0])
    try:
        yield
    finally:
        _copy.reset(token)


def set_random_seed(seed: int) -> None:
    """Sets the random seeds of cornu (weights, dropout, shuffling), of `random` and of NumPy.

    The generators of Python and NumPy are included because data pipelines often use them.

    Args:
        seed: an integer from 0 to 2**32 - 1.

    Raises:
        ValueError: the seed is not such an integer.

    Example:

    >>> import cornu
    >>> set_random_seed(7)
    >>> first = cornu.random.normal((2,))
    >>> set_random_seed(7)
    >>> bool((cornu.random.normal((2,)) == first).all())
    True
    """
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1. Received: {seed!r}")
    with _lock:
        _state.update(seed=seed, count=0)
    random.seed(seed)
    np.random.seed(seed)


def state() -> dict[str, int]:
    """Returns the state that determines the next seeds."""
    return dict(_state)


def set_state(state: dict[str, int]) -> None:
    """Restores a state that `state()` returned."""
    _state.update({name: int(state[name]) for name in _state})
