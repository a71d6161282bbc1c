"""HashedCrossing: crosses features and hashes the result."""

from __future__ import annotations

from typing import Any

from cornu.core.graph.tensor import Tensor, format_shape
from cornu.core.state.dtypes import is_float
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import (
    HostArray,
    Preprocess,
    as_output,
    default_dtype,
    no_sparse,
    on_host,
    one_of,
    output_dtype,
)
from cornu.layers.preprocessing.reading import as_array, holds_strings
from cornu.layers.preprocessing.tabular.encoding import encode, encoded_shape
from cornu.layers.preprocessing.tabular.hash_buckets import cross_columns
from cornu.types import DTypeLike

__all__ = ["HashedCrossing"]


class HashedCrossing(Preprocess):
    """Gives each combination of features one of a fixed number of bins.

    y = fingerprint of (x1, x2, ...) mod num_bins

    Args:
        num_bins: the number of bins.
        output_mode: `"int"`: the bin; `"one_hot"`: a vector with a place for each.
        sparse: must be False.
        name, dtype: as of every layer.
        **kwargs: `trainable` and others of `Layer`.

    Shapes:
        [x1, x2, ...], all () or (batch,) or (batch, 1) -> `"int"`: the same;
        `"one_hot"`: (batch, num_bins)

    Raises:
        ValueError: fewer than two inputs, or shapes that differ or are none of those above.
        TypeError: an input that holds neither strings nor integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.HashedCrossing(num_bins=5)
    >>> layer((np.array(["A", "B", "A"]), np.array([101, 101, 102]))).tolist()
    [1, 4, 3]

    References: Cheng et al. (2016), "Wide & Deep Learning for Recommender Systems".

    Differences: the bins are those of Keras, which asks TensorFlow for them; here no TensorFlow is
    needed. Integers are also crossed within compiled models.
    """

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
        no_sparse(self._label(), sparse)
        self.num_bins = positive_int(self._label(), "num_bins", num_bins)
        self.output_mode = one_of(self._label(), "output_mode", output_mode, ("int", "one_hot"))
        self.sparse = sparse
        self.autocast = False
        self.built = True

    def read(self, x: HostArray) -> Any:
        """Returns the inputs of a call as a list of arrays; strings are kept."""
        if not isinstance(x, (list, tuple)):
            raise ValueError(f"it takes a list of features; received {type(x).__name__}.")
        return [as_array(item, f"input {i}") for i, item in enumerate(x)]

    def call(self, inputs: HostArray) -> Any:
        """Returns the bins, or their encoding."""
        self._check(inputs)
        for i, x in enumerate(inputs):
            if not holds_strings(x) and (is_float(x.dtype) or x.dtype == bool):
                raise TypeError(f"it crosses strings and integers; input {i} is {x.dtype}.")
        bins = cross_columns(list(map(on_host, inputs)), self.num_bins, self._label())
        return as_output(encode(bins, self.output_mode, self.num_bins, output_dtype(self)))

    def _check(self, inputs: HostArray) -> None:
        shapes = [tuple(x.shape) for x in inputs]
        if len(shapes) < 2:
            raise ValueError(
                f"{self._label()} crosses at least two features. Received: {len(shapes)}"
            )
        first = shapes[0]
        if len(first) > 2 or (len(first) == 2 and first[1] != 1) or len(set(shapes)) > 1:
            raise ValueError(
                f"{self._label()} takes features of one shape, (batch,) or (batch, 1). Received: "
                f"{', '.join(map(format_shape, inputs))}"
            )

    def compute_output_spec(self, inputs: HostArray) -> Tensor:
        """Returns a Tensor of the shape and dtype of the output."""
        self._check(inputs)
        shape = encoded_shape(inputs[0].shape, self.output_mode, self.num_bins)
        return Tensor(shape, output_dtype(self))
