"""TextVectorization: texts as the positions of their words in a vocabulary."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from cornu import registry
from cornu.core.graph.tensor import Tensor
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import HostArray, Learning, no_sparse, one_of
from cornu.layers.preprocessing.reading import as_strings, batches
from cornu.layers.preprocessing.tabular.index_lookup import take_vocabulary
from cornu.layers.preprocessing.tabular.string_lookup import StringLookup
from cornu.layers.preprocessing.text.ngrams import CLEANINGS, SPLITTINGS, groups, rows_of
from cornu.types import ArrayLike

__all__ = ["TextVectorization"]


class TextVectorization(Learning):
    """Replaces texts by the positions of their words in a vocabulary, which is given or learned.

    A text is cleaned, split into words, these are joined to groups (if asked for) and looked up:
    0 is padding, 1 is out of vocabulary.

    Args:
        max_tokens: how many terms there may be, these two included; the rarest are left out by
            `adapt`.
        standardize: what is done to a text first: `"lower_and_strip_punctuation"`, `"lower"`,
            `"strip_punctuation"`, None, or a function of an array of strings.
        split: where a text is split: `"whitespace"`, `"character"` (everywhere), None (nowhere),
            or a function from an array of strings to a list of words for each.
        ngrams: groups of how many neighbouring words are terms: up to an integer, or just those of
            a tuple.
        output_mode: `"int"`: positions; otherwise a vector for each text: `"multi_hot"`, which
            terms occur, `"count"`, how often, `"tf_idf"`, how often times the weight of the term;
            or `"one_hot"`, a vector for each word.
        output_sequence_length: how many positions each text has, with `"int"`; by default as many
            as the longest of the call.
        pad_to_max_tokens: whether vectors have `max_tokens` places, however many terms there are.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        sparse, ragged: must be False.
        encoding: of texts that come as bytes.
        name: as of every layer.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        texts (batch,) or (batch, 1) -> `"int"`: (batch, words); `"one_hot"`: (batch, words, terms);
        otherwise (batch, terms). A single text gives the same without batch. With `split=None`
        also (batch, words), which are words already.

    Raises:
        ValueError: arguments that contradict each other, or texts of another shape.
        TypeError: an element is not a string, or the input is a symbolic Tensor.
        RuntimeError: the layer has no vocabulary yet.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.TextVectorization()
    >>> layer.adapt(["The cat.", "The dog!"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'the', 'dog', 'cat']
    >>> layer(["the cat", "A dog barks"]).tolist()
    [[2, 4, 0], [1, 3, 1]]

    Differences: JAX has no strings, so that this layer cannot be part of a functional model: call
    it on the data, or map it over a dataset. No TensorFlow is needed. Vectors have the compute
    dtype. With `split=None` each text of (batch,) is one word, also for vectors and with
    `output_sequence_length`, where Keras takes the whole batch for one text. A function for `split`
    gets an array of strings of NumPy. The config holds the vocabulary also if it was learned, so
    that a copy made of it knows it.
    """

    only_on_data = True

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
        label = self._label()
        no_sparse(label, sparse, ragged)
        self.standardize = _known(label, "standardize", standardize, CLEANINGS)
        self.split = _known(label, "split", split, SPLITTINGS)
        self.ngrams = _widths(label, ngrams)
        self.output_sequence_length = output_sequence_length
        self.sparse, self.ragged = sparse, ragged
        self.encoding = encoding
        self.autocast = False
        self.built = True
        self._lookup = StringLookup(
            max_tokens=max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            encoding=encoding,
            dtype=self.dtype_policy,
            name=f"{self.name}_lookup",
        )
        if output_sequence_length is not None:
            positive_int(label, "output_sequence_length", output_sequence_length)
            if self.output_mode != "int":
                raise ValueError(
                    f"{label}: output_sequence_length is of use with output_mode='int', not "
                    f"{self.output_mode!r}: a vector for a text has no length."
                )

    @property
    def output_mode(self) -> str:
        """What becomes of positions."""
        mode: str = self._lookup.output_mode
        return mode

    # --------------------------------------------------------------------------------- vocabulary

    @property
    def adaptable(self) -> bool:
        """Whether the vocabulary is learned rather than given."""
        return self._lookup.adaptable

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns the vocabulary from texts: the most frequent terms come first, of equally
        frequent ones the greater. What was learned before is forgotten.

        Args:
            data: an array or list of texts; or an iterable of batches (also a PyDataset or
                `tf.data.Dataset`).
            batch_size: without effect, the vocabulary does not depend on it.
            steps: how many batches to look at; all by default.
        """
        self._lookup.check_adaptable()
        self.reset_state()
        for batch in batches(data, steps, lists=True):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the texts seen by `update_state`."""
        self._lookup.reset_state()

    def update_state(self, data: Any) -> None:
        """Takes a batch of texts into account."""
        self._lookup.count(self._words(as_strings(data, self._label(), self.encoding)))

    def finalize_state(self) -> None:
        """Makes the vocabulary of the texts seen by `update_state`."""
        self._lookup.finalize_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """Returns the terms in the order of their positions; see `StringLookup`."""
        return self._lookup.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """Returns the number of terms, special tokens included."""
        return self._lookup.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: ArrayLike | None = None) -> None:
        """Sets the terms, instead of learning them; see `StringLookup`."""
        self._lookup.set_vocabulary(vocabulary, idf_weights)

    # --------------------------------------------------------------------------------------- call

    def read(self, x: HostArray) -> Any:
        """Returns an argument of a call as an array of strings."""
        return as_strings(x, self._label(), self.encoding)

    def call(self, inputs: HostArray) -> Any:
        """Returns the positions of the words of texts, or vectors."""
        texts = np.asarray(inputs)
        rows = self._words(texts)
        length = self.output_sequence_length or max(map(len, rows), default=0)
        words = np.full((len(rows), length), "", object)
        for row, found in zip(words, rows, strict=True):
            found = found[:length]
            row[: len(found)] = found
        if self._is_word_each and texts.ndim < 2:
            words = words[:, 0]
        return self._lookup.look_up(words if texts.ndim else words.reshape(words.shape[1:]))

    @property
    def _is_word_each(self) -> bool:
        """Whether texts of (batch,) are words whose positions are returned as they are."""
        plain = self.output_mode == "int" and self.output_sequence_length is None
        return plain and self.split is None and self.ngrams is None

    def _words(self, texts: np.ndarray) -> list[list[str]]:
        """Returns the terms of each text."""
        if callable(self.standardize):
            cleaned = self.standardize(texts.astype(str))
            texts = as_strings(cleaned, f"{self._label()}, behind standardize,", self.encoding)
        if self.split is None:
            rows = texts.reshape(-1, texts.shape[-1] if texts.ndim > 1 else 1).tolist()
        else:
            if texts.ndim > 1 and (texts.ndim > 2 or texts.shape[1] != 1):
                raise ValueError(
                    f"{self._label()} takes texts of shape (batch,) or (batch, 1). Received: "
                    f"{texts.shape}\nWith split=None they are taken for words."
                )
            rows = texts.ravel().tolist()
        rows = self._cleaned(rows) if isinstance(self.standardize, str) else rows
        if callable(self.split):
            rows = rows_of(self.split(np.array(rows, str)), self._label())
        elif self.split is not None:
            split = SPLITTINGS[self.split]
            rows = [split(text) for text in cast(list[str], rows)]
        if self.ngrams is not None:
            rows = [groups(row, self.ngrams) for row in rows]
        return rows

    def _cleaned(self, rows: list[Any]) -> list[Any]:
        table = CLEANINGS[self.standardize]
        if self.split is None:
            return [[word.translate(table) for word in row] for row in rows]
        return [text.translate(table) for text in rows]

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
        """Returns the constructor's arguments, and the vocabulary whether given or learned."""
        known = self._lookup.get_config()
        words = ("output_mode", "vocabulary", "idf_weights", "vocabulary_size")
        return {**super().get_config(), **{name: known[name] for name in words}}

    def constructor_arguments(self) -> dict[str, Any]:
        """Returns the constructor's arguments but the vocabulary, which is written otherwise."""
        left_out = ("vocabulary", "idf_weights")
        return {k: v for k, v in super().constructor_arguments().items() if k not in left_out}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from what `get_config()` returned.

        Raises:
            ValueError: the vocabulary is not in the config, but a path: no file is opened because
                a config says so.
        """
        known = ("vocabulary", "idf_weights", "vocabulary_size", "has_input_vocabulary")
        vocabulary, weights = (registry.deserialize(config.get(name)) for name in known[:2])
        layer = super().from_config({k: v for k, v in config.items() if k not in known})
        take_vocabulary(layer, vocabulary, weights)
        return layer


def _known(label: str, name: str, value: Any, table: dict[str, Any]) -> Any:
    if value is None or callable(value):
        return value
    return one_of(label, name, value, tuple(table))


def _widths(label: str, ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if isinstance(ngrams, int) and not isinstance(ngrams, bool) and ngrams > 0:
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, (tuple, list)) and all(isinstance(n, int) and n > 0 for n in ngrams):
        return tuple(ngrams)
    raise ValueError(
        f"{label}: ngrams is a positive integer, or a tuple of them. Received: {ngrams!r}"
    )
