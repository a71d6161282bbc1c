"""Random keys of JAX, made on the host: `jax.random.key` compiles two programs at first."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["make_key"]

_DEFAULT = "threefry2x32"  # the default implementation of random numbers in JAX


def make_key(seed: int) -> jax.Array:
    """Returns `jax.random.key(seed)`.

    Args:
        seed: from 0 to 2**31 - 1.

    Example:

    >>> import jax
    >>> bool(make_key(7) == jax.random.key(7))
    True
    """
    current: str = jax.config.jax_default_prng_impl  # type: ignore[attr-defined]
    if current != _DEFAULT:
        return jax.random.key(seed)
    # With the dtype, `asarray` compiles nothing.
    words = jnp.asarray(np.array([0, seed], "uint32"), dtype="uint32")
    key: jax.Array = jax.random.wrap_key_data(words, impl=_DEFAULT)
    return key
