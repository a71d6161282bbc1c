"""Normalization: normalizes features by the mean and the variance of data."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.errors import quantity
from cornu.layers.arguments import known_size
from cornu.layers.preprocessing.base import AdaptableLayer, HostArray
from cornu.layers.preprocessing.reading import batches
from cornu.types import DTypeLike, ShapeLike

__all__ = ["Normalization"]

_FLOAT = jnp.dtype("float32")


class Normalization(AdaptableLayer):
    """Shifts and scales features to mean 0 and standard deviation 1.

    y = (x - mean) / scale;  with `invert`: y = mean + x * scale;
    scale = max(sqrt(variance), epsilon)

    The mean and the variance are arguments of the constructor, or `adapt` computes them from data.
    They are not trained. `epsilon` is `cornu.config.epsilon()`.

    Args:
        axis: the axis or axes that keep separate statistics for each index; `None` for a single
            mean and variance.
        mean, variance: the statistics, if they are known.
        invert: whether to apply the inverse transformation.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (the same); mean, variance: the sizes of `axis`

    Raises:
        ValueError: only one of `mean` and `variance` is passed, their shapes differ or do not
            match `axis`, or the size of an axis in `axis` is unknown.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 40.0]])).tolist()
    [[-1.0, 2.0]]

    References: Chan, Golub, LeVeque (1979), "Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances".

    Differences: `adapt` raises an error for data without a feature axis, for which Keras computes a
    mean of each row.

    Extensions: `adapt` accepts `steps`.

    Fixes: `adapt` accumulates in float64, so that an array and its batches have the same result;
    Keras accumulates batches in float32.
    """

    _infers_by_config_ = True
    _computes_with_numpy_ = True
    _bookkeeping_ = AdaptableLayer._bookkeeping_ | {"_seen", "_on_host"}

    def __init__(
        self,
        axis: int | tuple[int, ...] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.invert = invert
        self.supports_masking = True
        self.autocast = False  # the mean is subtracted at full precision
        self.input_mean = _numbers(mean)
        self.input_variance = _numbers(variance)
        self._kept: tuple[int, ...] = ()
        self._broadcast: tuple[int, ...] = ()
        self._on_host: tuple[Any, ...] = ((),)
        self.reset_state()
        _check_given(self._label_(), self.axis, self.input_mean, self.input_variance)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the variables `mean`, `variance` and `count` if `adapt` computes them."""
        ndim = len(input_shape)
        for axis in self.axis:
            if not -ndim <= axis < ndim:
                raise ValueError(
                    f"{self._label_()}: axis {axis} is out of bounds for an input of shape "
                    f"{tuple(input_shape)}.\nAxis 0 is the batch, -1 the last axis."
                )
        self._kept = tuple(sorted(axis % ndim for axis in self.axis))
        shape = tuple(known_size(self._label_(), input_shape, axis) for axis in self._kept)
        sizes = dict(zip(self._kept, shape, strict=True))
        self._broadcast = tuple(sizes.get(axis, 1) for axis in range(ndim))
        if self.input_mean is None:
            self.adapt_mean = self._statistic("mean", shape, "zeros")
            self.adapt_variance = self._statistic("variance", shape, "ones")
            # Unused; Keras writes this variable to files.
            self.count = self._statistic("count", (), "zeros", "int32")

    def _statistic(
        self, name: str, shape: Any, initializer: str, dtype: DTypeLike | None = None
    ) -> Any:
        return self.add_weight(
            shape, initializer, dtype=dtype, trainable=False, autocast=False, name=name
        )

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts with the input; None before the layer is built."""
        return self._broadcast_statistic(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variance, like `mean`."""
        return self._broadcast_statistic(self.input_variance, "adapt_variance")

    def _broadcast_statistic(self, given: np.ndarray | None, learned: str) -> Any:
        if not self.built:
            return None
        if given is None:
            return jnp.reshape(getattr(self, learned).value, self._broadcast)
        spread = [1] * len(self._broadcast)
        for axis, size in zip(self._kept[::-1], given.shape[::-1], strict=False):
            spread[axis] = size
        return jnp.broadcast_to(jnp.asarray(given.reshape(spread)), self._broadcast)

    @property
    def adaptable(self) -> bool:
        """Whether `adapt` computes the mean and the variance."""
        return self.input_mean is None

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Computes the mean and the variance of data; earlier statistics are discarded.

        Args:
            data: an array, or an iterable of batches (also a PyDataset or `tf.data.Dataset`); of
                batches `(x, y)`, x is used.
            batch_size: ignored; the statistics do not depend on it.
            steps: the number of batches to use; all by default.

        Raises:
            ValueError: the mean and the variance were passed to the constructor, or the shape of
                the data does not match.
        """
        if not self.adaptable:
            raise ValueError(
                f"{self._label_()} was constructed with a mean and a variance and cannot be "
                "adapted.\nConstruct the layer without them."
            )
        self._adapt(batches(data, steps))

    def reset_state(self) -> None:
        """Discards the statistics of the data passed to `update_state`."""
        # Count, mean, and sum of squared deviations from the mean.
        self._seen = (0, np.zeros(()), np.zeros(()))

    def update_state(self, data: Any) -> None:
        """Updates the statistics with a batch."""
        # float64, which costs little here and keeps the digits of small deviations from a large
        # mean.
        batch = self._check_batch(np.asarray(data, "float64"))
        others = tuple(a for a in range(batch.ndim) if a not in self._kept)
        size = math.prod(batch.shape[a] for a in others)
        if not size:
            return
        count, mean, square = self._seen
        away = batch.mean(others) - mean
        # The update of Chan, Golub and LeVeque: sums of squares of all data would cancel.
        whole = count + size
        square = square + batch.var(others) * size + away**2 * (count * size / whole)
        self._seen = (whole, mean + away * (size / whole), square)

    def finalize_state(self) -> None:
        """Sets the mean and the variance to those of the data passed to `update_state`."""
        count, mean, square = self._seen
        if self.adaptable and not count:
            raise ValueError(f"{self._label_()}: the data passed to adapt() is empty.")
        if self.adaptable:
            self.adapt_mean.assign(mean)
            self.adapt_variance.assign(square / count)

    def _check_batch(self, batch: np.ndarray) -> np.ndarray:
        """Checks the shape of a batch, and builds the layer if it is not built."""
        if not self.built:
            if batch.ndim < 2 and self.axis:
                raise ValueError(
                    f"{self._label_()}: the data has the shape {batch.shape}, without a feature "
                    f"axis for axis={self.axis}.\n"
                    "Pass x[:, None] for a single feature, or axis=None to the constructor."
                )
            self.build((None, *batch.shape[1:]) if 0 not in self.axis else batch.shape)
        sizes = zip(batch.shape, self._broadcast, strict=False)
        fits = all(a not in self._kept or n == m for a, (n, m) in enumerate(sizes))
        if batch.ndim != len(self._broadcast) or not fits:
            raise ValueError(
                f"{self._label_()}: expected a batch that matches the shape {self._broadcast} "
                f"(where 1 matches any size), received a batch of shape {batch.shape}."
            )
        return batch

    def call(self, inputs: HostArray) -> Any:
        """Returns the normalized input, or the result of the inverse transformation."""
        simple = inputs.dtype.kind in "biu" or inputs.dtype == _FLOAT
        dtype = _FLOAT if simple else jnp.result_type(inputs.dtype, _FLOAT)
        if isinstance(inputs, np.ndarray):
            mean, scale = self._host_statistics(dtype)
        else:
            mean, scale = _mean_and_scale(jnp, self.mean, self.variance, dtype)
        x = inputs.astype(dtype)
        y = mean + x * scale if self.invert else (x - mean) / scale
        return y.astype(self.compute_dtype, copy=False)

    def _host_statistics(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean and the scale as NumPy arrays, which are kept for the next call."""
        learned = self.input_mean is None
        current: tuple[Any, ...] = (dtype, self._broadcast, settings.get("epsilon"))
        if learned:
            current += (self.adapt_mean.value, self.adapt_variance.value)
        known, *found = self._on_host
        # Arrays of JAX do not change, so that the same ones have the same numbers.
        if len(known) != len(current) or any(
            a is not b and (i > 2 or a != b)
            for i, (a, b) in enumerate(zip(known, current, strict=True))
        ):
            mean, variance = (np.asarray(x) for x in (self.mean, self.variance))
            found = list(_mean_and_scale(np, mean, variance, dtype))
            # One assignment, because another thread may read it.
            self._on_host = (current, *found)
        return found[0], found[1]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain data."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        lists = {k: None if v is None else v.tolist() for k, v in given.items()}
        return {**super().get_config(), "axis": self.axis, **lists}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the input shape for which the layer was built."""
        shape = [n if a in self._kept else None for a, n in enumerate(self._broadcast)]
        return {"input_shape": shape} if self.built else None


def _mean_and_scale(xp: Any, mean: Any, variance: Any, dtype: Any) -> tuple[Any, Any]:
    # The variance of a constant feature is 0.
    scale = xp.maximum(xp.sqrt(variance.astype(dtype)), settings.get("epsilon"))
    return mean.astype(dtype), scale


def _numbers(value: Any) -> np.ndarray | None:
    # A copy: the caller may change the array.
    return None if value is None else np.array(value, "float32")


def _check_given(label: str, axis: tuple[int, ...], mean: Any, variance: Any) -> None:
    if (mean is None) != (variance is None):
        missing = "variance" if variance is None else "mean"
        raise ValueError(f"{label}: {missing} is missing; pass both mean and variance, or neither.")
    if mean is None:
        return
    if mean.shape != variance.shape:
        raise ValueError(
            f"{label}: mean and variance must have the same shape. Received: {mean.shape} and "
            f"{variance.shape}"
        )
    if mean.ndim > len(axis):
        raise ValueError(
            f"{label}: mean has {quantity(mean.ndim, 'axis')}, but axis={axis} has {len(axis)}.\n"
            "Pass an axis of the input for each axis of mean, as in axis=(1, 2)."
        )
