"""Random bits on CPU: JAX's own numbers, computed in one pass.

JAX writes its generator as a loop on CPU, which passes over the array twenty times and leaves
copies between them. Written out, XLA makes one pass of it, together with what uses the bits.
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

from cornu.deviations import is_enabled
from cornu.ops.materialize import once

__all__ = ["bernoulli"]

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_MOST = 2**32  # Numbers are counted with one word.


def bernoulli(key: Array, probability: float, shape: Sequence[Any]) -> Array:
    """Returns booleans that are True with a probability: those of `jax.random.bernoulli`."""
    if not _known(key, shape):
        return jax.random.bernoulli(key, probability, shape)
    return _below(key, np.float32(probability), tuple(shape))


def _known(key: Array, shape: Sequence[Any]) -> bool:
    """Tells whether the bits are those that are written out here, and worth it."""
    config: Any = jax.config  # its options are defined at run time
    return (
        jax.default_backend() == "cpu"
        and is_enabled("random_bits")
        and all(isinstance(size, int) for size in shape)
        and math.prod(shape) < _MOST
        and str(jax.random.key_impl(key)) == "threefry2x32"
        and config.jax_threefry_partitionable
        and not config.jax_enable_x64
    )


# Compiled, so that an eager call is one program as well.
@functools.partial(jax.jit, static_argnums=2)
def _below(key: Array, probability: Array, shape: tuple[int, ...]) -> Array:
    low, high = jax.random.key_data(key) if _typed(key) else key
    count = lax.iota(np.uint32, math.prod(shape)).reshape(shape)
    first, second = _threefry(low, high, jnp.zeros_like(count), count)
    # The upper 23 bits are the fraction of a float in [1, 2).
    words = (first ^ second) >> np.uint32(9) | np.uint32(0x3F800000)
    return once(lax.bitcast_convert_type(words, jnp.float32) - 1.0 < probability)


def _typed(key: Array) -> bool:
    return jnp.issubdtype(key.dtype, jax.dtypes.prng_key)


def _threefry(low: Array, high: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Returns the words x and y, mixed with a key of two words in twenty rounds.

    References: Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3".
    """
    keys = (low, high, low ^ high ^ np.uint32(_PARITY))
    x, y = x + keys[0], y + keys[1]
    for turn in range(5):
        for distance in _ROTATIONS[turn % 2]:
            x = x + y
            y = x ^ (y << np.uint32(distance) | y >> np.uint32(32 - distance))
        x = x + keys[(turn + 1) % 3]
        y = y + keys[(turn + 2) % 3] + np.uint32(turn + 1)
    return x, y
