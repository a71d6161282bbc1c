"""Products of inputs and a kernel: values and gradients of JAX's, in products that are fast."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.core.compiler_options import select_options
from cornu.core.state import placement
from cornu.ops.kernel_product import einsum_axes

# Shapes of inputs and kernel: few and many columns, with and without further axes.
SHAPES = {
    "few_columns": ((6, 5), (5, 2)),
    "many_columns": ((6, 5), (5, 9)),
    "positions, few columns": ((3, 4, 5), (5, 2)),
    "positions, many columns": ((3, 4, 5), (5, 9)),
    "four axes": ((2, 3, 4, 5), (5, 5)),
}
EQUATIONS = {
    "ab,bc->ac": 1,
    "abc,cde->abde": 1,
    "abcd,cde->abe": 2,
    "...c,cde->...de": 1,
    "...cd,cde->...e": 2,
    "abc,dc->abd": 0,
    "abc,cd->adb": 0,
    "abc,abd->acd": 0,
    "abc,cd->bd": 0,
    "aab,bc->ac": 0,
    "abc,cc->abc": 0,
    "ab,b->a": 0,
    "ab,cd->abcd": 0,
    "ab...,bc->ac...": 0,
}


def _draw(*shapes):
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.normal(size=shape), "float32") for shape in shapes]


@functools.partial(jax.jit, static_argnums=0)
def _derivatives(function, x, kernel):
    """Returns values, and first and second derivatives, forward and backward."""

    def loss(x, kernel):
        return (function(x, kernel) ** 3).sum()

    tangents = tuple(_draw(x.shape, kernel.shape))
    gradient = jax.grad(loss, (0, 1))
    return [
        function(x, kernel),
        jax.jvp(function, (x, kernel), tangents)[1],
        *gradient(x, kernel),
        *jax.jvp(gradient, (x, kernel), tangents)[1],
        jax.grad(lambda kernel: (gradient(x, kernel)[1] ** 2).sum())(kernel),
        *(jax.grad(loss, position)(x, kernel) for position in (0, 1)),
        jax.vmap(function)(jnp.stack([x, -x]), jnp.stack([kernel, kernel])),
        jax.vmap(jax.grad(loss, 1), (0, None))(jnp.stack([x, -x]), kernel),
    ]


def _assert_equal(found, expected):
    for ours, plain in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-5 * float(jnp.abs(plain).max()))


@pytest.mark.parametrize("name", SHAPES)
def test_derivatives_of_matmul_are_those_of_jax(name):
    x, kernel = _draw(*SHAPES[name])
    assert "custom_jvp_call" in str(jax.make_jaxpr(cornu.ops.matmul)(x, kernel))
    _assert_equal(_derivatives(cornu.ops.matmul, x, kernel), _derivatives(jnp.matmul, x, kernel))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_derivatives_of_einsum_are_those_of_jax(equation):
    sizes = dict(zip("abcde", (2, 3, 4, 4, 5), strict=True))
    left, right = equation.replace("...", "a").split("->")[0].split(",")
    x, kernel = _draw(*([sizes[letter] for letter in letters] for letters in (left, right)))
    assert einsum_axes(equation, x.ndim, kernel.ndim) == EQUATIONS[equation]
    assert einsum_axes(equation, x.ndim, kernel.ndim + 1) == 0

    def ours(x, kernel):
        return cornu.ops.einsum(equation, x, kernel)

    def plain(x, kernel):
        return jnp.einsum(equation, x, kernel)

    changed = "custom_jvp" in str(jax.make_jaxpr(ours)(x, kernel))
    assert changed == (EQUATIONS[equation] > 0)
    if changed:
        _assert_equal(_derivatives(ours, x, kernel), _derivatives(plain, x, kernel))


@pytest.mark.parametrize("shapes", [((3,), (3, 2)), ((2, 3), (3,))])
def test_products_of_vectors_are_those_of_jax(shapes):
    x, kernel = _draw(*shapes)
    np.testing.assert_array_equal(cornu.ops.matmul(x, kernel), jnp.matmul(x, kernel))


def test_wrong_sizes_raise_the_error_of_products():
    x, kernel = _draw((2, 3), (4, 5))
    for call in (cornu.ops.matmul, lambda *args: cornu.ops.einsum("ab,bc->ac", *args)):
        with pytest.raises(ValueError, match="sizes"):
            call(x, kernel)


@pytest.mark.parametrize(("features", "columns"), [(256, 64), (64, 256)])
def test_no_operand_of_a_gradient_is_transposed(features, columns):
    """XLA's fast library does not compute products whose first operand is transposed."""

    def gradients(x, kernel):
        return jax.grad(lambda *args: (cornu.ops.matmul(*args) ** 2).sum(), (0, 1))(x, kernel)

    x, kernel = _draw((8, 32, features), (features, columns))
    compiled = jax.jit(gradients).lower(x, kernel).compile().as_text()
    products = [line for line in compiled.splitlines() if " dot(" in line]
    assert len(products) == 3  # the product, and the two gradients
    assert all("lhs_contracting_dims={1}" in line for line in products)


def test_gradients_of_residual_blocks_do_not_compute_later_blocks_again():
    def count(blocks):
        """Returns how many additions of arrays the compiled gradient has."""

        def loss(kernels, x):
            for first, second in kernels:
                y = jnp.tanh(cornu.ops.matmul(x, first))
                x = x + cornu.ops.matmul(y, second)
            return (x**2).sum()

        kernels = [(jnp.ones((64, 128)), jnp.ones((128, 64)))] * blocks
        program = jax.make_jaxpr(jax.grad(loss))(kernels, jnp.ones((64, 64, 64)))
        step = jax.jit(jax.grad(loss), compiler_options=select_options(program.jaxpr))
        compiled = step.lower(kernels, jnp.ones((64, 64, 64))).compile().as_text()
        return compiled.count(" add(")

    # Linear in the number of blocks; without barriers, each block adds more than the one before.
    assert count(6) - count(4) == count(4) - count(2)


def test_the_product_of_constant_inputs_has_no_gradient_of_inputs():
    x, kernel = _draw((8, 4), (4, 3))
    gradient = jax.make_jaxpr(jax.grad(lambda kernel: cornu.ops.matmul(x, kernel).sum()))(kernel)
    assert str(gradient).count("dot_general") == 2


def test_other_devices_and_dtypes_have_products_of_jax():
    from cornu.core.target import Target, tracing_for

    x, kernel = _draw((8, 4), (4, 3))
    with tracing_for(Target("gpu", "9.0")):
        assert "custom_jvp" not in str(jax.make_jaxpr(lambda *a: cornu.ops.matmul(*a))(x, kernel))
    for dtype in ("bfloat16", "int8"):
        arrays = x.astype(dtype), kernel.astype(dtype)
        assert "custom_jvp" not in str(jax.make_jaxpr(lambda *a: cornu.ops.matmul(*a))(*arrays))


def test_programs_of_several_devices_have_products_of_jax():
    """Devices would exchange the inputs: their axes are merged, and one of them may be divided."""
    x, kernel = _draw((8, 6, 4), (4, 3))
    devices = cornu.distribution.DataParallel(devices=cornu.distribution.list_devices())
    with placement.use(devices):
        assert "custom_jvp" not in str(jax.make_jaxpr(lambda *a: cornu.ops.matmul(*a))(x, kernel))
