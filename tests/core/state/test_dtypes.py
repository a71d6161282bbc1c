"""Dtypes by name: a 64-bit dtype enables them in JAX."""

import cornu
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


def test_names_of_policies():
    """A policy and its config by every name that Keras has, as Keras reads them."""
    for name in ("float32", "float16", "bfloat16", "int8", "mixed_float16", "mixed_bfloat16"):
        policy = cornu.DTypePolicy(name)
        assert policy.name == name and policy.get_config() == {"name": name}
        for class_name in ("DTypePolicy", "FloatDTypePolicy"):
            config = {"module": "keras", "class_name": class_name, "config": {"name": name}}
            assert cornu.dtype_policies.deserialize(config) == policy
            assert cornu.layers.Dense(1, dtype=config).dtype_policy == policy


def test_a_policy_without_a_name_is_that_of_the_process():
    assert cornu.DTypePolicy().name == "float32"
    cornu.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert cornu.DTypePolicy().name == "mixed_bfloat16"
    finally:
        cornu.config.set_dtype_policy("float32")
