"""Reviews and newswires as lists of word indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

__all__ = ["index_words", "keep_frequent", "keep_short", "to_object_array"]


def index_words(
    sequences: Iterable[Iterable[int]], start_char: int | None, index_from: int
) -> list[list[int]]:
    """Adds `index_from` to each word index, and begins each sequence with `start_char`.

    Example:

    >>> index_words([[1, 2], [7]], start_char=1, index_from=3)
    [[1, 4, 5], [1, 10]]
    """
    start = [] if start_char is None else [start_char]
    return [[*start, *(word + index_from for word in sequence)] for sequence in sequences]


def keep_short(
    sequences: list[list[int]], labels: Sequence[int] | np.ndarray, maxlen: int | None
) -> tuple[list[list[int]], np.ndarray]:
    """Removes the sequences with `maxlen` words or more, and their labels.

    Raises:
        ValueError: no sequence is shorter.
    """
    labels = np.asarray(labels)
    if not maxlen:
        return sequences, labels
    kept = [i for i, sequence in enumerate(sequences) if len(sequence) < maxlen]
    if not kept:
        raise ValueError(f"No sequence is shorter than maxlen={maxlen}. Increase maxlen.")
    return [sequences[i] for i in kept], labels[kept]


def keep_frequent(
    sequences: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """Replaces words with an index outside of [skip_top, num_words) by `oov_char`.

    Args:
        sequences: lists of word indices. The more frequent a word, the smaller its index.
        num_words: None for the largest index of all sequences.
        skip_top: the smallest index that is kept.
        oov_char: None to remove the words instead.

    Example:

    >>> keep_frequent([[1, 4, 9], [5]], num_words=6, skip_top=2, oov_char=2)
    [[2, 4, 2], [5]]
    """
    # As in Keras, the default also excludes the word with the largest index.
    end = num_words or max(max(sequence) for sequence in sequences if sequence)
    if oov_char is None:
        return [[word for word in sequence if skip_top <= word < end] for sequence in sequences]
    return [
        [word if skip_top <= word < end else oov_char for word in sequence]
        for sequence in sequences
    ]


def to_object_array(sequences: list[list[int]]) -> np.ndarray:
    """Returns an array of lists, of shape (samples,)."""
    array = np.empty(len(sequences), "object")
    # `np.array(sequences)` would have two axes if all lists had the same length.
    array[:] = sequences
    return array
