"""Gaussian noise, added or multiplied during training."""

from __future__ import annotations

import math
from typing import Any

from cornu.layers.arguments import fraction
from cornu.layers.regularization.base import Noise, rate_below_one
from cornu.ops import random
from cornu.types import Array

__all__ = ["GaussianDropout", "GaussianNoise"]


class GaussianNoise(Noise):
    """Adds normal random numbers in training.

    y = x + noise, with noise of mean 0

    Args:
        stddev: the standard deviation of the noise, from 0 to 1.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `stddev` is not from 0 to 1.

    Example:

    >>> import cornu
    >>> cornu.layers.GaussianNoise(0.1)(cornu.Input((3,))).shape
    (None, 3)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(stddev, seed, **kwargs)
        self.stddev = fraction(self._label(), "stddev", stddev)

    def disturb(self, inputs: Array) -> Array:
        """Returns x + noise."""
        return inputs + random.normal(
            inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


class GaussianDropout(Noise):
    """Multiplies by normal random numbers in training.

    y = x * noise, with noise of mean 1 and standard deviation sqrt(rate / (1 - rate))

    Args:
        rate: that of the `Dropout` with noise of equal variance, from 0 to 1.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (any) -> (the same)

    Raises:
        ValueError: `rate` is not from 0 to below 1.

    Example:

    >>> import cornu
    >>> cornu.layers.GaussianDropout(0.1)(cornu.Input((3,))).shape
    (None, 3)

    References: Nitish Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting".
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)
        self.rate = rate_below_one(self._label(), rate)

    def disturb(self, inputs: Array) -> Array:
        """Returns x * noise."""
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * random.normal(
            inputs.shape,
            mean=1.0,
            stddev=stddev,
            dtype=self.compute_dtype,
            seed=self.seed_generator,
        )
