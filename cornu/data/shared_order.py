"""Checks that all processes of a job read the same batches, and seeds generators for that.

Every process reads all data in the same order, and its devices get their rows of each batch. If the
order were another one in each process, rows would be trained twice or never, without an error.
"""

from __future__ import annotations

import sys
import zlib
from typing import Any

import jax
import numpy as np

from cornu.process import job
from cornu.types import Batch

__all__ = ["check_batches", "share_seeds"]


def share_seeds() -> None:
    """Gives the generator of torch, which shuffles in a DataLoader, the same seed in all processes.

    It is left alone if the program has seeded it.
    """
    if job.count() == 1:
        return
    torch: Any = sys.modules.get("torch")
    own = [0, 0, 0, 0]
    if torch is not None:
        seed = int(torch.initial_seed())
        own = [seed >> 16 * part & 0xFFFF for part in range(4)]  # exact in float32
    parts = job.exchange(own)
    if torch is not None and (parts != parts[0]).any():
        torch.manual_seed(sum(int(part) << 16 * i for i, part in enumerate(parts[0])))


def check_batches(batch: Batch, number: int, steps: int | None, shared: bool) -> None:
    """Raises a ValueError if the batches of the processes of a job do not fit each other.

    Args:
        batch: `(x, y, sample_weight)`, the first that this process has read.
        number: its number in the epoch.
        steps: the number of batches of an epoch, if it is known.
        shared: whether all processes read the same batches, and not each its part.
    """
    if job.count() == 1:
        return
    if shared:
        _check_same_batch(batch, number)
    else:
        _check_same_sizes(batch, steps)


def _check_same_sizes(batch: Batch, steps: int | None) -> None:
    """Raises a ValueError if the parts of the data have different sizes."""
    rows = [leaf.shape[0] for leaf in jax.tree_util.tree_leaves(batch) if leaf.ndim][:1]
    sizes = job.exchange([*(rows or [0]), -1 if steps is None else steps]).astype(int)
    for what, column in zip(("rows in the first batch", "batches"), sizes.T, strict=True):
        if (column != column[0]).any():
            raise ValueError(
                f"The processes of the job have different numbers of {what}: "
                f"{', '.join(map(str, column))}.\nWith auto_shard_dataset=False, give all of them "
                "equal parts of the data, or pass steps_per_epoch."
            )


def _check_same_batch(batch: Batch, number: int) -> None:
    """Raises a ValueError if the processes have read different batches."""
    digest = 0
    for leaf in jax.tree_util.tree_leaves(batch):
        array = np.ascontiguousarray(leaf)
        digest = zlib.crc32(f"{array.shape} {array.dtype}".encode(), digest)
        digest = zlib.crc32(array.view(np.uint8).data if array.size else b"", digest)
    digests = job.exchange([digest >> 16, digest & 0xFFFF])
    other = np.flatnonzero((digests != digests[0]).any(axis=1))
    if len(other):
        raise ValueError(
            f"The processes of the job read different data: batch {number} of process {other[0]} "
            "is not that of process 0.\nEach process must be given all data in the same order: "
            "pass a seed to whatever shuffles or augments it. To give each process a part of the "
            "data instead, pass auto_shard_dataset=False to the distribution."
        )
