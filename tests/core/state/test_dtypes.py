"""Dtypes by name: a 64-bit dtype enables them in JAX."""

import numpy as np
import pytest

import cornu
from cornu.core.state import dtypes
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


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", ">i4", "u1", "u4", "u8", "f4", "?"])
@pytest.mark.parametrize("shape", [(0,), (7,), (3, 1), (2, 3)])
@pytest.mark.parametrize("step", [1, 2])
def test_a_range_that_is_known_is_that_of_the_values(dtype, shape, step):
    rng = np.random.default_rng(0)
    for low, high in ((0, 2), (0, 100), (-100, 100), (-2, 0), (50, 51)):
        wide = np.dtype(dtype).kind not in "u?"
        values = rng.integers(low if wide else max(low, 0), max(high, 1), (4, *shape))
        array = values.astype(dtype)[::step]
        for limit in (1, 2, 60, 100, 1 << 31):
            inside = array.size > 0 and 0 <= array.min() and array.max() < limit
            assert dtypes.is_below(array, limit) == (inside and dtype in ("i1", "i2", "i4", "i8"))
