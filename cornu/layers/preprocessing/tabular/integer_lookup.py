"""IntegerLookup: integers as their positions in a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.layers.preprocessing.base import HostArray, on_host, one_of
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.layers.preprocessing.tabular.hash_buckets import bucket
from cornu.layers.preprocessing.tabular.index_lookup import IndexLookup
from cornu.types import ArrayLike

__all__ = ["IntegerLookup"]


class IntegerLookup(IndexLookup):
    """Replaces integers by their positions in a vocabulary, which is given or learned.

    Positions are, in this order: 0 for `mask_token`, if there is one and the output is `"int"`;
    `num_oov_indices` for what is out of vocabulary; then the vocabulary.

    Args:
        max_tokens: how many terms there may be, mask and out-of-vocabulary tokens included; the
            rarest are left out by `adapt`.
        num_oov_indices: how many positions share what is out of vocabulary; with 0 that is an
            error.
        mask_token: an integer that means "nothing here".
        oov_token: the string for out-of-vocabulary terms when indices are inverted.
        vocabulary: the terms in order; or the path of a text file with one on each line.
        vocabulary_dtype: `"int64"`.
        idf_weights: for `"tf_idf"`, the weight of each term of `vocabulary`.
        invert: whether to turn positions back into terms.
        output_mode: `"int"`: the position; `"one_hot"`: a vector for each integer; or a vector for
            those along the last axis: `"multi_hot"`, which terms occur, `"count"`, how often,
            `"tf_idf"`, how often times the weight of the term.
        sparse: must be False.
        pad_to_max_tokens: whether vectors have `max_tokens` places, however many terms there are.
        oov_method: how terms out of vocabulary are shared out: by remainder (`"floormod"`), or
            fingerprint (`"farmhash"`).
        salt: an integer, or two, which make the choice by fingerprint another one.
        name: as of every layer.
        **kwargs: `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., terms), a last axis of size 1
            being dropped; otherwise (batch, ..., n) -> (batch, ..., terms)

    Raises:
        ValueError: arguments that contradict each other, or a term that is out of vocabulary
            where there is no position for it.
        RuntimeError: the layer has no vocabulary yet.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.IntegerLookup()
    >>> layer.adapt([[12, 42, 42]])
    >>> layer.get_vocabulary(), layer(np.array([[42, 7]])).tolist()
    ([-1, 42, 12], [[1, 0]])

    Differences: works within compiled models, and needs no TensorFlow. There, integers are those
    that JAX has (of 32 bits, unless 64 are switched on), and a term without position becomes -1;
    called on arrays of NumPy the layer sees all 64 bits. Vectors have the compute dtype. The
    config holds the vocabulary also if it was learned, so that a copy made of it knows it.
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
        self.vocabulary_dtype = one_of(
            self._label(), "vocabulary_dtype", vocabulary_dtype, ("int64",)
        )
        self.oov_method = one_of(self._label(), "oov_method", oov_method, ("floormod", "farmhash"))
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"{self._label()}: salt is of use with oov_method='farmhash'.")
        self._start(vocabulary, idf_weights)

    def _terms(self, x: HostArray) -> np.ndarray:
        return _integers(np.asarray(as_array(x, f"{self._label()}: the data")), self._label())

    def _parsed(self, lines: list[str]) -> list[int]:
        wrong = [line for line in lines if not line.strip().lstrip("-").isdecimal()]
        if wrong:
            raise ValueError(
                f"{self._label()}: a line of the file is not an integer: {wrong[0][:50]!r}"
            )
        return list(map(int, lines))

    def _index(self) -> None:
        self._order = np.argsort(self._tokens, kind="stable")
        self._sorted = self._tokens[self._order]

    def read(self, x: HostArray) -> Any:
        """Returns an argument of a call as an array, of NumPy if it was."""
        return as_array(x, "the input")

    def call(self, inputs: HostArray) -> Any:
        """Returns the positions of integers, their encoding, or the integers of positions."""
        x = on_host(inputs)
        if isinstance(x, np.ndarray):
            return self.look_up(_integers(x, self._label()))
        short = (
            jnp.result_type(x.dtype, "int32") if jnp.issubdtype(x.dtype, jnp.integer) else "int32"
        )
        return self.look_up(x.astype(short))

    def _found(self, x: HostArray) -> Any:
        xp = np if isinstance(x, np.ndarray) else jnp
        keys, order = self._sorted, self._order
        if xp is jnp:
            # What does not fit into the dtype cannot be among the input either.
            kept = (keys >= jnp.iinfo(x.dtype).min) & (keys <= jnp.iinfo(x.dtype).max)
            keys, order = keys[kept].astype(x.dtype), order[kept].astype("int32")
        if not len(keys):
            return xp.full(x.shape, -1)
        at = xp.minimum(xp.searchsorted(keys, x), len(keys) - 1)
        return xp.where(xp.asarray(keys)[at] == x, xp.asarray(order)[at], -1)

    def _bucket(self, x: HostArray) -> Any:
        if self.oov_method == "floormod":
            return x % self.num_oov_indices
        return bucket(x, self.num_oov_indices, self.salt, self._label())


def _integers(x: np.ndarray, label: str) -> np.ndarray:
    if holds_strings(x):
        raise TypeError(
            f"{label} takes integers. Received: {x.ravel()[:1].tolist()}\n"
            "Write x.astype(int) if they are numbers, or take StringLookup."
        )
    whole = x.astype("int64")
    if x.dtype.kind == "f" and (whole != x).any():
        raise TypeError(
            f"{label} takes integers. Received: {x[whole != x].ravel()[0]}\n"
            "Numbers that measure something go through Discretization or Normalization."
        )
    return whole
