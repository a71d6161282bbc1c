"""Discretization: maps numbers to bins."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.layers.preprocessing.base import HostArray, Learning, no_sparse, one_of
from cornu.layers.preprocessing.reading import batches
from cornu.layers.preprocessing.tabular.encoding import MODES, encode
from cornu.types import DTypeLike

__all__ = ["Discretization"]


class Discretization(Learning):
    """Replaces numbers by the numbers of the bins that they fall into.

    y = how many of the boundaries are at most x

    The boundaries are given, or are quantiles of the data that `adapt` was given.

    Args:
        bin_boundaries: the boundaries in increasing order; bin 0 is below the first.
        num_bins: how many bins `adapt` is to make.
        epsilon: about how far a quantile may be off, as a share of the data.
        output_mode: `"int"`: the number of the bin; `"one_hot"`: a vector for each number;
            `"multi_hot"`, `"count"`: a vector for the numbers along the last axis, which tells
            which bins occur, or how often.
        sparse: must be False.
        dtype, name: as of every layer.

    Shapes:
        x (batch, ...) -> `"int"`: the same; `"one_hot"`: (batch, ..., bins), a last axis of size 1
            being dropped; `"multi_hot"`, `"count"`: (batch, ..., features) -> (batch, ..., bins)

    Raises:
        ValueError: not just one of `bin_boundaries` and `num_bins`, boundaries that do not
            increase, or no boundaries when it is called.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Discretization(bin_boundaries=[0.0, 1.0])
    >>> layer(np.array([[-0.5, 0.0, 7.0]])).tolist()
    [[0, 1, 2]]

    Differences: `"multi_hot"` and `"count"` look along the last axis of any input; in Keras of
    inputs with three axes, along the second. Numbers are not rounded to a shorter compute dtype
    before they are compared. `adapt` also takes batches `(x, y)`.
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
        no_sparse(self._label(), sparse)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                f"{self._label()} needs either bin_boundaries, or num_bins for adapt(). "
                f"Received: {bin_boundaries=}, {num_bins=}"
            )
        if num_bins is not None and num_bins < 1:
            raise ValueError(f"{self._label()}: num_bins counts from 1. Received: {num_bins!r}")
        if not 0 < epsilon < 1:
            raise ValueError(
                f"{self._label()}: epsilon lies between 0 and 1. Received: {epsilon!r}"
            )
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = one_of(self._label(), "output_mode", output_mode, MODES)
        self.sparse = sparse
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
                f"{self._label()}: bin_boundaries are numbers in increasing order. "
                f"Received: {boundaries}"
            )
        return [float(boundary) for boundary in array]

    # -------------------------------------------------------------------------------------- adapt

    @property
    def adaptable(self) -> bool:
        """Whether boundaries are learned rather than given."""
        return self.num_bins is not None

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learns boundaries that share the data out evenly; what was learned before is forgotten.

        Args:
            data: an array, or an iterable of batches (also a PyDataset or `tf.data.Dataset`).
            steps: how many batches to look at; all by default.
        """
        if self.num_bins is None:
            raise ValueError(
                f"{self._label()} was made with bin_boundaries, and cannot adapt as well.\n"
                "Give the constructor num_bins instead."
            )
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the data seen by `update_state`."""
        self.summary = np.zeros((2, 0), "float32")

    def update_state(self, data: Any) -> None:
        """Takes a batch into account."""
        values = np.sort(np.asarray(data, "float32").ravel())
        if np.isnan(values[-1:]).any():
            raise ValueError(
                f"{self._label()}: the data has NaN, which falls into no bin.\n"
                "Leave such rows out, or give missing numbers a value."
            )
        # A subsample, with the number of values that each element represents.
        step = max(values.size * self.epsilon, 1)
        kept = values[int(step - 1) :: int(step)]
        new = np.stack([kept, np.full_like(kept, step)])
        merged = np.concatenate([new, self.summary], axis=1)
        merged = merged[:, np.argsort(merged[0])]
        self.summary = _thinned(merged, self.epsilon)

    def finalize_state(self) -> None:
        """Makes boundaries of the data seen by `update_state`."""
        if self.num_bins is None:
            return
        if not self.summary.size:
            raise ValueError(f"{self._label()}: adapt() was given no numbers.")
        self.check_changeable()
        self.bin_boundaries = _thinned(self.summary, 1 / self.num_bins)[0, :-1].tolist()

    # --------------------------------------------------------------------------------------- call

    @property
    def depth(self) -> int:
        """The number of bins."""
        if self.bin_boundaries is None:
            raise ValueError(
                f"{self._label()} has no boundaries yet.\n"
                "Call adapt(data) first, or give the constructor bin_boundaries."
            )
        return len(self.bin_boundaries) + 1

    def call(self, inputs: HostArray) -> Any:
        """Returns the bins of numbers, or their encoding."""
        depth = self.depth
        self.fixed_in(inputs)
        dtype = jnp.result_type(inputs.dtype, jnp.float32)
        bins = jnp.asarray(self.bin_boundaries, dtype)
        indices = jnp.searchsorted(bins, inputs.astype(dtype), side="right")
        kind = "int32" if self.output_mode == "int" else self.compute_dtype
        return encode(indices, self.output_mode, depth, kind)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, and the boundaries if they were learned."""
        return {**super().get_config(), "bin_boundaries": self.bin_boundaries}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Makes a layer from what `get_config()` returned, its boundaries learned or given."""
        given = config.get("bin_boundaries")
        if given is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = layer._check_boundaries(given)
        return layer


def _thinned(summary: np.ndarray, share: float) -> np.ndarray:
    """Returns fewer numbers that represent the same data, about one for each share of it.

    Args:
        summary: sorted numbers, and how many values each represents, (2, n).
        share: of the data, for each number that is kept.
    """
    if summary.shape[1] * share < 1:
        return summary
    shares = share + np.arange(0.0, 1.0, share)
    reached = summary[1].cumsum()
    part = reached / reached[-1]
    values = np.interp(shares, part, summary[0])
    counts = np.diff(np.interp(shares, part, reached), prepend=0)
    return np.stack([values, counts]).astype("float32")
