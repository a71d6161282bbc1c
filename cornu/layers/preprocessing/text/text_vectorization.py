"""TextVectorization: maps texts to the vocabulary indices of their words."""

from __future__ import annotations

from itertools import chain
from typing import Any, cast

import numpy as np

from cornu.core.graph.tensor import Tensor
from cornu.errors import check_choice, is_positive_integer
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import HostArray
from cornu.layers.preprocessing.reading import as_strings, batches
from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup
from cornu.layers.preprocessing.tabular.string_lookup import StringLookup
from cornu.layers.preprocessing.tabular.vocabulary import VocabularyLayer
from cornu.layers.preprocessing.text.ngrams import CLEANINGS, SPLITTINGS, groups, rows_of
from cornu.types import ArrayLike, ShapeLike

__all__ = ["TextVectorization"]


class TextVectorization(VocabularyLayer):
    """Maps texts to the vocabulary indices of their words.

    A text is standardized and split into words; n-grams of words or the words themselves are looked
    up in the vocabulary. Index 0 is padding, and 1 is out of vocabulary. The vocabulary is an
    argument of the constructor, or `adapt` computes it from texts.

    Args:
        max_tokens: the maximum number of terms, including padding and out of vocabulary; `adapt`
            keeps the most frequent terms.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, None, or a
            function of an array of strings.
        split: `"whitespace"`, `"character"`, None for texts that are single words, or a function
            that maps an array of strings to a list of words for each.
        ngrams: the sizes of n-grams: an integer n for all sizes up to n, or a tuple of sizes.
        output_mode: `"int"`: indices; or a vector for each text: `"multi_hot"`, 1 for terms that
            occur; `"count"`, the number of their occurrences; `"tf_idf"`, the number of occurrences
            times the weight; or `"one_hot"`, a vector for each word.
        output_sequence_length: the number of indices of each text, with `"int"`; by default that
            of the longest text of the call.
        pad_to_max_tokens: whether vectors have the size `max_tokens`, regardless of the size of
            the vocabulary.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        ragged: must be False.
        encoding: the encoding of byte strings.
        name: the name of the layer.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        texts (batch,) or (batch, 1) -> `"int"`: (batch, words); `"one_hot"`: (batch, words, terms);
        otherwise (batch, terms). The result of a single text has no batch axis. With `split=None`
        the texts may also be words of shape (batch, words).

    Raises:
        ValueError: the arguments are inconsistent, or the shape of the texts is not supported.
        TypeError: an element is not a string, or the input is a symbolic Tensor of numbers.
        RuntimeError: the layer has no vocabulary yet.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.TextVectorization()
    >>> layer.adapt(["The cat.", "The dog!"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'the', 'dog', 'cat']
    >>> layer(["the cat", "A dog barks"]).tolist()
    [[2, 4, 0], [1, 3, 1]]

    Differences: a function for `split` receives a NumPy array of strings.

    Extensions: a model with an `Input` of strings, which Keras on JAX cannot train, runs this layer
    on the host, as the last step of reading the data: once for arrays, so that texts are padded to
    the longest of all, and for each batch of other data. TensorFlow is not required. The config
    contains the vocabulary also if `adapt` computed it.

    Fixes: with `split=None` each text of shape (batch,) is one word, also for vectors and with
    `output_sequence_length`, where Keras treats the whole batch as one text.

    Fixes: vectors have the compute dtype, for arrays as for symbolic Tensors; Keras 3.15 on JAX
    returns int32 for arrays.
    """

    _accepts_strings_ = True
    _requires_strings_ = True

    _saved_names_ = {"_lookup": "_lookup_layer"}

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: ArrayLike | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        label = self._label_()
        if ragged:
            raise NotImplementedError(
                f"{label}: ragged={ragged!r} is not supported; the output is a dense array.\n"
                "Omit ragged; rows are padded with 0."
            )
        self.standardize = _check_option(label, "standardize", standardize, CLEANINGS)
        self.split = _check_option(label, "split", split, SPLITTINGS)
        self.ngrams = _ngram_sizes(label, ngrams)
        self.output_sequence_length = output_sequence_length
        self.sparse, self.ragged = bool(sparse), ragged
        self.encoding = encoding
        self.autocast = False
        self.built = True
        self._lookup = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            encoding=encoding,
            dtype=self.dtype_policy,
            name=f"{self.name}_lookup",
        )
        if output_sequence_length is not None:
            positive_int(label, "output_sequence_length", output_sequence_length)
            if self.output_mode != "int":
                raise ValueError(
                    f"{label}: output_sequence_length requires output_mode='int'. "
                    f"Received: output_mode={self.output_mode!r}"
                )

    @property
    def output_mode(self) -> str:
        """The encoding of the indices."""
        mode: str = self._lookup.output_mode
        return mode

    # --------------------------------------------------------------------------------- vocabulary

    @property
    def adaptable(self) -> bool:
        """Whether `adapt` computes the vocabulary."""
        return self._lookup.adaptable

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Computes the vocabulary from texts; an earlier vocabulary is discarded.

        Terms are sorted by decreasing frequency, and terms of equal frequency in reverse order.

        Args:
            data: an array or list of texts; or an iterable of batches (also a PyDataset or
                `tf.data.Dataset`).
            batch_size: ignored; the vocabulary does not depend on it.
            steps: the number of batches to use; all by default.
        """
        self._lookup.check_adaptable()
        self._adapt(batches(data, steps, lists=True))

    def reset_state(self) -> None:
        """Discards the statistics of the texts passed to `update_state`."""
        self._lookup.reset_state()

    def update_state(self, data: Any) -> None:
        """Counts the terms of a batch of texts."""
        self._lookup.count(self._words(as_strings(data, self._label_(), self.encoding)))

    def finalize_state(self) -> None:
        """Computes the vocabulary from the texts passed to `update_state`."""
        self._lookup.finalize_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Returns the terms in the order of their indices.

        Args:
            include_special_tokens: whether to include the tokens for padding and unknown terms,
                which come first.
        """
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Returns the number of terms, including special tokens."""
        return self._lookup.vocabulary_size()

    def _index_(self) -> IndexLookup:
        return self._lookup

    def set_vocabulary(self, vocabulary: Any, idf_weights: ArrayLike | None = None) -> None:
        """Sets the vocabulary; see `StringLookup`."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    # --------------------------------------------------------------------------------------- call

    def read(self, x: HostArray) -> Any:
        """Converts an argument of a call to an array of strings."""
        return as_strings(x, self._label_(), self.encoding)

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Does nothing: a vocabulary does not depend on the shape of the input."""

    def call(self, inputs: HostArray) -> Any:
        """Returns the indices of the words of texts, or vectors."""
        texts = np.asarray(inputs)
        rows = self._words(texts)
        limit = self.output_sequence_length
        counts = np.array(list(map(len, rows)), int)
        if limit is not None and counts.max(initial=0) > limit:
            rows, counts = [row[:limit] for row in rows], counts.clip(max=limit)
        length = limit or int(counts.max(initial=0))
        words = list(chain.from_iterable(rows))
        # The padding "" is the mask token, so that its index is 0.
        if self.output_mode == "int":
            self._lookup.check_known()
            found = np.full((len(rows), length), self._lookup.mask_position)
            _fill_rows(found, counts, self._lookup.find(words))
            return self._lookup.indices_at(self._with_axes_of(texts, found))
        padded = np.full((len(rows), length), "", object)
        _fill_rows(padded, counts, words)
        return self._lookup.look_up(self._with_axes_of(texts, padded))

    def _with_axes_of(self, texts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns rows for texts without those axes that the texts do not have."""
        if self._is_word_each and texts.ndim < 2:
            rows = rows.reshape(len(rows))
        return rows if texts.ndim else rows.reshape(rows.shape[1:])

    @property
    def _is_word_each(self) -> bool:
        """Whether texts of shape (batch,) are words whose indices have the same shape."""
        plain = self.output_mode == "int" and self.output_sequence_length is None
        return plain and self.split is None and self.ngrams is None

    def _words(self, texts: np.ndarray) -> list[list[str]]:
        """Returns the terms of each text."""
        if callable(self.standardize):
            cleaned = self.standardize(texts.astype(str))
            texts = as_strings(cleaned, f"{self._label_()}, after standardize,", self.encoding)
        if self.split is None:
            rows = texts.reshape(-1, texts.shape[-1] if texts.ndim > 1 else 1).tolist()
        else:
            if texts.ndim > 1 and (texts.ndim > 2 or texts.shape[1] != 1):
                raise ValueError(
                    f"{self._label_()} expects texts of shape (batch,) or (batch, 1). Received: "
                    f"{texts.shape}\nPass split=None if they are words."
                )
            rows = texts.ravel().tolist()
        rows = self._standardize(rows) if isinstance(self.standardize, str) else rows
        if callable(self.split):
            rows = rows_of(self.split(np.array(rows, str)), self._label_())
        elif self.split is not None:
            split = SPLITTINGS[self.split]
            rows = [split(text) for text in cast(list[str], rows)]
        if self.ngrams is not None:
            rows = [groups(row, self.ngrams) for row in rows]
        return rows

    def _standardize(self, rows: list[Any]) -> list[Any]:
        clean = CLEANINGS[self.standardize].apply
        if self.split is None:
            return [[clean(word) for word in row] for row in rows]
        return [clean(text) for text in rows]

    def compute_output_spec(self, inputs: HostArray | Tensor) -> Tensor:
        """Returns a Tensor of the shape and dtype of the output."""
        shape = inputs.shape
        if self.split is None and self.ngrams is None and self.output_sequence_length is None:
            words = shape if self._is_word_each or len(shape) > 1 else (*shape, 1)
        else:
            words = (*shape[:1], self.output_sequence_length)
        return self._lookup.compute_output_spec(Tensor(words, "int32"))

    # ------------------------------------------------------------------------------------ as data

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with the vocabulary passed or computed."""
        known = self._lookup.get_config()
        words = ("output_mode", "vocabulary", "idf_weights", "vocabulary_size")
        return {**super().get_config(), **{name: known[name] for name in words}}


def _fill_rows(rows: np.ndarray, counts: np.ndarray, values: Any) -> None:
    """Assigns values, in the order of the rows, to the first elements of each row."""
    rows[np.arange(rows.shape[1]) < counts[:, None]] = values


def _check_option(label: str, name: str, value: Any, table: dict[str, Any]) -> Any:
    if value is None or callable(value):
        return value
    return check_choice(label, name, value, tuple(table))


def _ngram_sizes(label: str, ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if is_positive_integer(ngrams):
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, (tuple, list)) and all(map(is_positive_integer, ngrams)):
        return tuple(ngrams)
    raise ValueError(
        f"{label}: ngrams must be a positive integer or a tuple of them. Received: {ngrams!r}"
    )
