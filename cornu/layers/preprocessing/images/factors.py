"""Factors of image layers, and the random numbers that are sampled from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from cornu.types import Array

__all__ = ["Factor", "ImageRNG", "factor_range", "per_image", "value_pair"]

# A number f, which denotes a range such as -f to f, or the range itself as a pair.
Factor: TypeAlias = float | Sequence[float]


class ImageRNG:
    """Generates random numbers for a batch of images from a single key.

    Args:
        rows: the number of images.
        key: a JAX random key.
    """

    def __init__(self, rows: Any, key: Any) -> None:
        self.rows = rows
        self._key = key
        self._count = 0

    def key(self) -> Array:
        """Returns a new key."""
        self._count += 1
        return jax.random.fold_in(self._key, self._count)

    def uniform_scalar(self, low: float, high: float, *shape: int) -> Array:
        """Returns an array of numbers from `low` to `high`, the same for all images."""
        return low + (high - low) * jax.random.uniform(self.key(), shape, "float32")

    def uniform(self, low: float, high: float, *shape: int) -> Array:
        """Returns an array (rows, *shape) of numbers from `low` to `high`."""
        return self.uniform_scalar(low, high, self.rows, *shape)

    def normal(self, *shape: int) -> Array:
        """Returns an array (rows, *shape) of numbers from the standard normal distribution."""
        return jax.random.normal(self.key(), (self.rows, *shape), "float32")

    def beta(self, alpha: Any) -> Array:
        """Returns a number from 0 to 1 for each image, from a symmetric beta distribution."""
        keys = jax.random.split(self.key(), self.rows)
        return jax.vmap(lambda key: jax.random.beta(key, alpha, alpha, (), "float32"))(keys)

    def bernoulli(self, low: float, high: float) -> Array:
        """Returns which images are selected, each with a probability from `low` to `high`."""
        return self.uniform(0, 1) < self.uniform(low, high)

    def signs(self) -> Array:
        """Returns 1 or -1 for each image."""
        return jnp.where(self.uniform(0, 1) > 0.5, -1.0, 1.0)

    def permutation(self) -> Array:
        """Returns a random permutation of the indices of the images."""
        return jnp.argsort(self.uniform(0, 1))


def per_image(values: Any) -> Array:
    """Reshapes an array with one number per image so that it broadcasts against the images."""
    column: Array = values[:, None, None, None]
    return column


def factor_range(
    layer: str, name: str, factor: Factor, least: float = -1.0, most: float = 1.0
) -> tuple[float, float]:
    """Returns the range of a factor: a pair itself; for a number f, -f to f within the bounds.

    Example:

    >>> (
    ...     factor_range("RandomZoom", "height_factor", 0.2),
    ...     factor_range("RandomInvert", "factor", 0.2, 0),
    ... )
    ((-0.2, 0.2), (0.0, 0.2))
    """
    numbers = factor if isinstance(factor, (tuple, list)) else (factor,)
    if len(numbers) not in (1, 2) or not all(
        isinstance(n, (int, float, np.number)) and least <= n <= most for n in numbers
    ):
        raise ValueError(
            f"{layer}: {name} must be a number from {least:g} to {most:g}, or a pair of them. "
            f"Received: {factor!r}"
        )
    if isinstance(factor, (tuple, list)) and len(numbers) == 2:
        low, high = sorted(float(n) for n in numbers)
        return low, high
    high = abs(float(numbers[0]))
    return max(-high, float(least)), high


def value_pair(layer: str, name: str, values: Any) -> tuple[float, float]:
    """Returns the bounds of a value range, such as (0, 255), the lower first."""
    if not isinstance(values, (tuple, list)) or len(values) != 2 or values[0] == values[1]:
        raise ValueError(
            f"{layer}: {name} must be a pair of different numbers. Received: {values!r}"
        )
    low, high = sorted(float(v) for v in values)
    return low, high
