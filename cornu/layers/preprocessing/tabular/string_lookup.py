"""StringLookup: maps strings to indices of a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from cornu.layers.preprocessing.base import HostArray
from cornu.layers.preprocessing.reading import as_array, as_strings
from cornu.layers.preprocessing.tabular.hash_buckets import bucket
from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup
from cornu.types import ArrayLike

__all__ = ["StringLookup"]


class StringLookup(IndexLookup):
    """Maps strings to the indices of a vocabulary.

    The vocabulary is an argument of the constructor, or `adapt` computes it from data. The indices
    are, in this order: 0 for `mask_token` (if there is one and the output mode is `"int"`), the
    `num_oov_indices` out-of-vocabulary indices, and the indices of the vocabulary.

    Args:
        max_tokens: the maximum number of terms, including mask and out-of-vocabulary tokens;
            `adapt` keeps the most frequent terms.
        num_oov_indices: the number of indices over which out-of-vocabulary terms are distributed
            by hash; if it is 0, such terms raise an error.
        mask_token: a string that represents a missing value.
        oov_token: the string that represents out-of-vocabulary terms if `invert` is True.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        invert: whether to map indices to terms.
        output_mode: `"int"`: the index; `"one_hot"`: a vector for each string; or a vector for
            the strings along the last axis: `"multi_hot"`, 1 for terms that occur; `"count"`, the
            number of their occurrences; `"tf_idf"`, the number of occurrences times the weight.
        pad_to_max_tokens: whether vectors have the size `max_tokens`, regardless of the size of
            the vocabulary.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        encoding: the encoding of byte strings.
        name: the name of the layer.
        salt: an integer or a pair of integers: the key of SipHash, which then replaces FarmHash.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., terms), a last axis of size 1
            is dropped; otherwise (batch, ..., n) -> (batch, ..., terms)

    Raises:
        ValueError: the arguments are inconsistent, or an input is out of vocabulary and
            `num_oov_indices` is 0.
        TypeError: an element is not a string, or the input is a symbolic Tensor of numbers.
        RuntimeError: the layer has no vocabulary yet.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.StringLookup(vocabulary=["a", "b", "c"])
    >>> layer(np.array([["a", "z"]])).tolist()
    [[1, 0]]
    >>> back = cornu.layers.StringLookup(vocabulary=["a", "b", "c"], invert=True)
    >>> back(np.array([[1, 0]])).tolist()
    [['a', '[UNK]']]

    Extensions: a model with an `Input` of strings, which Keras on JAX cannot train, runs this
    layer on the host, as the last step of reading the data. TensorFlow is not required; arrays,
    lists, data frame columns and string tensors are accepted. The config contains the vocabulary
    also if `adapt` computed it.

    Fixes: with `invert=True` the result is a NumPy array of strings, where Keras on JAX raises an
    error.

    Fixes: vectors have the compute dtype, for arrays as for symbolic Tensors; Keras 3.15 on JAX
    returns int32 for arrays.
    """

    _accepts_strings_ = True
    _computes_with_numpy_ = True
    _finds_mask_ = True

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.encoding = encoding
        self._setup(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            invert,
            output_mode,
            sparse,
            pad_to_max_tokens,
            salt,
        )
        self._start(vocabulary, idf_weights)

    def _terms(self, x: HostArray) -> np.ndarray:
        return as_strings(x, self._label_(), self.encoding)

    def _build_index(self) -> None:
        self._table = {term: i for i, term in enumerate(self._tokens.tolist())}
        if self.mask_token is not None:
            self._table[self.mask_token] = self.mask_position

    @property
    def _requires_strings_(self) -> bool:  # type: ignore[override]
        """Whether the layer maps strings to indices."""
        return not self.invert

    @property
    def returns_strings(self) -> bool:
        """Whether the layer maps indices to strings."""
        return self.invert

    def read(self, x: HostArray) -> Any:
        """Converts an argument of a call to an array of strings; with `invert`, of indices."""
        return as_array(x, "the input") if self.invert else self._terms(x)

    def _read_on_host_(self, x: HostArray) -> Any:
        return self.read(x)

    def call_on_host(self, x: HostArray) -> Any:
        """Like `call_on_host` of other layers, but checks only unknown terms to be strings."""
        known = self._tokens is not None and not self.invert and self._calls_plainly_(x)
        if not (known and isinstance(x, np.ndarray) and x.dtype.kind == "O"):
            return super().call_on_host(x)
        try:
            found = self._find(x)
        except TypeError:  # an element that is not hashable
            return super().call_on_host(x)
        if found.size and found.min() < 0 and set(map(type, x[found < 0].tolist())) != {str}:
            return super().call_on_host(x)
        return self.look_up(x, found)

    def call(self, inputs: HostArray) -> Any:
        """Returns the indices of strings or their encoding; with `invert`, the strings."""
        return self.look_up(np.asarray(inputs))

    @property
    def mask_position(self) -> int:
        """The position of the mask token for `find`, which follows from its index 0."""
        return -self._token_start

    def find(self, words: list[str]) -> np.ndarray:
        """Returns the position of each word in the vocabulary; -1 for unknown words.

        Args:
            words: the words, which may contain the mask token.
        """
        # Without a step of Python for each term.
        found = map(self._table.get, words, repeat(-1))
        return np.fromiter(found, np.int64, len(words))

    def indices_at(self, positions: np.ndarray) -> Any:
        """Returns the indices for `output_mode="int"` of positions that `find` returned.

        Args:
            positions: the positions, also the `mask_position`.
        """
        return self._as_indices(positions + self._token_start)

    def _find(self, x: np.ndarray) -> np.ndarray:
        return self.find(x.ravel().tolist()).reshape(x.shape)

    def _bucket(self, x: np.ndarray) -> Any:
        return bucket(x, self.num_oov_indices, self.salt, self._label_())

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Creates a layer from a config; see `IndexLookup.from_config`."""
        # A config may contain oov_method, which this constructor does not accept.
        return super().from_config(
            {k: v for k, v in config.items() if k != "oov_method"}, custom_objects
        )
