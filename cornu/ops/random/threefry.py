"""Random bits on CPU: the same numbers as JAX, computed in one pass.

On CPU, JAX implements its generator as a loop with twenty passes over the array and copies in
between. XLA compiles the unrolled rounds to one pass, fused with the consumer of the bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cornu.core.target import applies
from cornu.ops.materialize import once
from cornu.ops.random.rows import row_window, sample_rows

__all__ = ["bernoulli"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_MAX_SIZE = 2**32  # The counter is one 32-bit word.


def bernoulli(key: Array, probability: float, shape: Sequence[Any], by_row: bool = False) -> Array:
    """Samples from a Bernoulli distribution; the result equals `jax.random.bernoulli`.

    Args:
        key: the random key.
        probability: the probability of True.
        shape: the shape of the result.
        by_row: whether its first axis is that of the rows of the batch, of which the current scope
            may have some only.
    """
    window = row_window(shape) if by_row else None
    if window is not None:
        whole = (window.total, *shape[1:])
        if _is_supported(key, whole):
            # One pass over these rows, instead of the numbers of the whole batch.
            first = jnp.asarray(window.start, np.uint32) * np.uint32(math.prod(shape[1:]))
            return _sample_below(key, np.float32(probability), tuple(shape), first)
        return sample_rows(shape, lambda sizes: jax.random.bernoulli(key, probability, sizes))
    if not (applies("random_bits") and _is_supported(key, shape)):
        return jax.random.bernoulli(key, probability, shape)
    return _sample_below(key, np.float32(probability), tuple(shape))


def _is_supported(key: Array, shape: Sequence[Any]) -> bool:
    """Returns whether JAX would use the generator that this module implements."""
    config: Any = jax.config  # its options are defined at run time
    return (
        all(isinstance(size, int) for size in shape)
        and math.prod(shape) < _MAX_SIZE
        and str(jax.random.key_impl(key)) == "threefry2x32"
        and config.jax_threefry_partitionable
        and not config.jax_enable_x64
    )


# Compiled, so that an eager call also runs as a single program.
@functools.partial(jax.jit, static_argnums=2)
def _sample_below(
    key: Array, probability: Array, shape: tuple[int, ...], start: Any = None
) -> Array:
    low, high = jax.random.key_data(key) if _is_typed_key(key) else key
    count = lax.iota(np.uint32, math.prod(shape)).reshape(shape)
    if start is not None:
        count = count + start
    first, second = _threefry(low, high, jnp.zeros_like(count), count)
    # As in JAX, the upper 23 bits are the mantissa of a float in [1, 2).
    words = (first ^ second) >> np.uint32(9) | np.uint32(0x3F800000)
    return once(lax.bitcast_convert_type(words, jnp.float32) - 1.0 < probability)


def _is_typed_key(key: Array) -> bool:
    return jnp.issubdtype(key.dtype, jax.dtypes.prng_key)


def _threefry(low: Array, high: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Applies Threefry-2x32 with twenty rounds to the words x and y.

    References: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    keys = (low, high, low ^ high ^ np.uint32(_PARITY))
    x, y = x + keys[0], y + keys[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x = x + y
            y = x ^ (y << np.uint32(distance) | y >> np.uint32(32 - distance))
        x = x + keys[(group + 1) % 3]
        y = y + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x, y
