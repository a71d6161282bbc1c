"""StringLookup: strings as their positions in a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.layers.preprocessing.base import HostArray
from cornu.layers.preprocessing.reading import as_array, as_strings
from cornu.layers.preprocessing.tabular.hash_buckets import bucket
from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup
from cornu.types import ArrayLike

__all__ = ["StringLookup"]


class StringLookup(IndexLookup):
    """Replaces strings by their positions in a vocabulary, which is given or learned.

    Positions are, in this order: 0 for `mask_token`, if there is one and the output is `"int"`;
    `num_oov_indices` for what is out of vocabulary; then the vocabulary.

    Args:
        max_tokens: how many terms there may be, mask and out-of-vocabulary tokens included; the
            rarest are left out by `adapt`.
        num_oov_indices: how many positions share, by fingerprint, what is out of vocabulary; with 0
            that is an error.
        mask_token: a string that means "nothing here".
        oov_token: the string for out-of-vocabulary terms when indices are inverted.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        invert: whether to turn positions back into terms.
        output_mode: `"int"`: the position; `"one_hot"`: a vector for each string; or a vector for
            those along the last axis: `"multi_hot"`, which terms occur, `"count"`, how often,
            `"tf_idf"`, how often times the weight of the term.
        pad_to_max_tokens: whether vectors have `max_tokens` places, however many terms there are.
        sparse: must be False.
        encoding: of strings that come as bytes.
        name: as of every layer.
        salt: an integer, or two, which make the choice by fingerprint another one.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., terms), a last axis of size 1
            being dropped; otherwise (batch, ..., n) -> (batch, ..., terms)

    Raises:
        ValueError: arguments that contradict each other, or a term that is out of vocabulary
            where there is no position for it.
        TypeError: an element is not a string, or the input is a symbolic Tensor.
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

    Differences: JAX has no strings, so that this layer cannot be part of a functional model: call
    it on the data, or map it over a dataset. No TensorFlow is needed; arrays, lists, columns of
    data frames and string tensors are taken alike. Turned back, strings come in an array of NumPy
    (in Keras on JAX that fails). Vectors have the compute dtype; those of Keras on JAX are integers
    when it is called, and floats as it says. The config holds the vocabulary also if it was
    learned, so that a copy made of it knows it.
    """

    only_on_data = True

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
        return as_strings(x, self._label(), self.encoding)

    def _index(self) -> None:
        self._table = {term: i for i, term in enumerate(self._tokens.tolist())}

    @property
    def gives_strings(self) -> bool:
        """Whether positions are turned back into strings."""
        return self.invert

    def read(self, x: HostArray) -> Any:
        """Returns an argument of a call as an array: of strings, or inverted of positions."""
        return as_array(x, "the input") if self.invert else self._terms(x)

    def call(self, inputs: HostArray) -> Any:
        """Returns the positions of strings, their encoding, or the strings of positions."""
        return self.look_up(np.asarray(inputs))

    def _found(self, x: np.ndarray) -> np.ndarray:
        get = self._table.get
        found = [get(term, -1) for term in x.ravel().tolist()]
        return np.array(found, "int64").reshape(x.shape)

    def _bucket(self, x: np.ndarray) -> Any:
        return bucket(x, self.num_oov_indices, self.salt, self._label())

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from what `get_config()` returned; see `IndexLookup.from_config`."""
        return super().from_config({k: v for k, v in config.items() if k != "oov_method"})
