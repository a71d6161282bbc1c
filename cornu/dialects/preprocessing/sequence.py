"""`keras.preprocessing.sequence`: pairs of words and windows of time series."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.utils import PyDataset, pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]

_EULER = 0.577


def make_sampling_table(size: int, sampling_factor: float = 1e-05) -> np.ndarray:
    """Returns the probability with which each word is kept, by rank of its frequency.

    Frequencies are estimated by Zipf's law, and p = min(1, sqrt(f / t) / (f / t)).

    Args:
        size: the number of words.
        sampling_factor: the frequency t below which words are always kept.
    """
    rank = np.arange(size)
    rank[0] = 1
    inverse = rank * (np.log(rank) + _EULER) + 0.5 - 1.0 / (12.0 * rank)
    scaled = sampling_factor * inverse
    return np.minimum(1.0, scaled / np.sqrt(scaled))


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Returns pairs of words with labels: 1 for words that occur near each other, 0 for random.

    Args:
        sequence: the numbers of the words; 0 is skipped.
        vocabulary_size: the largest number + 1.
        window_size: the largest distance of words of a pair.
        negative_samples: the number of random pairs for each pair of the text.
        shuffle: whether to shuffle the pairs.
        categorical: whether labels are `[0, 1]` and `[1, 0]`.
        sampling_table: the probability with which each word is kept; see `make_sampling_table`.
        seed: the seed of the shuffling.
    """
    couples: list[list[int]] = []
    labels: list[Any] = []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        window = range(max(0, i - window_size), min(len(sequence), i + window_size + 1))
        couples += [[word, sequence[j]] for j in window if j != i and sequence[j]]
    labels = [[0, 1] if categorical else 1 for _ in couples]
    if negative_samples > 0:
        words = [couple[0] for couple in couples]
        random.shuffle(words)
        count = int(len(labels) * negative_samples)
        couples += [
            [words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)
        ]
        labels += [[1, 0] if categorical else 0] * count
    if shuffle:
        seed = random.randint(0, 10**6) if seed is None else seed
        random.Random(seed).shuffle(couples)
        random.Random(seed).shuffle(labels)
    return couples, labels


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series, each with the value that follows.

    Args:
        data: the series, with time as the first axis.
        targets: the target of each point in time, of the same length.
        length: the length of a window.
        sampling_rate: the distance of the points of a window.
        stride: the distance of successive windows.
        start_index, end_index: the first and the last index of `data` to use.
        shuffle: whether windows are in random order.
        reverse: whether each window is reversed.
        batch_size: windows per batch.

    Raises:
        ValueError: data and targets differ in length, or no window fits.

    Example:

    >>> series = np.arange(10)
    >>> batches = TimeseriesGenerator(series, series, length=3, batch_size=2)
    >>> batches[0][0].tolist(), batches[0][1].tolist()
    ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
    ) -> None:
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(
                f"data and targets must have the same length. Received: {len(data)} and "
                f"{len(targets)}"
            )
        self.data = np.asarray(data)
        self.targets = np.asarray(targets)
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise ValueError(
                f"No window of length {length} fits between start_index {start_index} and "
                f"end_index {self.end_index}."
            )

    def __len__(self) -> int:
        span = self.batch_size * self.stride
        return (self.end_index - self.start_index + span) // span

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        samples = np.array(
            [self.data[row - self.length : row : self.sampling_rate] for row in rows]
        )
        targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), targets
