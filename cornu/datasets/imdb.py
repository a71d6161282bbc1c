"""IMDB: movie reviews and whether they are positive."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.datasets.files import (
    DatasetPath,
    Split,
    fetch,
    load_word_index,
    shuffled_order,
)
from cornu.datasets.pickled_arrays import load_npz
from cornu.datasets.word_sequences import index_words, keep_frequent, keep_short, to_object_array

__all__ = ["get_word_index", "load_data"]


def load_data(
    path: DatasetPath = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> Split:
    """Loads 25,000 movie reviews for training and 25,000 for testing, as lists of word indices.

    The more frequent a word, the smaller its index; 0 is reserved for padding.

    Args:
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.
        num_words: words with this index or a larger one are replaced by `oov_char`; None for the
            largest index that occurs.
        skip_top: words with a smaller index are replaced by `oov_char`.
        maxlen: reviews with this number of words or more are removed; None keeps all.
        seed: the seed of the order of the reviews.
        start_char: the index at the start of each review; None for no start.
        oov_char: the index of replaced words; None to remove these words.
        index_from: the number to add to each index, so that smaller indices are free.
        **kwargs: raise an error.

    Shapes: x `(25000,)`, lists of integers; y `(25000,)`, 1 (positive) or 0 (negative), int64.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash, or no review is shorter
            than `maxlen`.
        TypeError: there are other arguments.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
    >>> x_train = keras.utils.pad_sequences(x_train, maxlen=200)  # doctest: +SKIP

    References:
        A. L. Maas et al. (2011). Learning Word Vectors for Sentiment Analysis.

    Differences: unknown arguments are errors; Keras ignores them.
    """
    if kwargs:
        names = ", ".join(map(repr, kwargs))
        hint = " `nb_words` is named `num_words` now." if "nb_words" in kwargs else ""
        raise TypeError(f"imdb.load_data has no argument {names}.{hint}")
    arrays = load_npz(fetch("imdb.npz", path))
    random = np.random.RandomState(seed)  # one stream for both parts, as in Keras
    parts = []
    for part in ("train", "test"):
        reviews, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        order = shuffled_order(len(reviews), random)
        indexed = index_words(reviews[order], start_char, index_from)
        parts.append(keep_short(indexed, labels[order], maxlen))
    (x_train, y_train), (x_test, y_test) = parts
    reviews = to_object_array(keep_frequent(x_train + x_test, num_words, skip_top, oov_char))
    return (reviews[: len(x_train)], y_train), (reviews[len(x_train) :], y_test)


def get_word_index(path: DatasetPath = "imdb_word_index.json") -> dict[str, int]:
    """Loads the index of each word, from 1, the most frequent word; `load_data` adds `index_from`.

    Args:
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.

    Returns:
        A dict from words to indices.

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash.

    Example:

    >>> (reviews, _), _ = load_data(index_from=3)  # doctest: +SKIP
    >>> words = {index + 3: word for word, index in get_word_index().items()}  # doctest: +SKIP
    >>> " ".join(words.get(index, "?") for index in reviews[0])  # doctest: +SKIP
    """
    return load_word_index("imdb_word_index.json", path)
