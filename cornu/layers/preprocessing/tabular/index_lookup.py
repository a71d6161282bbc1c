"""IndexLookup: the base class of IntegerLookup and StringLookup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.errors import check_choice, is_positive_integer, quantity
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import (
    AdaptableLayer,
    HostArray,
    as_output,
    check_sparse,
    new_output,
)
from cornu.layers.preprocessing.reading import batches, is_array
from cornu.layers.preprocessing.tabular.encoding import MODES, encode, encoded_shape
from cornu.layers.preprocessing.tabular.hash_buckets import salt_pair
from cornu.layers.preprocessing.tabular.term_counts import Counts
from cornu.layers.preprocessing.tabular.vocabulary import VocabularyLayer, read_lines
from cornu.types import ArrayLike

__all__ = ["IndexLookup"]

_MODES = (*MODES, "tf_idf")
_OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


class IndexLookup(VocabularyLayer):
    """Base class of IntegerLookup and StringLookup.

    The indices are, in this order: 0 for the mask token (if there is one and the output mode is
    `"int"`), the out-of-vocabulary indices, and the indices of the vocabulary.

    A subclass defines how terms are read (`_terms`), how they are found in the vocabulary
    (`_find`), and which out-of-vocabulary index an unknown term has (`_bucket`).
    """

    _bookkeeping_ = AdaptableLayer._bookkeeping_ | {"_counts", "_given"}

    # The size, by the config, of a vocabulary that an archive of Keras stores in a file of its own.
    # The model is built before that file is read.
    _expected_size_: int | None = None

    # Whether `_find` returns the position of the mask token that gives its index.
    _finds_mask_: ClassVar[bool] = False

    def _setup(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        invert: bool,
        output_mode: str,
        sparse: bool,
        pad_to_max_tokens: bool,
        salt: int | Sequence[int] | None,
    ) -> None:
        """Checks and sets the arguments that both constructors have."""
        label = self._label_()
        if max_tokens is not None and positive_int(label, "max_tokens", max_tokens) == 1:
            raise ValueError(f"{label}: max_tokens must be >= 2. Received: 1")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{label}: pad_to_max_tokens=True requires max_tokens.")
        if num_oov_indices != 0 and not is_positive_integer(num_oov_indices):
            raise ValueError(
                f"{label}: num_oov_indices must be an integer >= 0. Received: {num_oov_indices!r}"
            )
        mode = check_choice(label, "output_mode", _OLD_MODES.get(output_mode, output_mode), _MODES)
        if invert and mode != "int":
            raise ValueError(
                f"{label}: invert=True requires output_mode='int'. Received: output_mode={mode!r}"
            )
        self.max_tokens = max_tokens
        self.num_oov_indices = int(num_oov_indices)
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.invert = invert
        self.output_mode = mode
        self.sparse = check_sparse(label, sparse, mode)
        self.pad_to_max_tokens = pad_to_max_tokens
        self.salt = salt_pair(label, salt)
        self.autocast = False
        self.built = True
        self.idf_weights: Any = None
        self._tokens: Any = None
        self._given = False
        self.reset_state()

    def _start(self, vocabulary: Any, idf_weights: ArrayLike | None) -> None:
        """Sets the vocabulary that was passed to the constructor, if any."""
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
            self._given = True
        elif idf_weights is not None:
            raise ValueError(f"{self._label_()}: idf_weights requires a vocabulary. Pass both.")

    # --------------------------------------------------------------------------------- vocabulary

    @property
    def _oov_start(self) -> int:
        # As in Keras, the mask token has an index in this mode only; encodings ignore it.
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def _index_(self) -> IndexLookup:
        return self

    def _special_tokens_(self) -> list[Any]:
        return [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Returns the terms in the order of their indices.

        Args:
            include_special_tokens: whether to include mask and out-of-vocabulary tokens, which
                come first.
        """
        tokens = [] if self._tokens is None else self._tokens.tolist()
        return self._special_tokens_() + tokens if include_special_tokens else tokens

    def vocabulary_size(self) -> int:
        """Returns the number of terms, including mask and out-of-vocabulary tokens."""
        return self._token_start + (0 if self._tokens is None else len(self._tokens))

    def set_vocabulary(self, vocabulary: Any, idf_weights: ArrayLike | None = None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: the terms in order, without mask and out-of-vocabulary tokens or with all
                of them at the front; or the path of a text file with a term on each line.
            idf_weights: for `output_mode="tf_idf"` only, the weight of each term.

        Raises:
            ValueError: the vocabulary is empty, exceeds `max_tokens`, or contains a term twice or
                the mask token; or the weights are missing or their number differs.
        """
        label = self._label_()
        if (self.output_mode == "tf_idf") != (idf_weights is not None):
            rule = "requires" if idf_weights is None else "does not accept"
            mode = f"output_mode={self.output_mode!r}"
            raise ValueError(f"{label}: a vocabulary with {mode} {rule} idf_weights.")
        if isinstance(vocabulary, (str, Path)):
            vocabulary = self._parse_lines_(read_lines(Path(vocabulary), label))
        terms = self._terms(vocabulary).ravel()
        listed, specials = terms.tolist(), self._special_tokens_()
        whole = bool(specials) and listed[: len(specials)] == specials
        tokens = terms[len(specials) :] if whole else terms
        self._check_tokens(tokens.tolist())
        weights = None
        if idf_weights is not None:
            weights = np.asarray(idf_weights, "float32")
            if weights.shape != terms.shape:
                raise ValueError(
                    f"{label}: idf_weights must have the shape ({len(terms)},), one weight for "
                    f"each term. Received: {weights.shape}"
                )
            weights = self._pad_weights(weights, specials=whole)
        self._assign_vocabulary(tokens, weights)

    def _check_tokens(self, tokens: list[Any]) -> None:
        label = self._label_()
        if not tokens:
            raise ValueError(f"{label}: the vocabulary is empty.")
        repeated = [term for term, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError(f"{label}: the vocabulary has repeated terms: {repeated[:10]}")
        for name, special in (("mask_token", self.mask_token), ("oov_token", self.oov_token)):
            # Only an inverted lookup returns the out-of-vocabulary token, and could confuse it with
            # a term.
            matters = name == "mask_token" or self.invert
            if special is not None and matters and special in tokens:
                raise ValueError(
                    f"{label}: the {name} {special!r} is at index {tokens.index(special)} of the "
                    "vocabulary.\nOmit the mask and out-of-vocabulary tokens, or begin the "
                    f"vocabulary with all of them: {self._special_tokens_()}."
                )
        size = self._token_start + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"{label}: the vocabulary has {quantity(size, 'term')}, including mask and "
                f"out-of-vocabulary tokens, which exceeds max_tokens={self.max_tokens}."
            )

    def _pad_weights(self, weights: np.ndarray, specials: bool) -> np.ndarray:
        """Adds the weights of the special tokens, and zeros for unused indices."""
        if not specials:
            # The frequency of unknown terms is unknown: use the mean weight, as Keras does.
            weights = np.concatenate([np.full(self._token_start, weights.mean()), weights])
        rest = self.max_tokens - len(weights) if self.pad_to_max_tokens and self.max_tokens else 0
        return np.pad(weights, (0, rest)).astype("float32")

    def _assign_vocabulary(self, tokens: np.ndarray, weights: np.ndarray | None) -> None:
        depth = self._depth()
        if self._tokens is not None:
            self.check_changeable()
        before, self._tokens = self._tokens, tokens
        # Layers after this one were built for the size of its vectors.
        in_graph = any(ref() is not None for ref in self._nodes_)
        if in_graph and before is not None and self._depth() != depth:
            self._tokens = before
            raise RuntimeError(
                f"{self._label_()} is part of a functional model that was built for vectors of "
                f"size {depth}; the new vocabulary requires vectors of size "
                f"{self._token_start + len(tokens)}.\n"
                "Use a new layer, or pass max_tokens and pad_to_max_tokens=True."
            )
        self.idf_weights = weights
        self._build_index()

    def _build_index(self) -> None:
        """Builds the data structure in which terms are looked up."""
        raise NotImplementedError

    def _terms(self, x: Any) -> np.ndarray:
        """Converts terms to an array."""
        raise NotImplementedError

    def _parse_lines_(self, lines: list[str]) -> list[Any]:
        """Converts the lines of a vocabulary file to terms."""
        return list(lines)

    def _depth(self) -> int | None:
        """Returns the size of vectors, or None if it is unknown."""
        if self.pad_to_max_tokens:
            return self.max_tokens
        return self._expected_size_ if self._tokens is None else self.vocabulary_size()

    # -------------------------------------------------------------------------------------- adapt

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Computes the vocabulary from data; an earlier vocabulary is discarded.

        Terms are sorted by decreasing frequency, and terms of equal frequency in reverse order.

        Args:
            data: an array or list of terms; or an iterable of batches (also a PyDataset or
                `tf.data.Dataset`). For `"tf_idf"` each row is a document.
            steps: the number of batches to use; all by default.
        """
        self.check_adaptable()
        # In one array each term is a row; a batch with one axis is one document.
        whole = is_array(data) or isinstance(data, (list, tuple))
        read = (self._terms(batch) for batch in batches(data, steps, lists=True))
        self._adapt(terms[:, None] if whole and terms.ndim == 1 else terms for terms in read)

    @property
    def adaptable(self) -> bool:
        """Whether `adapt` computes the vocabulary."""
        return not self._given

    def check_adaptable(self) -> None:
        """Raises if the vocabulary was passed to the constructor."""
        if self._given:
            raise ValueError(
                f"{self._label_()} was constructed with a vocabulary and cannot be adapted.\n"
                "Construct the layer without a vocabulary."
            )

    def reset_state(self) -> None:
        """Discards the statistics of the data passed to `update_state`."""
        self._counts = Counts(in_rows=self.output_mode == "tf_idf")

    def update_state(self, data: Any) -> None:
        """Counts the terms of a batch."""
        self.check_adaptable()
        terms = self._terms(data)
        if self.output_mode == "tf_idf":
            rows = len(terms) if terms.ndim > 1 else 1
            self._counts.add(terms.reshape(rows, -1).tolist())
        else:
            self._counts.add_all(terms)

    def count(self, rows: Iterable[list[Any]]) -> None:
        """Counts the terms of rows, which may have different lengths.

        Args:
            rows: lists of terms.
        """
        self.check_adaptable()
        self._counts.add(rows)

    def finalize_state(self) -> None:
        """Computes the vocabulary from the data passed to `update_state`."""
        tokens = self._counts.ranked(without=[self.mask_token, self.oov_token])
        if not tokens:
            raise ValueError(f"{self._label_()}: the data passed to adapt() contains no terms.")
        if self.max_tokens is not None:
            tokens = tokens[: max(self.max_tokens - self._token_start, 0)]
        weights = None
        if self.output_mode == "tf_idf":
            weights = self._pad_weights(self._counts.idf(tokens), specials=False)
        # The counts may take much memory, and are not needed any more.
        self._assign_vocabulary(self._terms(tokens), weights)
        self.reset_state()

    # --------------------------------------------------------------------------------------- call

    def look_up(self, x: HostArray, found: HostArray | None = None) -> Any:
        """Returns the indices of terms, or their encoding; with `invert`, the terms of indices.

        Args:
            x: a NumPy array, or a JAX array that is being traced.
            found: what `_find` returned for `x`; by default it is called.
        """
        self.check_known()
        self.fixed_in(x)
        if self.invert:
            return as_output(self._look_up_terms(x))
        indices = self.indices(x, found)
        if self.output_mode == "int":
            return self._as_indices(indices)
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        depth = cast(int, self._depth())  # known after `check_known`
        vectors = encode(indices, mode, depth, self._vector_dtype, sparse=self.sparse)
        if self.output_mode == "tf_idf":
            weights = self.idf_weights.astype(self._vector_dtype)
            vectors = ops.multiply(vectors, weights) if self.sparse else vectors * weights
        return as_output(vectors)

    def _as_indices(self, indices: Any) -> Any:
        """Returns indices as the output for `output_mode="int"`."""
        out = encode(indices, "int", 0, jax.dtypes.canonicalize_dtype("int64"))
        return new_output(out) if isinstance(out, np.ndarray) else out

    def indices(self, x: HostArray, found: HostArray | None = None) -> Any:
        """Returns the index of each term, or -1 for terms that encodings ignore.

        Args:
            x: an array of terms.
            found: what `_find` returned for `x`; by default it is called.
        """
        xp = np if isinstance(x, np.ndarray) else jnp
        found = self._find(x) if found is None else found
        masked_by_position = self._finds_mask_ and self.output_mode == "int"
        if self.num_oov_indices == 1 and (self.mask_token is None or masked_by_position):
            return found + self._token_start  # the index of unknown terms precedes the others
        masked = xp.asarray(False if self.mask_token is None else x == self.mask_token)
        unknown = (found < 0) & ~masked
        if self.num_oov_indices == 0:
            # A traced function cannot raise depending on values: unknown terms become -1 there.
            if xp is np and unknown.any():
                raise ValueError(
                    f"{self._label_()}: terms are not in the vocabulary, and num_oov_indices is 0. "
                    f"Received: {x[unknown].ravel()[:10].tolist()}\n"
                    "Remove such rows, or set num_oov_indices=1."
                )
            other = -1
        elif self.num_oov_indices == 1:
            other = self._oov_start
        else:
            other = self._bucket(x) + self._oov_start
        out = xp.where(unknown, other, found + self._token_start)
        return xp.where(masked, 0 if self.output_mode == "int" else -1, out)

    def _look_up_terms(self, x: HostArray) -> Any:
        xp = np if isinstance(x, np.ndarray) else jnp
        terms = self._terms(self.get_vocabulary())
        inside = (x >= 0) & (x < len(terms))
        known = xp.asarray(terms)[xp.where(inside, x, 0)]
        return xp.where(inside, known, self.oov_token)

    def _find(self, x: Any) -> Any:
        """Returns the position of each term in the vocabulary, or -1."""
        raise NotImplementedError

    def _bucket(self, x: Any) -> Any:
        """Returns the position of each term among the out-of-vocabulary indices."""
        raise NotImplementedError

    @property
    def _vector_dtype(self) -> str:
        return self.compute_dtype

    def check_known(self) -> None:
        """Raises if the layer has no vocabulary yet."""
        if self._tokens is not None:
            return
        only_shape = scope.current().inferring_shapes and (
            self.output_mode == "int" or self._depth()
        )
        if not only_shape:
            raise RuntimeError(
                f"{self._label_()} has no vocabulary yet.\n"
                "Call adapt(data) first, or pass a vocabulary to the constructor."
            )

    def compute_output_spec(self, inputs: HostArray | Tensor) -> Tensor:
        """Returns a Tensor of the shape and dtype of the output."""
        if self.output_mode == "int":
            return Tensor(inputs.shape, jax.dtypes.canonicalize_dtype("int64").name)
        with scope.abstract_scope():
            self.check_known()
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        shape = encoded_shape(inputs.shape, mode, self._depth())
        return Tensor(shape, self._vector_dtype, sparse=self.sparse)

    # ------------------------------------------------------------------------------------ as data

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with the vocabulary passed or computed."""
        # The terms rather than the path of their file, which another machine may not have.
        known = None if self._tokens is None else self.get_vocabulary(include_special_tokens=False)
        weights = self.idf_weights
        if weights is not None and known is not None:
            known = self.get_vocabulary()
            weights = weights[: len(known)]
        return {
            **super().get_config(),
            "output_mode": self.output_mode,
            "salt": self.salt,
            "vocabulary": known,
            "idf_weights": None if weights is None else weights.tolist(),
            "vocabulary_size": None if known is None else self.vocabulary_size(),
        }
