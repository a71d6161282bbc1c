"""Dropout layers, which set random elements or channels to zero during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp

from cornu import settings
from cornu.core.layer.input_spec import InputSpec
from cornu.errors import is_positive_integer
from cornu.layers.arguments import fraction
from cornu.layers.regularization.base import Noise, rate_below_one
from cornu.ops import random
from cornu.types import Array, DataFormat, DTypeLike

__all__ = ["AlphaDropout", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"]


class Dropout(Noise):
    """Randomly sets elements of the input to zero in training, and scales the others up.

    y = x * keep / (1 - rate), where keep is 1 with probability 1 - rate and 0 otherwise

    Args:
        rate: the fraction of the inputs to drop, between 0 and 1.
        noise_shape: the shape of `keep`, which is broadcast to x. Use 1 for axes along which
            elements are dropped together, and `None` for the size of x.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `rate` is not between 0 and 1, or a size in `noise_shape` is not positive.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> y = cornu.layers.Dropout(0.5, seed=1)(np.ones((2, 100)), training=True)
    >>> sorted(set(y.ravel().tolist()))
    [0.0, 2.0]

    References: Nitish Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting".
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed, **kwargs)
        self.rate = fraction(self._label_(), "rate", rate)
        self.noise_shape = _check_noise_shape(self._label_(), noise_shape)

    def add_noise(self, inputs: Array) -> Array:
        """Returns x * keep / (1 - rate)."""
        return random.dropout(inputs, self.rate, self.noise_shape, seed=self.seed_generator)


class SpatialDropout(Dropout):
    """Base class of dropout of whole channels.

    Attributes:
        rank: the number of spatial axes.
    """

    rank: ClassVar[int]

    def __init__(
        self,
        rate: float,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        data_format = settings.data_format(data_format)
        spatial = (1,) * self.rank
        last = data_format == "channels_last"
        noise_shape = (None, *spatial, None) if last else (None, None, *spatial)
        super().__init__(rate, noise_shape, seed, name=name, dtype=dtype)
        self.data_format = data_format
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, which do not include `trainable`."""
        return {k: v for k, v in super().get_config().items() if k != "trainable"}


class SpatialDropout1D(SpatialDropout):
    """Randomly drops whole channels of sequences in training.

    Args:
        rate: the fraction of the inputs to drop, between 0 and 1.
        seed: an integer seed, for reproducible results.
        name: the name of the layer.
        dtype: the dtype or dtype policy of the layer.

    Shapes:
        x (batch, time, channels) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> y = cornu.layers.SpatialDropout1D(0.5, seed=1)(np.ones((1, 4, 50)), training=True)
    >>> bool((y == y[:, :1]).all())
    True

    References: Jonathan Tompson et al. (2014), "Efficient Object Localization Using Convolutional
    Networks", arXiv 1411.4280.
    """

    rank = 1

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype)


class SpatialDropout2D(SpatialDropout):
    """Randomly drops whole channels of images in training.

    Args:
        rate: the fraction of the inputs to drop, between 0 and 1.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        name: the name of the layer.
        dtype: the dtype or dtype policy of the layer.

    Shapes:
        x (batch, height, width, channels) -> (the same), or with channels first

    Example:

    >>> import cornu
    >>> cornu.layers.SpatialDropout2D(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    References: Jonathan Tompson et al. (2014), "Efficient Object Localization Using Convolutional
    Networks", arXiv 1411.4280.
    """

    rank = 2


class SpatialDropout3D(SpatialDropout):
    """Randomly drops whole channels of volumes in training.

    Args:
        rate: the fraction of the inputs to drop, between 0 and 1.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        name: the name of the layer.
        dtype: the dtype or dtype policy of the layer.

    Shapes:
        x (batch, depth, height, width, channels) -> (the same), or with channels first

    Example:

    >>> import cornu
    >>> cornu.layers.SpatialDropout3D(0.5)(cornu.Input((4, 8, 8, 3))).shape
    (None, 4, 8, 8, 3)

    References: Jonathan Tompson et al. (2014), "Efficient Object Localization Using Convolutional
    Networks", arXiv 1411.4280.
    """

    rank = 3


class AlphaDropout(Noise):
    """Dropout that preserves mean and variance, for networks with SELU activations.

    y = a * (x where keep, else s) + b, where s is the limit of SELU at minus infinity

    a and b are chosen such that inputs of mean 0 and variance 1 keep both.

    Args:
        rate: the fraction of the inputs to drop, between 0 and 1.
        noise_shape: the shape of `keep`, as in `Dropout`.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `rate` is not in [0, 1).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.random.default_rng(0).normal(size=(100, 100))
    >>> y = cornu.layers.AlphaDropout(0.2, seed=1)(x, training=True)
    >>> bool(abs(y.std() - 1) < 0.05)
    True

    References: Günter Klambauer, Thomas Unterthiner, Andreas Mayr, Sepp Hochreiter (2017),
    "Self-Normalizing Neural Networks", arXiv 1706.02515.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed, **kwargs)
        self.rate = rate_below_one(self._label_(), rate)
        self.noise_shape = _check_noise_shape(self._label_(), noise_shape)

    def add_noise(self, inputs: Array) -> Array:
        """Returns a * (x where keep, else s) + b."""
        given = self.noise_shape or (None,) * inputs.ndim
        shape = [
            size if own is None else own for size, own in zip(inputs.shape, given, strict=True)
        ]
        keep = random.uniform(shape, seed=self.seed_generator) >= self.rate
        # a and b restore mean 0 and variance 1 (Klambauer et al. 2017, arXiv:1706.02515).
        a = ((1 - self.rate) * (1 + self.rate * _SELU_LIMIT**2)) ** -0.5
        b = -a * self.rate * _SELU_LIMIT
        outputs: Array = a * jnp.where(keep, inputs, _SELU_LIMIT) + b
        return outputs


# -scale * alpha of SELU.
_SELU_LIMIT = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def _check_noise_shape(
    label: str, noise_shape: Sequence[int | None] | None
) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape)
    if not all(size is None or is_positive_integer(size) for size in sizes):
        raise ValueError(
            f"{label}: noise_shape must consist of positive integers and None. "
            f"Received: {noise_shape!r}"
        )
    return sizes
