"""Dtypes by name: asking for 64 bits switches JAX to them."""

from tests.processes import run_program

_PROGRAM = """
import jax, numpy as np
import cornu
assert not jax.config.jax_enable_x64
dense = cornu.layers.Dense(2, dtype="float64")
outputs = dense(np.ones((1, 3)))
assert jax.config.jax_enable_x64
assert (outputs.dtype, dense.kernel.dtype) == ("float64", "float64")
exact = np.ones((1, 3)) @ np.asarray(dense.kernel.value)
assert abs(np.asarray(outputs) - exact).max() < 1e-14
"""


def test_float64_is_exact_and_switches_jax_to_64_bits():
    run_program(_PROGRAM)
