"""Reuters: newswires and their topics."""

from __future__ import annotations

import numpy as np

from cornu.datasets.files import (
    DatasetPath,
    Split,
    check_test_split,
    fetch,
    load_word_index,
    shuffled_order,
)
from cornu.datasets.pickled_arrays import load_npz
from cornu.datasets.word_sequences import index_words, keep_frequent, keep_short, to_object_array

__all__ = ["get_label_names", "get_word_index", "load_data"]

# The topics, by label.
_TOPICS = tuple(
    """
    cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship
    cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin
    strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem
    dlr gas silver wpi hog lead
    """.split()
)


def load_data(
    path: DatasetPath = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """Loads 11,228 newswires of 46 topics as lists of word indices.

    The more frequent a word, the smaller its index; 0 is reserved for padding.

    Args:
        path: the file, relative to the folder `datasets` of the cache or absolute. If it is
            missing, it is downloaded and its hash is verified.
        num_words: words with this index or a larger one are replaced by `oov_char`; None for the
            largest index that occurs.
        skip_top: words with a smaller index are replaced by `oov_char`.
        maxlen: newswires with this number of words or more are removed; None keeps all.
        test_split: the share of newswires for testing, in [0, 1).
        seed: the seed of the order of the newswires.
        start_char: the index at the start of each newswire; None for no start.
        oov_char: the index of replaced words; None to remove these words.
        index_from: the number to add to each index, so that smaller indices are free.

    Shapes: x `(8982,)` and `(2246,)` with the default arguments, lists of integers; y of the same
        shapes, the topic (see `get_label_names`), int64.

    Returns:
        `(x_train, y_train), (x_test, y_test)`

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash, no newswire is shorter than
            `maxlen`, or `test_split` is out of range.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
    >>> x_train = keras.utils.pad_sequences(x_train, maxlen=200)  # doctest: +SKIP
    """
    check_test_split(test_split)
    arrays = load_npz(fetch("reuters.npz", path))
    order = shuffled_order(len(arrays["x"]), np.random.RandomState(seed))
    newswires = index_words(arrays["x"][order], start_char, index_from)
    newswires, y = keep_short(newswires, arrays["y"][order], maxlen)
    x = to_object_array(keep_frequent(newswires, num_words, skip_top, oov_char))
    end = int(len(x) * (1 - test_split))
    return (x[:end], y[:end]), (x[end:], y[end:])


def get_word_index(path: DatasetPath = "reuters_word_index.json") -> dict[str, int]:
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

    >>> words = {index + 3: word for word, index in get_word_index().items()}  # doctest: +SKIP
    """
    return load_word_index("reuters_word_index.json", path)


def get_label_names() -> tuple[str, ...]:
    """Returns the names of the 46 topics, in the order of the labels.

    Example:

    >>> get_label_names()[:3]
    ('cocoa', 'grain', 'veg-oil')
    """
    return _TOPICS
