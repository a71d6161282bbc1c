"""Pooling, compared with Keras, and the fast maximum on CPU against XLA's own."""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from jax import lax

from cornu.core.graph.tensor import Tensor
from cornu.ops import nn
from tests.ops.against_keras import same, same_gradient, symbolic_like_concrete, takes_variables

rng = np.random.default_rng(0)
LINE, PLANE, SPACE = (
    rng.normal(size=shape).astype("float32")
    for shape in [(3, 11, 4), (3, 11, 10, 4), (3, 7, 8, 6, 2)]
)

CASES = [
    *((f"{kind}_pool", LINE, 2, {"strides": 2}) for kind in ("max", "average")),
    *((f"{kind}_pool", LINE, 3, {"strides": 1, "padding": "same"}) for kind in ("max", "average")),
    *((f"{kind}_pool", PLANE, (2, 3), {"strides": (2, 1)}) for kind in ("max", "average")),
    *((f"{kind}_pool", PLANE, 3, {"strides": 2, "padding": "same"}) for kind in ("max", "average")),
    *((f"{kind}_pool", PLANE, 8, {"strides": 1}) for kind in ("max", "average")),
    *((f"{kind}_pool", SPACE, 3, {"strides": 2, "padding": "same"}) for kind in ("max", "average")),
    *((f"adaptive_{kind}_pool", LINE, 4, {}) for kind in ("max", "average")),
    *((f"adaptive_{kind}_pool", PLANE, (5, 10), {}) for kind in ("max", "average")),
    *((f"adaptive_{kind}_pool", PLANE, (1, 3), {}) for kind in ("max", "average")),
    *((f"adaptive_{kind}_pool", SPACE, (2, 4, 5), {}) for kind in ("max", "average")),
]
ids = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("name", "inputs", "size", "kwargs"), CASES, ids=ids)
def test_equal_to_keras(name, inputs, size, kwargs):
    ours, theirs = getattr(nn, name), getattr(keras.ops, name)
    (last,) = same(ours, theirs, inputs, size, **kwargs)
    moved = np.moveaxis(inputs, -1, 1)
    first = ours(moved, size, data_format="channels_first", **kwargs)
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, rtol=1e-6)
    same_gradient(lambda x: ours(x, size, **kwargs), lambda x: theirs(x, size, **kwargs), (inputs,))


@pytest.mark.parametrize(("name", "inputs", "size", "kwargs"), CASES, ids=ids)
def test_symbolic_shape_is_concrete_shape(name, inputs, size, kwargs):
    batch = np.concatenate([inputs] * 5)[:13]  # a size like no other
    symbolic_like_concrete(getattr(nn, name), batch, size, **kwargs)


def test_unknown_spatial_sizes():
    x = Tensor((None, None, 10, 4))
    for op in (nn.max_pool, nn.average_pool):
        assert op(x, 2).shape == (None, None, 5, 4)
        assert op(x, 2, strides=1, padding="same").shape == (None, None, 10, 4)
    for op in (nn.adaptive_max_pool, nn.adaptive_average_pool):
        assert op(x, (3, 4)).shape == (None, 3, 4, 4)


def reduce_window_max(x, size, strides, padding):
    window, steps = (1, *[size] * (x.ndim - 2), 1), (1, *[strides] * (x.ndim - 2), 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, steps, padding.upper())


@pytest.mark.parametrize("inputs", [LINE, PLANE, SPACE], ids=["1d", "2d", "3d"])
def test_fast_maximum_is_the_maximum(inputs):
    """Values and gradients are those of XLA's reduce_window, also where maxima are tied."""
    direction = rng.normal(size=inputs.shape).astype("float32")

    @functools.partial(jax.jit, static_argnums=(0, 1))
    def outcome(pool, frame, x):
        value, slope = jax.jvp(lambda x: pool(x, *frame), [x], [direction])
        (gradient,) = jax.vjp(lambda x: pool(x, *frame), x)[1](value + 1)
        return value, gradient, slope

    for frame in [(2, 2, "valid"), (3, 2, "same"), (2, 1, "same"), (3, 1, "valid")]:
        for x in (inputs, np.round(inputs), np.zeros_like(inputs)):
            ours = outcome(nn.max_pool, frame, x)
            theirs = outcome(reduce_window_max, frame, x)
            # With ties, XLA's slope goes another way than its own gradient.
            for a, b in list(zip(ours, theirs, strict=True))[: 3 if x is inputs else 2]:
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_fast_maximum_of_infinities_and_integers():
    x = np.full((1, 6, 1), -np.inf, "float32")
    pooled, back = jax.vjp(lambda x: nn.max_pool(x, 3, 2, "same"), x)
    assert np.isneginf(pooled).all()
    assert np.isfinite(back(jnp.ones_like(pooled))[0]).all()
    assert np.isnan(nn.max_pool(np.array([[[np.nan], [1.0]]]), 2)).all()
    assert nn.max_pool(np.array([[[-5], [-3], [-9]]]), 2, padding="same").ravel().tolist() == [
        -3,
        -9,
    ]


def test_second_derivatives_exist():
    def energy(x):
        return jnp.sum(nn.max_pool(x, 2) ** 3)

    x = PLANE[:1, :4, :4, :1]
    hessian = jax.hessian(energy)(x).reshape(16, 16)
    winners = jax.grad(lambda x: nn.max_pool(x, 2).sum())(x).ravel()
    np.testing.assert_allclose(hessian, np.diag(6 * x.ravel() * winners), rtol=1e-5)


@pytest.mark.parametrize("size", [2, 6])
def test_the_gradient_of_equal_maxima_flows_to_the_first(size):
    line = np.array([1, 0, 1, 1, 0, 1, 1], "float32").reshape(1, 7, 1)
    tied = line[..., None] + line[:, None]
    found, expected = (
        jax.jit(jax.grad(lambda x, pool=pool: jnp.sum(pool(x, size) ** 2)))(tied)
        for pool in (nn.adaptive_max_pool, keras.ops.adaptive_max_pool)
    )
    np.testing.assert_array_equal(found, expected)
    forward, reverse = (
        jax.jit(transform(lambda x: nn.adaptive_max_pool(x, size)))(line)
        for transform in (jax.jacfwd, jax.jacrev)
    )
    np.testing.assert_array_equal(forward, reverse)


def test_maximum_under_vmap_and_jit():
    pool = lambda x: nn.max_pool(x, 3, 2, "same")  # noqa: E731
    mapped = jax.jit(jax.vmap(pool))(np.stack([PLANE, -PLANE]))
    np.testing.assert_array_equal(mapped[1], pool(-PLANE))


def test_strides_are_the_window_by_default():
    np.testing.assert_array_equal(nn.max_pool(PLANE, 2), nn.max_pool(PLANE, 2, strides=2))
    takes_variables(nn.max_pool, PLANE, 2)


def test_bfloat16():
    x = PLANE.astype(jnp.bfloat16)
    for op in (nn.max_pool, nn.average_pool):
        assert op(x, 2, padding="same").dtype == jnp.bfloat16


def test_errors():
    with pytest.raises(ValueError, match="pool_size must be an integer or 2 integers"):
        nn.max_pool(PLANE, (2, 2, 2))
    with pytest.raises(ValueError, match="padding must be"):
        nn.average_pool(PLANE, 2, padding="full")
    with pytest.raises(ValueError, match="2 axes"):
        nn.max_pool(PLANE[0, 0], 2)
    with pytest.raises(ValueError, match="output_size"):
        nn.adaptive_max_pool(PLANE, (2, 2, 2))
