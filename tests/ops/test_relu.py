"""relu: the values and gradients of JAX's, from its stored result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import cornu

SPECIAL = [-np.inf, -1e38, -1.0, -1e-38, -0.0, 0.0, 1e-38, 1.0, 3e38, np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "int8"])
def test_values_are_those_of_jax(dtype):
    x = np.random.default_rng(0).normal(scale=3, size=1000)
    if dtype.startswith(("float", "bfloat")):
        x = np.append(x, SPECIAL)
    x = jnp.asarray(x).astype(dtype)
    for found in (cornu.ops.relu(x), cornu.activations.relu(x)):
        assert found.dtype == x.dtype
        # NumPy compares NaN of bfloat16 as unequal; float32 holds all of these values.
        np.testing.assert_array_equal(
            np.asarray(found, "float32"), np.asarray(jax.nn.relu(x), "float32")
        )


def test_gradients_are_those_of_jax():
    x = jnp.asarray(SPECIAL, "float32")
    weights = jnp.arange(1.0, 1 + x.size)

    def gradients(relu):
        first = jax.grad(lambda x: (relu(x) * weights).sum())
        second = jax.grad(lambda x: first(x * x).sum())
        _, forward = jax.jvp(relu, (x,), (weights,))
        return first(x), forward, second(jnp.asarray([-1.0, 0.5, 2.0] * 3 + [0.0, 1.0]))

    for found, expected in zip(gradients(cornu.ops.relu), gradients(jax.nn.relu), strict=True):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_gradients_of_residual_blocks_do_not_compute_earlier_blocks_again():
    def count(blocks):
        """Returns how many additions of whole arrays the compiled gradient has."""

        def loss(kernels, x):
            for kernel in kernels:
                y = lax.conv(jnp.moveaxis(x, -1, 1), kernel, (1, 1), "SAME")
                x = cornu.ops.relu(x + jnp.moveaxis(y, 1, -1))
            return x.sum()

        kernels = [jnp.ones((8, 8, 3, 3))] * blocks
        compiled = jax.jit(jax.grad(loss)).lower(kernels, jnp.ones((4, 12, 12, 8))).compile()
        return compiled.as_text().count(" add(")

    # Linear in the number of blocks; with `max(x, 0)`, each block adds more than the one before.
    assert count(6) - count(4) == count(4) - count(2)
