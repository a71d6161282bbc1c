"""One call made with cornu's op, with Keras's, and with a symbolic Tensor."""

import jax
import jax.numpy as jnp
import keras
import numpy as np

from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable
from tests.compiling import jit_reference


def same(ours, theirs, *args, rtol=1e-5, atol=1e-6, **kwargs):
    """Asserts that both ops return equal values and dtypes; returns cornu's."""
    mine = jax.tree.leaves(ours(*args, **kwargs))
    keras_outputs = jax.tree.leaves(_compute_in_one_program(theirs, args, kwargs))
    assert len(mine) == len(keras_outputs)
    for a, b in zip(mine, keras_outputs, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(
            np.asarray(a, _comparable(a)), np.asarray(b, _comparable(b)), rtol=rtol, atol=atol
        )
    return mine


def _compute_in_one_program(op, args, kwargs):
    """Calls an op with the arrays among its arguments as inputs of a program.

    Keras composes some ops of dozens, and each would be compiled.
    """
    leaves, structure = jax.tree.flatten((args, kwargs), is_leaf=lambda x: x is None)
    arrays = {i: x for i, x in enumerate(leaves) if isinstance(x, (np.ndarray, jax.Array))}

    def run(arrays):
        args, kwargs = structure.unflatten([arrays.get(i, x) for i, x in enumerate(leaves)])
        return op(*args, **kwargs)

    return jit_reference(run)(arrays)


def same_gradient(ours, theirs, arrays, rtol=1e-5, atol=1e-5, **kwargs):
    """Asserts that gradients of a weighted sum of the output agree, for each of the arrays."""
    weights = np.random.default_rng(5).normal(size=np.shape(ours(*arrays, **kwargs)))

    def total(op):
        return lambda *xs: jnp.sum(op(*xs, **kwargs) * weights.astype("float32"))

    positions = tuple(range(len(arrays)))
    arrays = [jnp.asarray(x) for x in arrays]
    mine = jax.jit(jax.grad(total(ours), positions))(*arrays)
    keras_gradients = jit_reference(jax.grad(total(theirs), positions))(*arrays)
    for a, b in zip(mine, keras_gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def symbolic_like_concrete(op, *args, **kwargs):
    """Asserts that shapes and dtypes are equal when the size of the batch is unknown.

    It is the size of the first axis of the first argument, and should be like no other size.
    """
    size = args[0].shape[0]

    def draw(x):
        if not isinstance(x, np.ndarray) or x.ndim == 0 or x.shape[0] != size:
            return x
        return Tensor((None, *x.shape[1:]), x.dtype)

    outputs = op(*map(draw, args), **{name: draw(x) for name, x in kwargs.items()})
    tensors = jax.tree.leaves(outputs, is_leaf=lambda x: isinstance(x, Tensor))
    for tensor, array in zip(tensors, jax.tree.leaves(op(*args, **kwargs)), strict=True):
        assert tensor.shape == tuple(None if n == size else n for n in array.shape)
        assert tensor.dtype == array.dtype.name


def takes_variables(op, *args, **kwargs):
    """Asserts that a Variable counts as its value."""
    held = [Variable(jnp.asarray(x)) if isinstance(x, np.ndarray) else x for x in args]
    for a, b in zip(
        jax.tree.leaves(op(*args, **kwargs)), jax.tree.leaves(op(*held, **kwargs)), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def _comparable(x):
    return "complex128" if jnp.issubdtype(x.dtype, jnp.complexfloating) else "float64"


__all__ = ["keras", "same", "same_gradient", "symbolic_like_concrete", "takes_variables"]
