"""Generators: an epoch is a number of samples, however many batches they come in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import tree

__all__ = ["EpochBatches"]


class EpochBatches:
    """The batches of an epoch: drawn until so many samples were seen.

    Args:
        generator: yields `x`, `(x, y)` or `(x, y, sample_weight)` without end.
        count: how many samples an epoch has.

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
                    "It must go on without end."
                )
            batch = batch if isinstance(batch, tuple) else (batch,)
            seen += np.shape(tree.leaves(batch[0])[0])[0]
            yield batch
        if seen > self.count:
            warnings.warn(
                f"An epoch had {seen} samples, more than the {self.count} that were asked for: "
                "give a multiple of the batch size.",
                stacklevel=2,
            )
