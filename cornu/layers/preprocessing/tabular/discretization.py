"""Discretization: maps numbers to bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.errors import check_choice
from cornu.layers.preprocessing.base import AdaptableLayer, HostArray, check_sparse
from cornu.layers.preprocessing.reading import batches
from cornu.layers.preprocessing.tabular.encoding import MODES, encode
from cornu.ops.numpy.sorting import searchsorted
from cornu.types import DTypeLike

__all__ = ["Discretization"]


class Discretization(AdaptableLayer):
    """Maps numbers to the indices of bins.

    y = number of boundaries <= x

    The boundaries are arguments of the constructor, or quantiles that `adapt` computes from data.

    Args:
        bin_boundaries: the boundaries in increasing order; bin 0 is below the first.
        num_bins: the number of bins that `adapt` computes.
        epsilon: the approximate error of a quantile, as a fraction of the data.
        output_mode: `"int"`: the index of the bin; `"one_hot"`: a vector for each number;
            `"multi_hot"`: a vector for the numbers along the last axis, with 1 for bins that
            occur; `"count"`: the same with the number of their occurrences.
        sparse: whether vectors are sparse arrays of JAX, of the format BCOO.
        dtype, name: the dtype and the name of the layer.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., bins), a last axis of size 1
            is dropped; `"multi_hot"`, `"count"`: (batch, ..., features) -> (batch, ..., bins)

    Raises:
        ValueError: both or neither of `bin_boundaries` and `num_bins` are passed, the boundaries
            are not in increasing order, or the layer is called without boundaries.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Discretization(bin_boundaries=[0.0, 1.0])
    >>> layer(np.array([[-0.5, 0.0, 7.0]])).tolist()
    [[0, 1, 2]]

    Extensions: `adapt` also accepts batches `(x, y)`.

    Fixes: `"multi_hot"` and `"count"` reduce the last axis of any input; Keras reduces the second
    axis of inputs with three axes.

    Note: inputs are compared at full precision, not in the compute dtype.
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f"{self._label_()} requires either bin_boundaries, or num_bins for adapt(). "
                f"Received: {bin_boundaries=}, {num_bins=}"
            )
        if num_bins is not None and num_bins < 1:
            raise ValueError(f"{self._label_()}: num_bins must be >= 1. Received: {num_bins!r}")
        if not 0 < epsilon < 1:
            raise ValueError(
                f"{self._label_()}: epsilon must be between 0 and 1. Received: {epsilon!r}"
            )
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = check_choice(self._label_(), "output_mode", output_mode, MODES)
        self.sparse = check_sparse(self._label_(), sparse, output_mode)
        self.bin_boundaries = self._check_boundaries(bin_boundaries)
        self.autocast = False
        self.built = True
        self.reset_state()

    def _check_boundaries(self, boundaries: Any) -> list[float] | None:
        if boundaries is None:
            return None
        array = np.asarray(boundaries, "float64")
        if array.ndim != 1 or np.isnan(array).any() or (np.diff(array) < 0).any():
            raise ValueError(
                f"{self._label_()}: bin_boundaries must be numbers in increasing order. "
                f"Received: {boundaries}"
            )
        return [float(boundary) for boundary in array]

    # -------------------------------------------------------------------------------------- adapt

    @property
    def adaptable(self) -> bool:
        """Whether `adapt` computes the boundaries."""
        return self.num_bins is not None

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Computes boundaries that divide the data evenly; earlier boundaries are discarded.

        Args:
            data: an array, or an iterable of batches (also a PyDataset or `tf.data.Dataset`).
            steps: the number of batches to use; all by default.
        """
        if self.num_bins is None:
            raise ValueError(
                f"{self._label_()} was constructed with bin_boundaries and cannot be adapted.\n"
                "Pass num_bins to the constructor instead."
            )
        self._adapt(batches(data, steps))

    def reset_state(self) -> None:
        """Discards the statistics of the data passed to `update_state`."""
        self.summary = np.zeros((2, 0), "float32")

    def update_state(self, data: Any) -> None:
        """Updates the statistics with a batch."""
        values = np.sort(np.asarray(data, "float32").ravel())
        if np.isnan(values[-1:]).any():
            raise ValueError(
                f"{self._label_()}: the data contains NaN, which belongs to no bin.\n"
                "Remove such rows, or replace the missing values."
            )
        # A subsample, with the number of values that each element represents.
        step = max(values.size * self.epsilon, 1)
        kept = values[int(step - 1) :: int(step)]
        new = np.stack([kept, np.full_like(kept, step)])
        merged = np.concatenate([new, self.summary], axis=1)
        merged = merged[:, np.argsort(merged[0])]
        self.summary = _compress(merged, self.epsilon)

    def finalize_state(self) -> None:
        """Computes the boundaries from the data passed to `update_state`."""
        if self.num_bins is None:
            return
        if not self.summary.size:
            raise ValueError(f"{self._label_()}: the data passed to adapt() is empty.")
        self.check_changeable()
        self.bin_boundaries = _compress(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    # --------------------------------------------------------------------------------------- call

    @property
    def depth(self) -> int:
        """The number of bins."""
        if self.bin_boundaries is None:
            raise ValueError(
                f"{self._label_()} has no boundaries yet.\n"
                "Call adapt(data) first, or pass bin_boundaries to the constructor."
            )
        return len(self.bin_boundaries) + 1

    @property
    def output_dtype(self) -> str:
        """The dtype of the output: int32 for indices, and the compute dtype for encodings."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def call(self, inputs: HostArray) -> Any:
        """Returns the bin indices, or their encoding."""
        depth = self.depth
        self.fixed_in(inputs)
        # In half precision, close boundaries would be rounded to the same number.
        dtype = jnp.result_type(inputs.dtype, jnp.float32)
        bins = jnp.asarray(self.bin_boundaries, dtype)
        indices = searchsorted(bins, inputs.astype(dtype), side="right")
        kind = self.output_dtype
        return encode(indices, self.output_mode, depth, kind, sparse=self.sparse)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with the boundaries that `adapt` computed."""
        return {**super().get_config(), "bin_boundaries": self.bin_boundaries}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Creates a layer from a config, with or without boundaries that `adapt` computed."""
        # An adapted layer has both, which the constructor would refuse.
        given = config.get("bin_boundaries")
        if given is None or config.get("num_bins") is None:
            return super().from_config(config, custom_objects)
        layer = super().from_config({**config, "bin_boundaries": None}, custom_objects)
        layer.bin_boundaries = layer._check_boundaries(given)
        return layer


def _compress(summary: np.ndarray, share: float) -> np.ndarray:
    """Reduces a quantile summary to about one element for each fraction `share` of the data.

    Args:
        summary: sorted values, and the number of data points that each represents, (2, n).
        share: the fraction of the data that an element of the result represents.
    """
    if summary.shape[1] * share < 1:
        return summary
    shares = share + np.arange(0.0, 1.0, share)
    # float32 gives exactly the boundaries of Keras, but cannot count beyond 2**24.
    many = summary[1].sum(dtype="float64") > 2**24
    reached = summary[1].cumsum(dtype="float64" if many else "float32")
    part = reached / reached[-1]
    values = np.interp(shares, part, summary[0])
    counts = np.diff(np.interp(shares, part, reached), prepend=0)
    return np.stack([values, counts]).astype("float32")
