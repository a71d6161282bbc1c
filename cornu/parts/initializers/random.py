"""Initializers that draw random numbers, on the host.

No program is compiled for a shape, and one seed gives the same weights on every device. Each
block of 2**17 values has a stream of its own, so that several threads may draw one large array
and the result does not depend on how many.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from cornu import seeds
from cornu.core.state.dtypes import is_float
from cornu.ops.random import SeedGenerator
from cornu.ops.random.generator import Seed
from cornu.parts.initializers.base import Initializer, numpy_dtype
from cornu.types import DTypeLike

__all__ = ["Orthogonal", "RandomInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal"]

# (generator, size, float type) -> values
Sampler = Callable[[np.random.Generator, int, Any], np.ndarray]

_BLOCK = 1 << 17


class RandomInitializer(Initializer):
    """Base of initializers that draw random numbers.

    Args:
        seed: an integer gives the same values at each call; a `SeedGenerator` gives others each
            time; so does `None`, and those can be repeated with `cornu.utils.set_random_seed`.

    Differences: in Keras an initializer without a seed gives the same values at each call, so
    that two layers that share the object begin with equal weights.
    """

    def __init__(self, seed: Seed = None) -> None:
        if not (seed is None or isinstance(seed, (int, np.integer, SeedGenerator))):
            raise ValueError(
                f"{type(self).__name__}: seed must be an integer, a SeedGenerator or None. "
                f"Received: {seed!r}"
            )
        self.seed = seed

    def draw(self, shape: Sequence[int], dtype: Any, sample: Sampler) -> np.ndarray:
        """Returns an array filled block by block with what `sample` returns."""
        dtype = numpy_dtype(dtype)
        if not is_float(dtype):
            raise ValueError(f"{type(self).__name__} makes floats. Received the dtype: {dtype}")
        precision = np.float64 if dtype == np.float64 else np.float32
        values = np.empty(shape, dtype)
        flat = values.reshape(-1)
        entropy = _entropy(self.seed)

        def fill(block: int) -> None:
            stream = np.random.SeedSequence(entropy, spawn_key=(block,))
            generator = np.random.Generator(np.random.SFC64(stream))
            part = flat[block * _BLOCK : (block + 1) * _BLOCK]
            part[:] = sample(generator, part.size, precision)

        blocks = -(-flat.size // _BLOCK)
        if blocks <= 1:
            fill(0)
        else:
            with ThreadPoolExecutor(min(blocks, os.cpu_count() or 1)) as pool:
                list(pool.map(fill, range(blocks)))
        return values


def normal(mean: float, stddev: float) -> Sampler:
    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.standard_normal(size, precision)
        x *= stddev
        x += mean
        return x

    return sample


def truncated(mean: float, stddev: float) -> Sampler:
    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.standard_normal(size, precision)
        far = np.flatnonzero(np.abs(x) > 2)
        while far.size:
            again = generator.standard_normal(far.size, precision)
            x[far] = again
            far = far[np.abs(again) > 2]
        x *= stddev
        x += mean
        return x

    return sample


def uniform(low: float, high: float) -> Sampler:
    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.random(size, precision)
        x *= high - low
        x += low
        return x

    return sample


class RandomNormal(RandomInitializer):
    """Draws from a normal distribution.

    Args:
        mean: its mean.
        stddev: its standard deviation.
        seed: see `RandomInitializer`: an integer for the same values at each call.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, normal(self.mean, self.stddev))


class TruncatedNormal(RandomInitializer):
    """Draws from a normal distribution that is cut off two standard deviations from its mean.

    Args:
        mean: its mean.
        stddev: its standard deviation before it is cut off.
        seed: see `RandomInitializer`: an integer for the same values at each call.
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, truncated(self.mean, self.stddev))


class RandomUniform(RandomInitializer):
    """Draws from a uniform distribution.

    Args:
        minval: the lower end, which is included.
        maxval: the upper end, which is not.
        seed: see `RandomInitializer`: an integer for the same values at each call.
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, uniform(self.minval, self.maxval))


class Orthogonal(RandomInitializer):
    """Makes a random matrix with orthonormal columns (or rows, where there are fewer rows).

    Weights of more than two axes are such a matrix whose columns are the last axis.

    Args:
        gain: a factor.
        seed: see `RandomInitializer`: an integer for the same values at each call.

    Example:

    >>> q = Orthogonal(seed=1)((4, 3))
    >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-5))
    True

    References: Andrew Saxe et al. (2014), "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", arXiv:1312.6120.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal makes weights of two or more axes. Received the shape: {tuple(shape)}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = np.linalg.qr(self.draw(tall, "float32", normal(0.0, 1.0)))
        # Without the signs of R's diagonal the result is not uniform among such matrices.
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        q = q if rows >= columns else q.T
        return (self.gain * q.reshape(shape)).astype(numpy_dtype(dtype))


def _entropy(seed: Any) -> Any:
    if seed is None:
        return seeds.next_seed()
    if isinstance(seed, SeedGenerator):
        return np.asarray(jax.random.key_data(seed.next())).tolist()
    return int(seed) & 0xFFFFFFFFFFFFFFFF  # a seed may be negative, a SeedSequence's not
