"""`keras.preprocessing.text`: words of a text as numbers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from cornu.dialects.renaming import rename_arguments

__all__ = [
    "FILTERS",
    "Tokenizer",
    "hashing_trick",
    "one_hot",
    "text_to_word_sequence",
    "tokenizer_from_json",
]

# Characters that separate words.
FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

Text = str | list[str]


def text_to_word_sequence(
    text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """Splits a text into words.

    Args:
        text: the text.
        filters: characters that are replaced by `split`.
        lower: whether to convert the text to lower case.
        split: what separates words.

    Example:

    >>> text_to_word_sequence("Deep, deeper!")
    ['deep', 'deeper']
    """
    text = text.lower() if lower else text
    table = str.maketrans(dict.fromkeys(filters, split))
    return [word for word in text.translate(table).split(split) if word]


def one_hot(
    text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[int]:
    """Returns a number from 1 to `n - 1` for each word; see `hashing_trick`."""
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | Literal["md5"] | None = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
) -> list[int]:
    """Returns a number from 1 to `n - 1` for each word, which several words may share.

    Args:
        text: the text.
        n: the number of numbers, including 0.
        hash_function: a function of a word; "md5", which is the same in each run; or None for
            Python's `hash`, which is not.
        filters, lower, split: as in `text_to_word_sequence`.

    Example:

    >>> hashing_trick("one two one", 50, "md5")
    [9, 19, 9]
    """
    compute: Callable[[str], int]
    if hash_function is None:
        compute = hash
    elif hash_function == "md5":
        compute = _md5
    else:
        compute = hash_function
    words = text_to_word_sequence(text, filters, lower, split)
    return [compute(word) % (n - 1) + 1 for word in words]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Converts texts to sequences of numbers or to rows of a matrix.

    Numbers are given to words by frequency, from 1; 0 is for padding.

    Args:
        num_words: words with this number or a larger one are left out.
        filters, lower, split: as in `text_to_word_sequence`.
        char_level: whether characters are the words.
        oov_token: what replaces unknown words; it has the number 1.
        document_count: the number of texts so far.

    Attributes:
        word_counts: how often each word occurs, in the order of their first occurrence.
        word_docs: in how many texts each word occurs.
        word_index: the number of each word.
        index_word: the word of each number.

    Example:

    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["a b a", "a c"])
    >>> tokenizer.texts_to_sequences(["a c b"])
    [[1, 3, 2]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        **kwargs: Any,
    ) -> None:
        given = rename_arguments("Tokenizer", kwargs, {"nb_words": "num_words"})
        self.num_words = given.pop("num_words", num_words)
        if given:
            raise TypeError(f"Tokenizer has no argument {next(iter(given))!r}.")
        self.filters = filters
        self.lower = lower
        self.split = split
        self.char_level = char_level
        self.oov_token = oov_token
        self.document_count = document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: Counter[str] = Counter()
        self.index_docs: dict[int, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def fit_on_texts(self, texts: Iterable[Text]) -> None:
        """Counts the words of texts, and numbers them.

        Args:
            texts: texts, or lists of words.
        """
        for text in texts:
            self.document_count += 1
            words = self._split(text)
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            self.word_docs.update(set(words))
        # Sorting is stable: of equally frequent words, the first one has the smaller number.
        by_frequency = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        ordered = [*([] if self.oov_token is None else [self.oov_token]), *by_frequency]
        self.word_index = {word: i for i, word in enumerate(ordered, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        self.index_docs = {self.word_index[word]: n for word, n in self.word_docs.items()}

    def fit_on_sequences(self, sequences: Iterable[Sequence[int]]) -> None:
        """Counts in how many sequences each number occurs, for `sequences_to_matrix`."""
        for sequence in sequences:
            self.document_count += 1
            for i in set(sequence):
                self.index_docs[i] = self.index_docs.get(i, 0) + 1

    def texts_to_sequences(self, texts: Iterable[Text]) -> list[list[int]]:
        """Returns the numbers of the known words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Text]) -> Iterator[list[int]]:
        """Yields the numbers of the known words of each text."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            numbers = []
            for word in self._split(text):
                number = self.word_index.get(word)
                if number is not None and self.num_words and number >= self.num_words:
                    number = None
                number = unknown if number is None else number
                if number is not None:
                    numbers.append(number)
            yield numbers

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """Returns the words of each sequence, separated by spaces."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Sequence[int]]) -> Iterator[str]:
        """Yields the words of each sequence, separated by spaces."""
        for sequence in sequences:
            words = []
            for number in sequence:
                word = self.index_word.get(number)
                if word is not None and self.num_words and number >= self.num_words:
                    word = self.oov_token
                elif word is None:
                    word = self.oov_token
                if word is not None:
                    words.append(word)
            yield " ".join(words)

    def texts_to_matrix(self, texts: Iterable[Text], mode: str = "binary") -> np.ndarray:
        """Returns a row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(
        self, sequences: Sequence[Sequence[int]], mode: str = "binary"
    ) -> np.ndarray:
        """Returns a row for each sequence, with a column for each number.

        Args:
            sequences: lists of numbers.
            mode: "binary", "count", "freq" or "tfidf".

        Raises:
            ValueError: the mode is unknown, or there are no words yet.
        """
        if mode not in _MODES:
            raise ValueError(f"mode must be in {', '.join(_MODES)}. Received: {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: set num_words, or call fit_on_texts first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: call fit_on_texts or fit_on_sequences first.")
        columns = self.num_words or len(self.word_index) + 1
        rows = np.zeros((len(sequences), columns))
        for row, sequence in zip(rows, sequences, strict=True):
            counts = Counter(i for i in sequence if i < columns)
            for i, count in counts.items():
                row[i] = self._weigh(mode, i, count, len(sequence))
        return rows

    def _weigh(self, mode: str, i: int, count: int, length: int) -> float:
        if mode == "tfidf":
            inverse = np.log(1 + self.document_count / (1 + self.index_docs.get(i, 0)))
            return float((1 + np.log(count)) * inverse)
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def _split(self, text: Text) -> list[str]:
        if isinstance(text, str) and not self.char_level:
            return text_to_word_sequence(text, self.filters, self.lower, self.split)
        if not self.lower:
            return list(text)
        return list(text.lower()) if isinstance(text, str) else [word.lower() for word in text]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments and the counts as plain data."""
        names = ("num_words", "filters", "lower", "split", "char_level", "oov_token")
        counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            **{name: getattr(self, name) for name in names},
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in counted},
        }

    def to_json(self, **kwargs: Any) -> str:
        """Returns the tokenizer as JSON text, which `tokenizer_from_json` reads."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


_MODES = ("binary", "count", "freq", "tfidf")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """Creates a tokenizer from the result of `to_json()`."""
    config = json.loads(json_string)["config"]
    counted = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    values = {name: json.loads(config.pop(name)) for name in counted}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = values["word_counts"]
    tokenizer.word_docs = Counter(values["word_docs"])
    tokenizer.word_index = values["word_index"]
    tokenizer.index_docs = {int(i): n for i, n in values["index_docs"].items()}
    tokenizer.index_word = {int(i): word for i, word in values["index_word"].items()}
    return tokenizer
