"""CategoryEncoding: integers as one-hot, multi-hot or count vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import HostArray, Preprocess, no_sparse, one_of
from cornu.layers.preprocessing.tabular.encoding import MODES, encode

__all__ = ["CategoryEncoding"]


class CategoryEncoding(Preprocess):
    """Replaces integers by vectors with a place for each of them.

    Args:
        num_tokens: the size of a vector, one more than the largest integer.
        output_mode: `"one_hot"`: a vector for each integer; `"multi_hot"`, `"count"`: a vector for
            the integers along the last axis, which tells which of them occur, or how often.
        sparse: must be False.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ..., n) -> (batch, ..., num_tokens);
        `"one_hot"`: (batch, ...) -> (batch, ..., num_tokens), a last axis of size 1 being dropped;
        `count_weights` of the call, for `"count"`: how much each integer counts, shaped like x

    Raises:
        ValueError: `num_tokens` is missing or not positive, another `output_mode`, or
            `count_weights` where nothing is counted.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.CategoryEncoding(4, output_mode="count")
    >>> layer(np.array([[0, 3, 3]])).tolist()
    [[1.0, 0.0, 0.0, 2.0]]

    Differences: `"multi_hot"` and `"count"` look along the last axis of any input; in Keras of
    inputs with three axes, along the second. Integers that have no place give no 1 anywhere; as
    data for `fit` they are refused. A single integer becomes (num_tokens,), as Keras says and
    does not do.
    """

    infers_by_config = True

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
                f"{self._label()} needs num_tokens, the number of categories.\n"
                "If that is not known, take IntegerLookup, which learns it from data."
            )
        no_sparse(self._label(), sparse)
        self.num_tokens = positive_int(self._label(), "num_tokens", num_tokens)
        mode = "multi_hot" if output_mode == "binary" else output_mode
        self.output_mode = one_of(self._label(), "output_mode", mode, MODES[1:])
        self.sparse = sparse
        # Integers often come as floats, which a shorter float type would round.
        self.autocast = False
        self.built = True

    def call(self, inputs: HostArray, count_weights: Any = None) -> Any:
        """Returns the vectors."""
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"count_weights are of use with output_mode='count', not {self.output_mode!r}."
            )
        if count_weights is not None:
            count_weights = count_weights.astype(self.compute_dtype)
        indices = inputs.astype("int32")
        depth = self.num_tokens
        return encode(indices, self.output_mode, depth, self.compute_dtype, count_weights)

    def find_data_problem(self, values: np.ndarray) -> str | None:
        """Returns a description of integers out of range, or None."""
        if not values.size or (values.min() >= 0 and values.max() < self.num_tokens):
            return None
        return (
            f"integers lie between {int(values.min())} and {int(values.max())}, and there are "
            f"places for 0 to {self.num_tokens - 1}. Increase num_tokens, or take IntegerLookup "
            "for integers that do not count from 0."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        return {**super().get_config(), "output_mode": self.output_mode}
