"""The job of this process: how many processes train one model together, and which this is."""

from __future__ import annotations

import jax

__all__ = ["count", "index", "is_first"]


def count() -> int:
    """Returns the number of processes of the job; 1 without `cornu.distribution.initialize`."""
    # Before the processes are connected, the question would start JAX's devices.
    return jax.process_count() if jax.distributed.is_initialized() else 1


def index() -> int:
    """Returns the number of this process, from 0."""
    return jax.process_index() if jax.distributed.is_initialized() else 0


def is_first() -> bool:
    """Whether this is process 0, which writes the files of the job."""
    return index() == 0
