"""Layers with additive or multiplicative Gaussian noise in training."""

from __future__ import annotations

import math
from typing import Any

from cornu.layers.arguments import fraction
from cornu.layers.regularization.base import Noise, rate_below_one
from cornu.ops import random
from cornu.types import Array

__all__ = ["GaussianDropout", "GaussianNoise"]


class GaussianNoise(Noise):
    """Adds Gaussian noise of mean 0 in training.

    y = x + noise

    Args:
        stddev: the standard deviation of the noise, between 0 and 1.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `stddev` is not between 0 and 1.

    Example:

    >>> import cornu
    >>> cornu.layers.GaussianNoise(0.1)(cornu.Input((3,))).shape
    (None, 3)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(stddev, seed, **kwargs)
        self.stddev = fraction(self._label_(), "stddev", stddev)

    def add_noise(self, inputs: Array) -> Array:
        """Returns x + noise."""
        return inputs + random.normal(
            inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


class GaussianDropout(Noise):
    """Multiplies by Gaussian noise of mean 1 in training.

    y = x * noise, where noise has the standard deviation sqrt(rate / (1 - rate))

    Args:
        rate: the rate of the `Dropout` whose noise has the same variance, in [0, 1).
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and other arguments of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `rate` is not in [0, 1).

    Example:

    >>> import cornu
    >>> cornu.layers.GaussianDropout(0.1)(cornu.Input((3,))).shape
    (None, 3)

    References: Nitish Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting".
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)
        self.rate = rate_below_one(self._label_(), rate)

    def add_noise(self, inputs: Array) -> Array:
        """Returns x * noise."""
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * random.normal(
            inputs.shape,
            mean=1.0,
            stddev=stddev,
            dtype=self.compute_dtype,
            seed=self.seed_generator,
        )
