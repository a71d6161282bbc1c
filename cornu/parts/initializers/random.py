"""Random initializers, which run on the host.

On the host, no program is compiled per shape, and a seed gives the same weights on every device.
Each block of 2**17 values has its own random stream, so that several threads can fill a large
array and the result does not depend on their number.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from cornu import seeds
from cornu.core.state.aligned import empty_aligned
from cornu.core.state.dtypes import is_float
from cornu.foreign import describe_replacement
from cornu.ops.random import SeedGenerator
from cornu.ops.random.generator import Seed
from cornu.parts.initializers.base import Initializer, numpy_dtype
from cornu.parts.initializers.orthonormal import orthonormal_columns
from cornu.process.cores import count_cores
from cornu.types import DTypeLike

__all__ = ["Orthogonal", "RandomInitializer", "RandomNormal", "RandomUniform", "TruncatedNormal"]

# (generator, size, float type) -> values
Sampler = Callable[[np.random.Generator, int, Any], np.ndarray]

# Each block, not each thread, has a stream of random numbers: the values do not depend on the
# number of cores.
_BLOCK = 1 << 17


class RandomInitializer(Initializer):
    """Base class of random initializers.

    Args:
        seed: with an integer, the values are the same at each call. With a `SeedGenerator` or
            `None`, they differ at each call; for `None`, `cornu.utils.set_random_seed` makes them
            reproducible.

    Fixes: an initializer without a seed returns other values at each call; in Keras they are the
    same, so that two layers that share the object start with equal weights.
    """

    _entropy: Any = None  # that of the next call, if it was determined in advance

    def __init__(self, seed: Seed = None) -> None:
        if not (seed is None or isinstance(seed, (int, np.integer, SeedGenerator))):
            raise ValueError(
                f"{type(self).__name__}: seed must be an integer, a SeedGenerator or None. "
                f"Received: {seed!r}{describe_replacement(seed)}"
            )
        self.seed = seed

    def _freeze_(self) -> RandomInitializer:
        frozen = copy.copy(self)
        frozen._entropy = self._next_entropy()
        return frozen

    def _next_entropy(self) -> Any:
        return _to_entropy(self.seed) if self._entropy is None else self._entropy

    def draw(self, shape: Sequence[int], dtype: Any, sample: Sampler) -> np.ndarray:
        """Returns an array that is filled block by block with the results of `sample`.

        Args:
            shape: the shape of the array.
            dtype: its dtype, a float type.
            sample: a function that returns random values for a block.
        """
        dtype = numpy_dtype(dtype)
        if not is_float(dtype):
            raise ValueError(
                f"{type(self).__name__}: the dtype must be a float type. Received: {dtype}"
            )
        # NumPy's generators offer these two types only; 16-bit values are rounded from 32 bits.
        precision = np.float64 if dtype == np.float64 else np.float32
        values = empty_aligned(shape, np.dtype(dtype))
        flat = values.reshape(-1)
        entropy = self._next_entropy()

        def fill(block: int) -> None:
            stream = np.random.SeedSequence(entropy, spawn_key=(block,))
            generator = np.random.Generator(np.random.SFC64(stream))
            part = flat[block * _BLOCK : (block + 1) * _BLOCK]
            part[:] = sample(generator, part.size, precision)

        # The generators of NumPy release the GIL.
        blocks = -(-flat.size // _BLOCK)
        if blocks <= 1:
            fill(0)
        else:
            with ThreadPoolExecutor(min(blocks, count_cores())) as pool:
                list(pool.map(fill, range(blocks)))
        return values


def normal(mean: float, stddev: float) -> Sampler:
    """Returns a sampler of a normal distribution."""

    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.standard_normal(size, precision)
        x *= stddev
        x += mean
        return x

    return sample


def truncated(mean: float, stddev: float) -> Sampler:
    """Returns a sampler of a normal distribution truncated at two standard deviations."""

    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.standard_normal(size, precision)
        # Rejection sampling: 4.6 % of the values are outside of the interval and are replaced.
        outside = np.flatnonzero(np.abs(x) > 2)
        while outside.size:
            redrawn = generator.standard_normal(outside.size, precision)
            x[outside] = redrawn
            outside = outside[np.abs(redrawn) > 2]
        x *= stddev
        x += mean
        return x

    return sample


def uniform(low: float, high: float) -> Sampler:
    """Returns a sampler of a uniform distribution over `[low, high)`."""

    def sample(generator: np.random.Generator, size: int, precision: Any) -> np.ndarray:
        x = generator.random(size, precision)
        x *= high - low
        x += low
        return x

    return sample


class RandomNormal(RandomInitializer):
    """Initializes with samples from a normal distribution.

    Args:
        mean: the mean.
        stddev: the standard deviation.
        seed: an integer for the same values at each call; see `RandomInitializer`.

    Example:

    >>> import cornu
    >>> cornu.initializers.RandomNormal(stddev=0.1, seed=0)((3, 2)).shape
    (3, 2)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, normal(self.mean, self.stddev))


class TruncatedNormal(RandomInitializer):
    """Initializes with samples from a normal distribution, truncated at two standard deviations.

    Args:
        mean: the mean.
        stddev: the standard deviation before truncation.
        seed: an integer for the same values at each call; see `RandomInitializer`.

    Example:

    >>> import cornu
    >>> values = cornu.initializers.TruncatedNormal(stddev=0.5, seed=0)((3, 3))
    >>> bool(abs(values).max() <= 1.0)
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, truncated(self.mean, self.stddev))


class RandomUniform(RandomInitializer):
    """Initializes with samples from a uniform distribution.

    Args:
        minval: the lower bound, inclusive.
        maxval: the upper bound, exclusive.
        seed: an integer for the same values at each call; see `RandomInitializer`.

    Example:

    >>> import cornu
    >>> values = cornu.initializers.RandomUniform(0.0, 1.0, seed=0)((3, 3))
    >>> bool(((values >= 0) & (values < 1)).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        return self.draw(shape, dtype, uniform(self.minval, self.maxval))


class Orthogonal(RandomInitializer):
    """Initializes with a random matrix with orthonormal columns (or rows, if there are fewer rows).

    Weights with more than two axes are flattened to a matrix whose columns are the last axis.

    Args:
        gain: the factor of the matrix.
        seed: an integer for the same values at each call; see `RandomInitializer`.

    Example:

    >>> q = Orthogonal(seed=1)((4, 3))
    >>> bool(np.allclose(q.T @ q, np.eye(3), atol=1e-5))
    True

    References: Andrew Saxe et al. (2014), "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", arXiv:1312.6120.

    Fixes: values in half precision are computed in float32 and rounded; Keras 3.15 on JAX raises an
    error.
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal: the shape must have at least two axes. Received: {tuple(shape)}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        # A wide matrix is computed as its transpose, because QR returns orthonormal columns.
        tall = (max(rows, columns), min(rows, columns))
        # With a positive diagonal of R, the distribution is uniform (Mezzadri, 2007, "How to
        # generate random matrices from the classical compact groups").
        q = orthonormal_columns(self.draw(tall, "float32", normal(0.0, 1.0)))
        q = q if rows >= columns else q.T
        return (self.gain * q.reshape(shape)).astype(numpy_dtype(dtype))


def _to_entropy(seed: Any) -> Any:
    if seed is None:
        return seeds.next_seed()
    if isinstance(seed, SeedGenerator):
        # The generator is advanced, so that its next use gives other values.
        return np.asarray(jax.random.key_data(seed.next())).tolist()
    return int(seed) & 0xFFFFFFFFFFFFFFFF  # SeedSequence rejects negative numbers
