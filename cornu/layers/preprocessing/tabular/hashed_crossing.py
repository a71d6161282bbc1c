"""HashedCrossing: hashes combinations of features."""

from __future__ import annotations

from typing import Any

from cornu.core.graph.tensor import Tensor, format_shape
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
from cornu.layers.preprocessing.tabular.encoding import encode, encoded_shape
from cornu.layers.preprocessing.tabular.hash_buckets import cross_columns
from cornu.types import DTypeLike

__all__ = ["HashedCrossing"]


class HashedCrossing(PreprocessingLayer):
    """Hashes combinations of features into a fixed number of bins.

    y = fingerprint(x1, x2, ...) mod num_bins

    Args:
        num_bins: the number of bins.
        output_mode: `"int"`: the index of the bin; `"one_hot"`: a vector of size `num_bins`.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        name, dtype: the name and the dtype of the layer.
        **kwargs: `trainable` and others of `Layer`.

    Shapes:
        [x1, x2, ...], all () or (batch,) or (batch, 1) -> `"int"`: the same;
        `"one_hot"`: (batch, num_bins)

    Raises:
        ValueError: there are fewer than two inputs, or their shapes differ or are not supported.
        TypeError: an input contains neither strings nor integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.HashedCrossing(num_bins=5)
    >>> layer((np.array(["A", "B", "A"]), np.array([101, 101, 102]))).tolist()
    [1, 4, 3]

    References: Cheng et al. (2016), "Wide & Deep Learning for Recommender Systems".

    Extensions: the bins equal those of Keras, but TensorFlow is not required. Integers can be
    combined in compiled models; a model combines strings on the host, as the last step of reading
    the data.

    Fixes: the result of an encoding has the compute dtype; Keras 3.15 returns another one under a
    mixed policy.
    """

    _accepts_strings_ = True

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=default_dtype(output_mode, dtype), **kwargs)
        self.num_bins = positive_int(self._label_(), "num_bins", num_bins)
        self.output_mode = check_choice(
            self._label_(), "output_mode", output_mode, ("int", "one_hot")
        )
        self.sparse = check_sparse(self._label_(), sparse, output_mode)
        self.autocast = False
        self.built = True

    def read(self, x: HostArray) -> Any:
        """Converts the inputs of a call to a list of arrays, which may hold strings."""
        if not isinstance(x, (list, tuple)):
            raise ValueError(f"expected a list of features, received {type(x).__name__}.")
        return [as_array(item, f"input {i}") for i, item in enumerate(x)]

    def call(self, inputs: HostArray) -> Any:
        """Returns the bin indices, or their encoding."""
        self._check_shapes(inputs)
        for i, x in enumerate(inputs):
            if not holds_strings(x) and (is_float(x.dtype) or x.dtype == bool):
                raise TypeError(f"expected strings or integers, received {x.dtype} for input {i}.")
        bins = cross_columns(list(map(to_host, inputs)), self.num_bins, self._label_())
        return as_output(
            encode(bins, self.output_mode, self.num_bins, output_dtype(self), sparse=self.sparse)
        )

    def _check_shapes(self, inputs: HostArray) -> None:
        shapes = [tuple(x.shape) for x in inputs]
        if len(shapes) < 2:
            raise ValueError(
                f"{self._label_()} requires at least two features. Received: {len(shapes)}"
            )
        first = shapes[0]
        if len(first) > 2 or (len(first) == 2 and first[1] != 1) or len(set(shapes)) > 1:
            raise ValueError(
                f"{self._label_()}: all features must have the shape (batch,) or all (batch, 1). "
                "Received: "
                f"{', '.join(map(format_shape, inputs))}"
            )

    def compute_output_spec(self, inputs: HostArray) -> Tensor:
        """Returns a Tensor of the shape and dtype of the output."""
        self._check_shapes(inputs)
        shape = encoded_shape(inputs[0].shape, self.output_mode, self.num_bins)
        return Tensor(shape, output_dtype(self), sparse=self.sparse)
