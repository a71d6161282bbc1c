"""The quotient of two numbers is computed on the host, with the bits of the compiled function."""

import jax
import jax.numpy as jnp
import numpy as np

from cornu.metrics.mean import divide


def test_quotients_on_the_host_have_the_bits_of_compiled_ones():
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, 1.0, -3.0, np.inf, -np.inf, np.nan, 2.0**24 + 2, 3e38]
    values = np.array([*special, *rng.lognormal(0.0, 9.0, size=20)], "float32")
    pairs = np.stack(np.meshgrid(values, values), axis=-1).reshape(-1, 2)
    compiled = np.asarray(jax.jit(jax.vmap(divide))(pairs[:, 0], pairs[:, 1]))
    found = [divide(*(jnp.asarray(x, dtype="float32") for x in pair)) for pair in pairs]
    assert all(isinstance(x, jax.Array) and x.dtype == "float32" for x in found)
    # Results below the smallest normal number are zero in compiled programs.
    found = np.array([np.asarray(x) for x in found])
    found = np.where(
        np.abs(found) < np.finfo("float32").tiny, np.copysign(np.float32(0), found), found
    )
    np.testing.assert_array_equal(found.view("int32"), compiled.view("int32"))
