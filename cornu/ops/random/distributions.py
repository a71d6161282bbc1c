"""Random numbers from common distributions.

With an integer seed, the numbers are the same at each call. With a `SeedGenerator`, or without a
seed, they differ at each call. In a compiled step, they are then a function of the key of the
step, of the path of the layer or generator, and of the number of previous calls with that path.
Eagerly, they are a function of a seed and a counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state.dtypes import is_float, standardize_dtype
from cornu.ops.arguments import to_array, to_jax_dtype
from cornu.ops.random.generator import Seed, draw_key
from cornu.ops.random.rows import sample_rows
from cornu.ops.random.threefry import bernoulli
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


_Shape = Sequence[int]


@op
def normal(
    shape: _Shape,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Samples from a normal distribution.

    Args:
        shape: the shape of the result.
        mean: the mean.
        stddev: the standard deviation.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> cornu.random.normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = to_jax_dtype(dtype)
    dtype = standardize_dtype(dtype)
    key = draw_key(seed, by_row=True)
    return sample_rows(shape, lambda sizes: jax.random.normal(key, sizes, dtype)) * stddev + mean


@op
def truncated_normal(
    shape: _Shape,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Samples from a normal distribution, truncated at two standard deviations from the mean.

    Args:
        shape: the shape of the result.
        mean: the mean.
        stddev: the standard deviation before truncation.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> bool(abs(cornu.random.truncated_normal((100,), seed=1)).max() <= 2)
    True
    """
    dtype = to_jax_dtype(dtype)
    dtype = standardize_dtype(dtype)
    key = draw_key(seed, by_row=True)

    def sample(sizes: _Shape) -> Array:
        return jax.random.truncated_normal(key, -2.0, 2.0, sizes, dtype)

    return sample_rows(shape, sample) * stddev + mean


@op
def uniform(
    shape: _Shape,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Samples from a uniform distribution over `[minval, maxval)`.

    Args:
        shape: the shape of the result.
        minval: the lower bound, inclusive.
        maxval: the upper bound, exclusive.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Raises:
        ValueError: the dtype is not a float type.

    Example:

    >>> import cornu
    >>> bool(cornu.random.uniform((100,), 3.0, 4.0, seed=1).min() >= 3)
    True
    """
    dtype = to_jax_dtype(dtype)
    dtype = standardize_dtype(dtype)
    if not is_float(jnp.dtype(dtype)):
        raise ValueError(
            f"uniform: the dtype must be a float type. Received: {dtype!r}\n"
            "For integers, use randint."
        )
    key = draw_key(seed, by_row=True)
    return sample_rows(shape, lambda sizes: jax.random.uniform(key, sizes, dtype, minval, maxval))


@op
def randint(
    shape: _Shape, minval: Any, maxval: Any, dtype: DTypeLike = "int32", seed: Seed = None
) -> Array:
    """Samples integers uniformly from `[minval, maxval)`.

    Args:
        shape: the shape of the result.
        minval: the lower bound, inclusive.
        maxval: the upper bound, exclusive.
        dtype: an integer type.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Raises:
        ValueError: the dtype is not an integer type.

    Example:

    >>> import cornu
    >>> sorted(set(cornu.random.randint((100,), 0, 3, seed=1).tolist()))
    [0, 1, 2]
    """
    dtype = to_jax_dtype(dtype)
    dtype = standardize_dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.integer):
        raise ValueError(
            f"randint: the dtype must be an integer type. Received: {dtype!r}\n"
            "For floats, use uniform."
        )
    key = draw_key(seed, by_row=True)
    return sample_rows(shape, lambda sizes: jax.random.randint(key, sizes, minval, maxval, dtype))


@op
def categorical(
    logits: ArrayLike, num_samples: int, dtype: DTypeLike = "int32", seed: Seed = None
) -> Array:
    """Samples classes from one categorical distribution per row.

    Args:
        logits: unnormalized log-probabilities.
        num_samples: the number of samples per row.
        dtype: an integer type.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Shapes:
        logits (batch, classes) -> (batch, num_samples).

    Raises:
        ValueError: `logits` is not two-dimensional.

    Example:

    >>> import cornu
    >>> cornu.random.categorical([[0.0, -100.0]], 3, seed=1).tolist()
    [[0, 0, 0]]
    """
    logits = to_array(logits)
    dtype = to_jax_dtype(dtype)
    if logits.ndim != 2:
        raise ValueError(f"logits must have shape (batch, classes). Received: {logits.shape}")
    shape = (logits.shape[0], num_samples)
    # The new last axis broadcasts against the samples, so that each row is sampled several times.
    samples = jax.random.categorical(draw_key(seed), logits[..., None], axis=1, shape=shape)
    return samples.astype(standardize_dtype(dtype))


@op
def gamma(
    shape: _Shape, alpha: ArrayLike, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Samples from the gamma distribution with shape `alpha` and rate 1.

    Args:
        shape: the shape of the result.
        alpha: the shape parameter, a number or an array.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> bool(cornu.random.gamma((100,), 2.0, seed=1).min() > 0)
    True
    """
    alpha = to_array(alpha)
    dtype = to_jax_dtype(dtype)
    return jax.random.gamma(draw_key(seed), alpha, tuple(shape), standardize_dtype(dtype))


@op
def beta(
    shape: _Shape,
    alpha: ArrayLike,
    beta: ArrayLike,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Samples from the beta distribution.

    Args:
        shape: the shape of the result.
        alpha: the first shape parameter, a number or an array.
        beta: the second shape parameter, a number or an array.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> bool(cornu.random.beta((100,), 2.0, 3.0, seed=1).max() < 1)
    True
    """
    alpha, beta = to_array(alpha), to_array(beta)
    dtype = to_jax_dtype(dtype)
    return jax.random.beta(draw_key(seed), alpha, beta, tuple(shape), standardize_dtype(dtype))


@op
def binomial(
    shape: _Shape,
    counts: ArrayLike,
    probabilities: ArrayLike,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Samples from the binomial distribution: the number of successes in `counts` trials.

    Args:
        shape: the shape of the result.
        counts: the number of trials, a number or an array.
        probabilities: the probability of success in each trial, a number or an array.
        dtype: a float type; the process-wide float type by default.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> cornu.random.binomial((2,), 5, 1.0, seed=1).tolist()
    [5.0, 5.0]
    """
    counts, probabilities = to_array(counts), to_array(probabilities)
    dtype = to_jax_dtype(dtype)
    dtype = standardize_dtype(dtype)
    return jax.random.binomial(draw_key(seed), counts, probabilities, tuple(shape), dtype)


@op
def dropout(
    inputs: ArrayLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: Seed = None,
) -> Array:
    """Sets random elements to zero, and scales the others by `1 / (1 - rate)`.

    Args:
        inputs: an array.
        rate: the probability with which an element is set to zero.
        noise_shape: the shape of the random mask. Along axes of size 1, elements are dropped
            together. None stands for the size of the input.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Shapes:
        inputs (...) -> (...).

    Example:

    >>> import cornu
    >>> sorted(set(cornu.random.dropout([1.0] * 100, 0.5, seed=1).tolist()))
    [0.0, 2.0]

    References: Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting".
    """
    inputs = to_array(inputs)
    x = inputs
    if rate == 0:
        return x
    # The factor 1 / (1 - rate) would be infinite.
    if rate == 1:
        return jnp.zeros_like(x)
    shape = x.shape
    if noise_shape is not None:
        shape = tuple(n if m is None else m for m, n in zip(noise_shape, x.shape, strict=True))
    # Along an axis of a given size, such as 1, all microbatches of a pipeline have the same mask.
    by_row = noise_shape is None or (len(noise_shape) > 0 and noise_shape[0] is None)
    keep = bernoulli(draw_key(seed, by_row=True), 1.0 - rate, shape, by_row)
    # Selected instead of multiplied by the mask: infinity * 0 is NaN.
    return jnp.where(keep, x / (1.0 - rate), jnp.zeros((), x.dtype))


@op
def shuffle(x: ArrayLike, axis: int = 0, seed: Seed = None) -> Array:
    """Shuffles the slices along an axis.

    Args:
        x: an array.
        axis: the axis.
        seed: None, an integer, a SeedGenerator or a JAX random key.

    Example:

    >>> import cornu
    >>> sorted(cornu.random.shuffle([0, 1, 2, 3, 4], seed=1).tolist())
    [0, 1, 2, 3, 4]

    Fixes: whole slices are permuted, as in Keras on TensorFlow. Keras on JAX permutes the elements
    along the axis independently (keras-team/keras#19272).
    """
    x = to_array(x)
    return jax.random.permutation(draw_key(seed), x, axis)
