"""Hashing: maps strings and integers to a fixed number of bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.tensor import Tensor
from cornu.core.state.dtypes import is_float
from cornu.errors import check_choice
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import (
    HostArray,
    PreprocessingLayer,
    as_output,
    check_sparse,
    default_dtype,
    output_dtype,
    to_host,
)
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.layers.preprocessing.tabular.encoding import MODES, encode, encoded_shape
from cornu.layers.preprocessing.tabular.hash_buckets import bucket, salt_pair

__all__ = ["Hashing"]


class Hashing(PreprocessingLayer):
    """Hashes strings or integers into a fixed number of bins.

    y = Fingerprint64(x) mod num_bins

    The layer has no state: equal inputs have equal bins in every program, and different inputs may
    share a bin. Integers are hashed by their decimal representation; floats are truncated to
    integers first.

    Args:
        num_bins: the number of bins, including that of `mask_value`.
        mask_value: a value that is mapped to bin 0, which then contains no other value.
        salt: an integer or a pair of integers: the key of SipHash, which then replaces FarmHash.
        output_mode: `"int"`: the index of the bin; `"one_hot"`: a vector for each input;
            `"multi_hot"`: a vector for the inputs along the last axis, with 1 for bins that occur;
            `"count"`: the same with the number of their occurrences.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., num_bins), a last axis of
            size 1 is dropped; `"multi_hot"`, `"count"`: (batch, ..., n) ->
            (batch, ..., num_bins)

    Raises:
        ValueError: an argument of the constructor is invalid.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.Hashing(num_bins=3)
    >>> layer(["A", "B", "C", "D", "E"]).tolist()
    [1, 0, 1, 1, 2]

    References: Weinberger et al. (2009), "Feature Hashing for Large Scale Multitask Learning";
    Pike, Alakuijala (2014), "FarmHash"; Aumasson, Bernstein (2012), "SipHash: a fast short-input
    PRF".

    Extensions: the bins equal those of Keras, but TensorFlow is not required. Integers can be
    hashed in compiled models; a model hashes strings on the host, as the last step of reading the
    data.

    Fixes: the result of an encoding has the compute dtype; Keras 3.15 returns another one under a
    mixed policy.

    Fixes: `"multi_hot"` and `"count"` work in half precision; Keras 3.15 raises an error there.
    """

    _accepts_strings_ = True

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": default_dtype(output_mode, kwargs.get("dtype"))})
        self.num_bins = positive_int(self._label_(), "num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = salt_pair(self._label_(), salt)
        self.output_mode = check_choice(self._label_(), "output_mode", output_mode, MODES)
        self.sparse = check_sparse(self._label_(), sparse, output_mode)
        self.autocast = False
        self.built = True
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ValueError(
                f"{self._label_()}: dtype must be 'int32' or 'int64' with output_mode='int'. "
                f"Received: {kwargs['dtype']!r}"
            )

    def read(self, x: HostArray) -> Any:
        """Converts an argument of a call to an array, which may hold strings."""
        return as_array(x, "the input")

    def call(self, inputs: HostArray) -> Any:
        """Returns the bin indices, or their encoding."""
        x = to_host(inputs)
        if not holds_strings(x) and is_float(x.dtype):
            x = x.astype("int64" if isinstance(x, np.ndarray) else "int32")
        elif not holds_strings(x) and x.dtype == bool:
            raise TypeError(
                "expected strings or integers, received booleans. Convert them with x.astype(int)."
            )
        # Bin 0 is that of the mask value. A single bin leaves none for the other values.
        masked = self.mask_value is not None and self.num_bins > 1
        bins = bucket(x, self.num_bins - masked, self.salt, self._label_())
        if masked:
            bins = (np if isinstance(x, np.ndarray) else jnp).where(
                self._is_masked(to_host(inputs)), 0, bins + 1
            )
        return as_output(
            encode(bins, self.output_mode, self.num_bins, output_dtype(self), sparse=self.sparse)
        )

    def _is_masked(self, x: HostArray) -> Any:
        if not holds_strings(x):
            return x == self.mask_value
        wanted = self.mask_value
        # Strings of the input may be bytes, as TensorFlow returns them.
        either = {wanted, wanted.encode() if isinstance(wanted, str) else wanted}
        flat = [item in either for item in x.astype(object).ravel().tolist()]
        return np.array(flat, bool).reshape(x.shape)

    def compute_output_spec(self, inputs: HostArray) -> Tensor:
        """Returns a Tensor of the shape and dtype of the output."""
        shape = encoded_shape(inputs.shape, self.output_mode, self.num_bins)
        return Tensor(shape, output_dtype(self), sparse=self.sparse)
