"""Normalization: normalizes features by the mean and variance of the data."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.layers.arguments import known_size
from cornu.layers.preprocessing.base import HostArray, Learning
from cornu.layers.preprocessing.reading import batches
from cornu.types import DTypeLike, ShapeLike

__all__ = ["Normalization"]


class Normalization(Learning):
    """Gives numbers mean 0 and standard deviation 1, by statistics of data seen beforehand.

    y = (x - mean) / scale;  inverted: y = mean + x * scale;  scale = max(sqrt(variance), epsilon)

    Mean and variance are those of the data that `adapt` was given, or are given themselves. They
    are not trained. (`epsilon` is `cornu.config.epsilon()`.)

    Args:
        axis: the axis, or axes, of which each place has statistics of its own; `None` for one mean
            and variance of all numbers.
        mean, variance: the statistics, if they are known.
        invert: whether to turn normalized numbers back.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (the same); mean, variance: the sizes of `axis`

    Raises:
        ValueError: only one of `mean` and `variance` is given, their shapes differ or are not
            those of `axis`; or the size of a kept axis is not known.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
    >>> layer(np.array([[1.0, 40.0]])).tolist()
    [[-1.0, 2.0]]

    References: Chan, Golub, LeVeque (1979), "Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances".

    Differences: `adapt` adds up in float64, and gives the same for one array and for its batches;
    Keras adds batches up in float32. `adapt` also takes `steps`, and refuses a column of numbers
    without features, where Keras would learn a mean for each row.
    """

    infers_by_config = True
    bookkeeping = Learning.bookkeeping | {"_seen"}

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
        self.autocast = False  # statistics are taken off at full precision
        self.input_mean = _numbers(mean)
        self.input_variance = _numbers(variance)
        self._kept: tuple[int, ...] = ()
        self._broadcast: tuple[int, ...] = ()
        self.reset_state()
        _check_given(self._label(), self.axis, self.input_mean, self.input_variance)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `mean`, `variance` and `count`, unless they are given."""
        ndim = len(input_shape)
        for axis in self.axis:
            if not -ndim <= axis < ndim:
                raise ValueError(
                    f"{self._label()}: axis {axis} is out of bounds for an input of shape "
                    f"{tuple(input_shape)}.\nAxis 0 is the batch, -1 the last axis."
                )
        self._kept = tuple(sorted(axis % ndim for axis in self.axis))
        shape = tuple(known_size(self._label(), input_shape, axis) for axis in self._kept)
        sizes = dict(zip(self._kept, shape, strict=True))
        self._broadcast = tuple(sizes.get(axis, 1) for axis in range(ndim))
        if self.input_mean is None:
            self.adapt_mean = self._statistic("mean", shape, "zeros")
            self.adapt_variance = self._statistic("variance", shape, "ones")
            # Nobody reads it; it is kept for the sake of files.
            self.count = self._statistic("count", (), "zeros", "int32")

    def _statistic(
        self, name: str, shape: Any, initializer: str, dtype: DTypeLike | None = None
    ) -> Any:
        return self.add_weight(
            shape, initializer, dtype=dtype, trainable=False, autocast=False, name=name
        )

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts with the input; None before it is known."""
        return self._shown(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variance, like `mean`."""
        return self._shown(self.input_variance, "adapt_variance")

    def _shown(self, given: np.ndarray | None, learned: str) -> Any:
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
        """Whether mean and variance are learned rather than given."""
        return self.input_mean is None

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learns mean and variance from data; what was learned before is forgotten.

        Args:
            data: an array, or an iterable of batches (also a PyDataset or `tf.data.Dataset`); of
                batches `(x, y)` the x is taken.
            batch_size: without effect, the statistics do not depend on it.
            steps: how many batches to look at; all by default.

        Raises:
            ValueError: mean and variance were given to the constructor, or the data does not fit.
        """
        if not self.adaptable:
            raise ValueError(
                f"{self._label()} was made with a mean and variance, and cannot adapt as well.\n"
                "Leave them out of the constructor."
            )
        self.reset_state()
        for batch in batches(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def reset_state(self) -> None:
        """Forgets the data seen by `update_state`."""
        # Of the data so far: how many numbers, their mean, and the sum of squares around it.
        self._seen = (0, np.zeros(()), np.zeros(()))

    def update_state(self, data: Any) -> None:
        """Takes a batch into account."""
        batch = self._fitting(np.asarray(data, "float64"))
        others = tuple(a for a in range(batch.ndim) if a not in self._kept)
        size = math.prod(batch.shape[a] for a in others)
        if not size:
            return
        count, mean, square = self._seen
        away = batch.mean(others) - mean
        whole = count + size
        square = square + batch.var(others) * size + away**2 * (count * size / whole)
        self._seen = (whole, mean + away * (size / whole), square)

    def finalize_state(self) -> None:
        """Sets mean and variance to those of the data seen by `update_state`."""
        count, mean, square = self._seen
        if self.adaptable and not count:
            raise ValueError(f"{self._label()}: adapt() was given no numbers.")
        if self.adaptable:
            self.adapt_mean.assign(mean)
            self.adapt_variance.assign(square / count)

    def _fitting(self, batch: np.ndarray) -> np.ndarray:
        """Returns a batch that fits the layer, having built the layer if it was not."""
        if not self.built:
            if batch.ndim < 2 and self.axis:
                raise ValueError(
                    f"{self._label()}: the data has the shape {batch.shape}, and no axis of "
                    f"features that axis={self.axis} could mean.\n"
                    "Pass x[:, None] for a column of numbers, or axis=None to the constructor."
                )
            self.build((None, *batch.shape[1:]) if 0 not in self.axis else batch.shape)
        sizes = zip(batch.shape, self._broadcast, strict=False)
        fits = all(a not in self._kept or n == m for a, (n, m) in enumerate(sizes))
        if batch.ndim != len(self._broadcast) or not fits:
            raise ValueError(
                f"{self._label()} was built for inputs with the sizes {self._broadcast} (1 where "
                f"any will do), and adapt() was given a batch of shape {batch.shape}."
            )
        return batch

    def call(self, inputs: HostArray) -> Any:
        """Returns the normalized numbers, or those that they came from."""
        dtype = jnp.result_type(inputs.dtype, jnp.float32)
        mean, variance = self.mean.astype(dtype), self.variance.astype(dtype)
        scale = jnp.maximum(jnp.sqrt(variance), settings.get("epsilon"))
        x = inputs.astype(dtype)
        y = mean + x * scale if self.invert else (x - mean) / scale
        return y.astype(self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain data."""
        given = {"mean": self.input_mean, "variance": self.input_variance}
        lists = {k: None if v is None else v.tolist() for k, v in given.items()}
        return {**super().get_config(), "axis": self.axis, **lists}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the shape that the layer was built for."""
        shape = [n if a in self._kept else None for a, n in enumerate(self._broadcast)]
        return {"input_shape": shape} if self.built else None


def _numbers(value: Any) -> np.ndarray | None:
    return None if value is None else np.asarray(value, "float32")


def _check_given(label: str, axis: tuple[int, ...], mean: Any, variance: Any) -> None:
    if (mean is None) != (variance is None):
        missing = "variance" if variance is None else "mean"
        raise ValueError(f"{label}: {missing} is missing; give both mean and variance, or neither.")
    if mean is None:
        return
    if mean.shape != variance.shape:
        raise ValueError(
            f"{label}: mean has the shape {mean.shape} and variance {variance.shape}; they must be "
            "the same."
        )
    if mean.ndim > len(axis):
        raise ValueError(
            f"{label}: mean has the shape {mean.shape}, which is more than the axes {axis} have.\n"
            "Name an axis for each of its axes, as in axis=(1, 2)."
        )
