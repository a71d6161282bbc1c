"""Activations whose gradients store the derivative: the values and gradients of JAX's functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.core import compiler_options

CASES = {
    "gelu": (cornu.ops.gelu, jax.nn.gelu),
    "gelu, exact": (cornu.activations.gelu, lambda x: jax.nn.gelu(x, approximate=False)),
    "silu": (cornu.ops.silu, jax.nn.silu),
    "swish": (cornu.ops.swish, jax.nn.silu),
    "mish": (cornu.activations.mish, jax.nn.mish),
    "softplus": (cornu.ops.softplus, jax.nn.softplus),
    "log_sigmoid": (cornu.ops.log_sigmoid, jax.nn.log_sigmoid),
    "squareplus": (lambda x: cornu.ops.squareplus(x, 2), lambda x: jax.nn.squareplus(x, 2)),
    "elu": (lambda x: cornu.ops.elu(x, 0.5), lambda x: jax.nn.elu(x, 0.5)),
    "selu": (cornu.ops.selu, jax.nn.selu),
    "celu": (lambda x: cornu.ops.celu(x, 2.0), lambda x: jax.nn.celu(x, 2.0)),
}
SPECIAL = [-np.inf, -1e38, -30.0, -1.0, -1e-38, -0.0, 0.0, 1e-38, 1.0, 30.0, 3e38, np.inf, np.nan]


def _values(shape):
    x = np.random.default_rng(0).normal(scale=3, size=shape).astype("float32")
    x.flat[: len(SPECIAL)] = SPECIAL
    return jnp.asarray(x)


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_jax_and_gradients_nearly(name):
    found, expected = CASES[name]
    x = _values((3, 5, 40))
    weights = jnp.cos(jnp.arange(600.0)).reshape(x.shape)

    def results(fn):
        _, forward = jax.jvp(fn, (x,), (weights,))
        first = jax.grad(lambda x: (fn(x) * jnp.sin(x)).sum())
        many = jax.vmap(jax.grad(lambda x: fn(x).sum()))(x[None, 1:])
        second = jax.grad(lambda x: first(x).sum())
        return forward, first(x), many, second(x[1:])

    np.testing.assert_array_equal(np.asarray(found(x)), np.asarray(expected(x)))
    for ours, theirs in zip(results(found), results(expected), strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["gelu", "silu"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
def test_other_dtypes(name, dtype):
    found, expected = CASES[name]
    x = jnp.arange(-6, 6).reshape(1, 3, 4).astype(dtype)
    ours, theirs = found(x), expected(x.astype("float32") if dtype == "int32" else x)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(np.asarray(ours, "float32"), np.asarray(theirs, "float32"))


def test_a_parameter_may_be_differentiated():
    x = jnp.linspace(-2, 2, 24).reshape(2, 3, 4)
    found = jax.grad(lambda alpha: cornu.ops.elu(x, alpha).sum())(0.5)
    np.testing.assert_allclose(found, jnp.expm1(x[x < 0]).sum(), 1e-6)


def test_a_step_stores_less():
    def measure(activation):
        """Returns the temporary memory of the gradient of four residual blocks, in bytes."""

        def loss(kernels, x):
            for wide, narrow in kernels:
                x = x + activation(x @ wide) @ narrow
            return x.sum()

        kernels, x = [(jnp.ones((64, 256)), jnp.ones((256, 64)))] * 4, jnp.ones((16, 128, 64))
        gradient = jax.grad(loss)
        options = compiler_options.select_options(jax.make_jaxpr(gradient)(kernels, x).jaxpr)
        compiled = jax.jit(gradient, compiler_options=options).lower(kernels, x).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    found, expected = CASES["gelu, exact"]
    assert measure(found) < 0.7 * measure(expected)
