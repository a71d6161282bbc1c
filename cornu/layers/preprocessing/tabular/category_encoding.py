"""CategoryEncoding: one-hot, multi-hot or count vectors of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.errors import check_choice
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import (
    HostArray,
    PreprocessingLayer,
)
from cornu.layers.preprocessing.tabular.encoding import MODES, encode

__all__ = ["CategoryEncoding"]


class CategoryEncoding(PreprocessingLayer):
    """Encodes integers as one-hot, multi-hot or count vectors.

    Args:
        num_tokens: the number of categories, which is the size of a vector.
        output_mode: `"one_hot"`: a vector for each integer; `"multi_hot"`: a vector for the
            integers along the last axis, with 1 for those that occur; `"count"`: the same with the
            number of their occurrences.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ..., n) -> (batch, ..., num_tokens);
        `"one_hot"`: (batch, ...) -> (batch, ..., num_tokens); a last axis of size 1 is dropped;
        `count_weights` of the call, for `"count"`: the weight of each integer, shaped like x

    Raises:
        ValueError: `num_tokens` is missing or not positive, `output_mode` is unknown, or
            `count_weights` is passed with another `output_mode` than `"count"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.CategoryEncoding(4, output_mode="count")
    >>> layer(np.array([[0, 3, 3]])).tolist()
    [[1.0, 0.0, 0.0, 2.0]]

    Differences: `fit` raises an error if its data contain integers out of range. A call ignores
    them, as in Keras.

    Extensions: a single integer becomes (num_tokens,), as documented by Keras.

    Fixes: `"multi_hot"` and `"count"` reduce the last axis of any input; Keras reduces the second
    axis of inputs with three axes.

    Fixes: the result has the compute dtype, as for symbolic Tensors; Keras 3.15 returns float32
    under a mixed policy.
    """

    _infers_by_config_ = True
    _computes_with_numpy_ = True

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(
                f"{self._label_()}: num_tokens, the number of categories, is missing.\n"
                "If it is unknown, use IntegerLookup, which determines it from data."
            )
        self.num_tokens = positive_int(self._label_(), "num_tokens", num_tokens)
        mode = "multi_hot" if output_mode == "binary" else output_mode
        self.output_mode = check_choice(self._label_(), "output_mode", mode, MODES[1:])
        self.sparse = bool(sparse)
        # Integers are often passed as floats, which a cast to a half type would round.
        self.autocast = False
        self.built = True

    def call(self, inputs: HostArray, count_weights: Any = None) -> Any:
        """Returns the vectors.

        Args:
            inputs: integers from 0 to `num_tokens - 1`.
            count_weights: for `output_mode="count"` only: what each integer adds to its count, in
                the shape of the inputs; 1 by default.
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                "count_weights requires output_mode='count'. "
                f"Received: output_mode={self.output_mode!r}"
            )
        if count_weights is not None:
            count_weights = count_weights.astype(self.compute_dtype)
        indices = inputs.astype("int32")
        depth = self.num_tokens
        return encode(
            indices, self.output_mode, depth, self.compute_dtype, count_weights, self.sparse
        )

    def _find_data_problem_(self, values: np.ndarray) -> str | None:
        """Returns a description of integers out of range, or None."""
        if not values.size or (values.min() >= 0 and values.max() < self.num_tokens):
            return None
        return (
            f"expected integers from 0 to {self.num_tokens - 1}, received integers from "
            f"{int(values.min())} to {int(values.max())}. Increase num_tokens, or use "
            "IntegerLookup for integers that do not start at 0."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain data."""
        return {**super().get_config(), "output_mode": self.output_mode, "sparse": self.sparse}
