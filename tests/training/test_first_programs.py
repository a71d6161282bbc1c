"""A first epoch compiles the program of the steps, and none to create and copy arrays."""

import contextlib
import logging

import jax
import numpy as np
import pytest

import cornu
from cornu import layers, losses
from cornu.core.state.keys import make_key

# The steps, and the test of XLA's options.
NEEDED = {"jit(one)", "jit(several)", "jit(<lambda>)"}


@contextlib.contextmanager
def compiled_programs():
    """Yields the list of names of the programs that are compiled in the block."""
    names = []

    class Handler(logging.Handler):
        def emit(self, record):
            words = record.getMessage().split()
            if words[0] == "Compiling":
                names.append(words[1])

    logger, handler = logging.getLogger("jax._src.interpreters.pxla"), Handler()
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        with jax.log_compiles():
            yield names
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def test_a_first_epoch_compiles_its_steps_only():
    # Sizes that occur in no other test, so that no program exists already.
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(38, 23)).astype("float32"), rng.integers(0, 11, 38).astype("int32")
    with compiled_programs() as names:
        model = cornu.Sequential([cornu.Input((23,)), layers.Dense(21), layers.Dense(11)])
        model.layers[0].set_weights([np.ones((23, 21), "float32"), np.zeros(21, "float32")])
        loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        model.fit(x, y, batch_size=19, verbose=0)
    assert "jit(several)" in names
    assert set(names) <= NEEDED


@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg"])
def test_keys_are_those_of_jax(implementation):
    with jax.default_prng_impl(implementation):
        for seed in (0, 7, 2**31 - 1):
            key, expected = make_key(seed), jax.random.key(seed)
            assert key.dtype == expected.dtype
            assert jax.random.key_data(key).tolist() == jax.random.key_data(expected).tolist()
