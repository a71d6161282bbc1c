"""Generators in Keras 1, where an epoch is a number of samples rather than of batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import tree
from cornu.core.tracebacks.user_frames import user_stacklevel

__all__ = ["EpochBatches"]


class EpochBatches:
    """Iterates over the batches of an epoch, until the generator has yielded enough samples.

    Args:
        generator: yields `x`, `(x, y)` or `(x, y, sample_weight)` indefinitely.
        count: the number of samples in an epoch.

    Example:

    >>> batches = EpochBatches(iter([(np.zeros((2, 1)), None)] * 9), 4)
    >>> len(list(batches)), len(list(batches))
    (2, 2)
    """

    def __init__(self, generator: Any, count: int) -> None:
        self.generator = iter(generator)
        self.count = count

    def __iter__(self) -> Iterator[Any]:
        seen = 0
        while seen < self.count:
            batch = next(self.generator, None)
            if batch is None:
                raise ValueError(
                    f"The generator ended after {seen} of {self.count} samples of an epoch. "
                    "It must yield batches indefinitely."
                )
            batch = batch if isinstance(batch, tuple) else (batch,)
            seen += np.shape(tree.leaves(batch[0])[0])[0]
            yield batch
        if seen > self.count:
            warnings.warn(
                f"The epoch has {seen} samples, more than the requested {self.count}. "
                "Use a multiple of the batch size.",
                stacklevel=user_stacklevel(),
            )
