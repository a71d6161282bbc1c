"""Where random keys come from: `SeedGenerator`, and what may stand for it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cornu import registry, seeds
from cornu.core.state import scope
from cornu.names import auto_name

__all__ = ["Seed", "SeedGenerator", "draw_key"]


class SeedGenerator(scope.RandomSource, registry.Configurable):
    """A source of random numbers that gives others at each draw.

    Args:
        seed: an integer for numbers that repeat in each run of the program; by default one that
            `set_random_seed` determines.
        name: tells sources apart that draw in the same place.
        **kwargs: none; there for the signature of Keras.

    Attributes:
        seed: the seed.
        explicit: whether it was given.
        path: the names of the layers around the place where it was made, and its own.
        count: how many keys were drawn eagerly.

    Example:

    >>> from cornu import random
    >>> source, same = random.SeedGenerator(seed=7), random.SeedGenerator(seed=7)
    >>> first, second = random.normal((), seed=source), random.normal((), seed=source)
    >>> bool(first == second), bool(first == random.normal((), seed=same))
    (False, True)

    Differences: there is no Variable in it. In training steps, compiled or not, numbers depend on
    the step's key and the source's place in the model, so that they do not depend on the order in
    which layers are called.
    """

    category = "random"

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(f"SeedGenerator has no argument {next(iter(kwargs))!r}.")
        if seed is not None and not _is_integer(seed):
            raise ValueError(f"A seed is an integer. Received: {seed!r}")
        self.name = name or auto_name("seed_generator")
        self.path = _here(self.name)
        self.explicit = seed is not None
        self.seed = seeds.next_seed() if seed is None else int(seed)
        self.count = 0

    def next(self, ordered: bool = True) -> Any:
        """Returns the next JAX random key.

        Args:
            ordered: without effect; there for the signature of Keras.
        """
        around = scope.current()
        if around.uses_step_key:
            return around.next_key(self, _here(self.path), self.seed if self.explicit else None)
        key = _not_frozen(_key(self.seed, self.count))
        self.count += 1
        return key


# What random functions take; a key is an array as well.
Seed = int | SeedGenerator | jax.Array | None

# Stands for the draws without a seed in a step, which are numbered in their order: the names of
# layers count up within a process. Outside of steps each draw has a seed of its own.
_anonymous = object()


def draw_key(seed: Seed) -> Any:
    """Returns a JAX random key from a seed: None, an integer, a SeedGenerator or a key.

    Raises:
        TypeError: it is something else.
        RuntimeError: JAX traces a function that was given no key, so that the number would be the
            same in each call.
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        around = scope.current()
        if around.uses_step_key:
            return around.next_key(_anonymous, "random", None)
        return _not_frozen(_key(seeds.next_seed(), 0))
    if isinstance(seed, jax.Array):
        return seed
    if _is_integer(seed):
        return _key(seed, 0)
    raise TypeError(
        "seed must be None, an integer, a SeedGenerator or a JAX random key. "
        f"Received: {seed!r} (of type {type(seed).__name__})"
    )


def _is_integer(seed: Any) -> bool:
    return isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)


def _here(name: str) -> str:
    return "/".join((*scope.current().layer_path, name))


def _key(seed: int, count: int) -> Any:
    # The two words of Keras's seeds, so that eager draws from a given seed are Keras's numbers.
    words: Any = np.array([seed & 0xFFFFFFFF, count & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _not_frozen(key: Any) -> Any:
    if isinstance(key, jax.core.Tracer):
        raise RuntimeError(
            "Random numbers are drawn inside a function that JAX traces: they would be the same in "
            "each call.\n"
            "Use cornu.pure(fn, variables) before jax.jit and pass it a key, or give the random "
            "function a key as its seed."
        )
    return key
