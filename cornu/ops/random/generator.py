"""Random keys: `SeedGenerator`, and the conversion of seeds to keys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import registry, seeds
from cornu.core.graph.op import VariableBase
from cornu.core.graph.operators import Operators
from cornu.core.state import scope
from cornu.foreign import describe_replacement
from cornu.names import auto_name, printable
from cornu.process.forks import reset_after_fork
from cornu.types import ArrayLike, Config, DTypeLike

__all__ = ["Seed", "SeedGenerator", "SeedState", "draw_key", "iterate_sources"]

# Threads that draw from a generator at once, such as those of `tf.data.Dataset.map` with
# `num_parallel_calls`, get different keys.
_draw_lock = reset_after_fork(threading.Lock())


class SeedState(Operators, VariableBase):
    """The seed and the number of draws of a `SeedGenerator`, as an array of two integers.

    It has the methods of a Variable that programs use to read, store and restore it.

    Attributes:
        shape, dtype, ndim: those of the array.
        path, name: those of the Variable that Keras has instead.
        trainable: False.
    """

    __slots__ = ("_generator",)

    __hash__ = object.__hash__
    shape = (2,)
    ndim = 1
    dtype = "uint32"
    name = "seed_generator_state"
    trainable = False

    def __init__(self, generator: SeedGenerator) -> None:
        self._generator = generator

    @property
    def path(self) -> str:
        """The path of the generator, followed by the name."""
        return f"{self._generator.path}/{self.name}"

    @property
    def value(self) -> jax.Array:
        """The seed and the count."""
        given = scope.current().holder_of(self)
        return jnp.asarray(self.numpy() if given is None else given.values[id(self)])

    def numpy(self) -> np.ndarray:
        """Returns the seed and the count as a NumPy array."""
        return _words(self._generator.seed, self._generator.count)

    def assign(self, value: ArrayLike) -> jax.Array:
        """Sets the seed and the count; the next key depends on nothing else."""
        given = scope.current().holder_of(self)
        if given is not None:
            given.values[id(self)] = jnp.asarray(value, self.dtype)
            return self.value
        words = np.asarray(value)
        if words.shape != self.shape:
            raise ValueError(
                "The state of a SeedGenerator consists of two integers, the seed and the number of "
                f"draws. Received: an array of shape {words.shape}"
            )
        self._generator.seed, self._generator.count = map(int, words)
        self._generator.explicit = True
        return self.value

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def __jax_array__(self) -> jax.Array:
        return self.value

    def __repr__(self) -> str:
        return f"<SeedState path={printable(self.path)}, value={self.numpy()}>"


class SeedGenerator(scope.RandomSource, registry.Configurable):
    """A stateful source of random keys: each use as a seed gives different numbers.

    Args:
        seed: an integer for reproducible numbers; by default it is derived from the seed of
            `set_random_seed`.
        name: the name; it distinguishes generators that are created in the same layer.
        **kwargs: must be empty; part of the signature of Keras.

    Attributes:
        seed: the seed.
        explicit: whether the seed was specified.
        path: the path of the layer in which the generator was created, followed by its name.
        count: the number of keys that were generated eagerly.
        state: the seed and the count, with the methods of a Variable. In a `StatelessScope` that
            has a value for it, the numbers follow from this value.

    Example:

    >>> from cornu import random
    >>> source, same = random.SeedGenerator(seed=7), random.SeedGenerator(seed=7)
    >>> first, second = random.normal((), seed=source), random.normal((), seed=source)
    >>> bool(first == second), bool(first == random.normal((), seed=same))
    (False, True)

    Differences: the state is not a Variable of the layer that owns the generator. In training
    steps, compiled or not, the numbers depend on the key of the step and on the path of the
    generator, and so not on the order in which layers are called.
    """

    _category_ = "random"
    _has_identity_ = True

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(f"SeedGenerator: unexpected keyword argument {next(iter(kwargs))!r}.")
        if seed is not None and not _is_integer(seed):
            raise ValueError(
                f"SeedGenerator: seed must be an integer. Received: {seed!r}"
                + describe_replacement(seed)
            )
        self.name = name or auto_name("seed_generator")
        self.path = _current_path(self.name)
        self.explicit = seed is not None
        self.seed = seeds.next_seed() if seed is None else int(seed)
        self.count = 0
        self._state = SeedState(self)

    @property
    def state(self) -> SeedState:
        """The seed and the count, with the methods of a Variable."""
        return self._state

    def _live_state_(self) -> Config:
        return {name: getattr(self, name) for name in ("seed", "count", "explicit", "path")}

    def _set_live_state_(self, state: Config) -> None:
        vars(self).update(state)

    def next(self, ordered: bool = True) -> Any:
        """Returns the next JAX random key.

        Args:
            ordered: ignored; part of the signature of Keras.
        """
        current = scope.current()
        given = None if current.inferring_shapes else current.holder_of(self._state)
        if given is not None:
            words = given.values[id(self._state)]
            given.values[id(self._state)] = words + jnp.array([0, 1], words.dtype)
            return jax.random.wrap_key_data(words, impl="threefry2x32")
        if current.uses_step_key:
            return current.next_key(
                self, _current_path(self.path), self.seed if self.explicit else None
            )
        with _draw_lock:
            key = _check_not_traced(_make_key(self.seed, self.count))
            self.count += 1
        return key


def iterate_sources(value: Any) -> Iterator[SeedGenerator]:
    """Yields the SeedGenerators in an attribute, including nested lists, tuples and dicts."""
    if isinstance(value, SeedGenerator):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from iterate_sources(item)


# The seeds that random functions accept. A key is an array as well.
Seed = int | SeedGenerator | jax.Array | None

# The source of all draws without a seed within a step, which are numbered in order. Generated layer
# names would not do: they count up within a process. Outside of steps each draw has its own seed.
_anonymous = object()


def draw_key(seed: Seed, by_row: bool = False) -> Any:
    """Converts a seed to a JAX random key: None, an integer, a SeedGenerator or a key.

    Args:
        seed: the seed.
        by_row: whether the numbers are those of the rows in `Scope.row_window`.

    Raises:
        TypeError: the seed has another type.
        RuntimeError: JAX traces a function that received no key, so that the numbers would be the
            same in each call.
        ValueError: all microbatches of a pipeline would have the same numbers.
    """
    if not by_row and scope.current().row_window is not None:
        raise ValueError(
            "A random function is called in a stage of a pipeline, and its numbers cannot be "
            "divided into those of the microbatches.\nUse normal, uniform, truncated_normal, "
            'randint or dropout of cornu.random, or distribution="fsdp".'
        )
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        current = scope.current()
        if current.uses_step_key:
            return current.next_key(_anonymous, "random", None)
        return _check_not_traced(_make_key(seeds.next_seed(), 0))
    if isinstance(seed, jax.Array):
        return seed
    if _is_integer(seed):
        return _make_key(seed, 0)
    raise TypeError(
        "seed must be None, an integer, a SeedGenerator or a JAX random key. "
        f"Received: {seed!r} (of type {type(seed).__name__}){describe_replacement(seed)}"
    )


def _is_integer(seed: Any) -> bool:
    return isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)


def _current_path(name: str) -> str:
    return "/".join((*scope.current().layer_path, name))


def _make_key(seed: int, count: int) -> Any:
    # The two words of a seed in Keras, so that a given seed gives the same eager numbers as Keras.
    words: Any = _words(seed, count)
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def _words(seed: int, count: int) -> np.ndarray:
    return np.array([seed & 0xFFFFFFFF, count & 0xFFFFFFFF], np.uint32)


def _check_not_traced(key: Any) -> Any:
    if isinstance(key, jax.core.Tracer):
        raise RuntimeError(
            "A random function is called without a key in a function that JAX traces. The numbers "
            "would be the same in each call.\n"
            "Apply cornu.pure(fn, variables) before jax.jit and pass a key to it, or pass a key as "
            "the seed of the random function."
        )
    return key
