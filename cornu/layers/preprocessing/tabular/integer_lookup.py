"""IntegerLookup: maps integers to indices of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.errors import check_choice
from cornu.layers.preprocessing.base import HostArray, to_host
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.layers.preprocessing.tabular.hash_buckets import bucket
from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup
from cornu.types import ArrayLike

__all__ = ["IntegerLookup"]


class IntegerLookup(IndexLookup):
    """Maps integers to the indices of a vocabulary.

    The vocabulary is an argument of the constructor, or `adapt` computes it from data. The indices
    are, in this order: 0 for `mask_token` (if there is one and the output mode is `"int"`), the
    `num_oov_indices` out-of-vocabulary indices, and the indices of the vocabulary.

    Args:
        max_tokens: the maximum number of terms, including mask and out-of-vocabulary tokens;
            `adapt` keeps the most frequent terms.
        num_oov_indices: the number of indices for out-of-vocabulary terms; if it is 0, such terms
            raise an error.
        mask_token: an integer that represents a missing value.
        oov_token: the integer that represents out-of-vocabulary terms if `invert` is True.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        vocabulary_dtype: `"int64"`.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        invert: whether to map indices to terms.
        output_mode: `"int"`: the index; `"one_hot"`: a vector for each integer; or a vector for
            the integers along the last axis: `"multi_hot"`, 1 for terms that occur; `"count"`, the
            number of their occurrences; `"tf_idf"`, the number of occurrences times the weight.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        pad_to_max_tokens: whether vectors have the size `max_tokens`, regardless of the size of
            the vocabulary.
        oov_method: how out-of-vocabulary terms are distributed over their indices: by remainder
            (`"floormod"`) or by hash (`"farmhash"`).
        salt: an integer or a pair of integers: the key of SipHash, which then replaces FarmHash.
        name: the name of the layer.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., terms), a last axis of size 1
            is dropped; otherwise (batch, ..., n) -> (batch, ..., terms)

    Raises:
        ValueError: the arguments are inconsistent, or an input is out of vocabulary and
            `num_oov_indices` is 0.
        RuntimeError: the layer has no vocabulary yet.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.IntegerLookup()
    >>> layer.adapt([[12, 42, 42]])
    >>> layer.get_vocabulary(), layer(np.array([[42, 7]])).tolist()
    ([-1, 42, 12], [[1, 0]])

    Extensions: the layer runs in compiled models, and does not require TensorFlow. In a compiled
    model, integers have 32 bits unless x64 is enabled, and terms without an index become -1; NumPy
    arrays are looked up with 64 bits. The config contains the vocabulary also if `adapt` computed
    it.

    Fixes: vectors have the compute dtype, for arrays as for symbolic Tensors; Keras 3.15 on JAX
    returns int32 for arrays.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: ArrayLike | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
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
        self.vocabulary_dtype = check_choice(
            self._label_(), "vocabulary_dtype", vocabulary_dtype, ("int64",)
        )
        self.oov_method = check_choice(
            self._label_(), "oov_method", oov_method, ("floormod", "farmhash")
        )
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"{self._label_()}: salt requires oov_method='farmhash'.")
        self._start(vocabulary, idf_weights)

    def _terms(self, x: HostArray) -> np.ndarray:
        return _to_integers(np.asarray(as_array(x, f"{self._label_()}: the data")), self._label_())

    def _parse_lines_(self, lines: list[str]) -> list[int]:
        wrong = [line for line in lines if not line.strip().lstrip("-").isdecimal()]
        if wrong:
            raise ValueError(
                f"{self._label_()}: a line of the file is not an integer: {wrong[0][:50]!r}"
            )
        return list(map(int, lines))

    def _build_index(self) -> None:
        self._order = np.argsort(self._tokens, kind="stable")
        self._sorted = self._tokens[self._order]

    def read(self, x: HostArray) -> Any:
        """Converts an argument of a call to an array; NumPy arrays are returned unchanged."""
        return as_array(x, "the input")

    def call(self, inputs: HostArray) -> Any:
        """Returns the indices of integers or their encoding; with `invert`, the integers."""
        x = to_host(inputs)
        if isinstance(x, np.ndarray):
            return self.look_up(_to_integers(x, self._label_()))
        short = (
            jnp.result_type(x.dtype, "int32") if jnp.issubdtype(x.dtype, jnp.integer) else "int32"
        )
        return self.look_up(x.astype(short))

    def _find(self, x: HostArray) -> Any:
        # Binary search in sorted keys runs on NumPy and JAX arrays alike, unlike a dict.
        xp = np if isinstance(x, np.ndarray) else jnp
        keys, order = self._sorted, self._order
        if xp is jnp:
            # Keys that the dtype cannot represent do not occur in the input.
            kept = (keys >= jnp.iinfo(x.dtype).min) & (keys <= jnp.iinfo(x.dtype).max)
            keys, order = keys[kept].astype(x.dtype), order[kept].astype("int32")
        if not len(keys):
            return xp.full(x.shape, -1)
        at = xp.minimum(xp.searchsorted(keys, x), len(keys) - 1)
        return xp.where(xp.asarray(keys)[at] == x, xp.asarray(order)[at], -1)

    def _bucket(self, x: HostArray) -> Any:
        if self.oov_method == "floormod":
            return x % self.num_oov_indices
        return bucket(x, self.num_oov_indices, self.salt, self._label_())


def _to_integers(x: np.ndarray, label: str) -> np.ndarray:
    if holds_strings(x):
        raise TypeError(
            f"{label} expects integers. Received: {x.ravel()[:1].tolist()}\n"
            "Convert strings of digits with x.astype(int), or use StringLookup."
        )
    whole = x.astype("int64")
    if x.dtype.kind == "f" and (whole != x).any():
        raise TypeError(
            f"{label} expects integers. Received: {x[whole != x].ravel()[0]}\n"
            "Use Discretization or Normalization for continuous values."
        )
    return whole
