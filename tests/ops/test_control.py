"""Control flow, conversions and the ops that take functions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import ops
from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable

X = np.arange(6, dtype="float32").reshape(2, 3)


def _runs(tensor: Tensor, *values: np.ndarray) -> np.ndarray:
    """Computes what the node of a Tensor computes."""
    args, kwargs = tensor.node.substitute_inputs(values)
    return np.asarray(tensor.node.op._run_(args, kwargs))


def test_cond_and_switch():
    rate = Variable(2.0, name="rate")
    assert float(ops.cond(rate > 1, lambda: rate * 10, lambda: rate)) == 20
    assert float(ops.cond(False, lambda: 1.0, lambda: rate)) == 2  # a Variable as a result
    assert float(ops.switch(7, [lambda x: x, lambda x: -x], rate)) == -2
    symbolic = ops.switch(1, [ops.sin, ops.cos], Tensor((None, 3)))
    assert symbolic.shape == (None, 3)
    np.testing.assert_allclose(_runs(symbolic, X), np.cos(X), rtol=1e-5)


def test_loops():
    assert int(ops.while_loop(lambda i: i < 100, lambda i: i * 2, 1)) == 128
    i, total = ops.while_loop(
        lambda i, total: True, lambda i, total: (i + 1, total + i), [0, 0], maximum_iterations=4
    )
    assert (int(i), int(total)) == (4, 6)
    assert ops.fori_loop(0, 3, lambda i, x: x * 2, X).tolist() == (X * 8).tolist()
    symbolic = ops.fori_loop(0, 3, lambda i, x: x * 2, Tensor((None, 3)))
    assert symbolic.shape == (None, 3)
    assert _runs(symbolic, X).tolist() == (X * 8).tolist()


def test_scans():
    carry, sums = ops.scan(lambda c, x: (c + x, c + x), jnp.zeros(3), X)
    assert carry.tolist() == sums[-1].tolist() == X.sum(0).tolist()
    carry, sums = ops.scan(lambda c, x: (c + x, c + x), jnp.zeros(3), Tensor((4, 3)))
    assert carry.shape == (3,) and sums.shape == (4, 3)
    both = ops.associative_scan(ops.add, X, axis=1)
    assert both.tolist() == np.cumsum(X, 1).tolist()
    back = ops.associative_scan(ops.add, X, axis=1, reverse=True)
    assert back[:, 0].tolist() == X.sum(1).tolist()


def test_maps():
    for function in (ops.map, ops.vectorized_map):
        assert function(lambda row: {"sum": ops.sum(row)}, X)["sum"].tolist() == [3.0, 12.0]
        symbolic = function(lambda row: row[:2], Tensor((None, 3)))
        assert symbolic.shape == (None, 2)
    both = ops.vectorized_map(lambda pair: pair[0] * pair[1], (X, X))
    assert both.tolist() == (X * X).tolist()
    assert ops.vectorize(lambda a, b: a + b, signature="(n),()->(n)")(X, 1.0).shape == (2, 3)


def test_gradients():
    assert jax.grad(lambda x: ops.stop_gradient(x) * x)(3.0) == 3
    assert jax.grad(lambda x: ops.divide_no_nan(1.0, x))(0.0) == 0

    @ops.custom_gradient
    def clipped(x):
        return x, lambda upstream: ops.clip(upstream, -1, 1)

    assert jax.grad(lambda x: 5 * clipped(x))(2.0) == 1
    assert float(clipped(Variable(2.0, name="v"))) == 2
    assert clipped(Tensor((None, 3))).shape == (None, 3)
    value, change, aux = ops.jvp(lambda x: (x * x, "aux"), [3.0], [1.0], has_aux=True)
    assert (float(value), float(change), aux) == (9, 6, "aux")


def test_shapes_and_dtypes():
    x = Tensor((None, 3), "bfloat16")
    assert ops.shape(x) == (None, 3) and ops.ndim(x) == 2 and ops.dtype(x) == "bfloat16"
    assert ops.shape([[1, 2]]) == (1, 2) and ops.ndim(2.0) == 0
    assert ops.size(X) == 6 and ops.size(x).shape == ()
    assert ops.is_tensor(jnp.ones(2)) and not ops.is_tensor(x) and not ops.is_tensor(X)


def test_conversions():
    x = Tensor((None, 3))
    assert ops.convert_to_tensor(x) is x
    assert ops.convert_to_tensor(x, "int32").dtype == "int32"
    variable = Variable([1.0, 2.0], name="v")
    array = ops.convert_to_numpy(variable)
    assert isinstance(array, np.ndarray) and array.flags.writeable
    assert ops.convert_to_tensor([variable, variable]).shape == (2, 2)
    with pytest.raises(TypeError, match="symbolic"):
        ops.convert_to_numpy(x)
    with pytest.raises(ValueError, match="mask"):
        ops.convert_to_tensor(X, ragged=True)


def test_wrong_arguments():
    for call, message in (
        (lambda: ops.cholesky(-np.eye(2)), "positive definite"),
        (lambda: ops.qr(X, mode="full"), "'reduced' or 'complete'"),
        (lambda: ops.unstack(X, num=5), "num=5"),
        (lambda: ops.pad(X, 1, mode="edge", constant_values=1), "mode='constant'"),
        (lambda: ops.scatter_update(X, [[0]], X[:1], "mean"), "reduction"),
        (lambda: ops.rearrange(X, "a b -> a c"), "same names"),
        (lambda: ops.rearrange(X, "(a b) c -> a b c"), "sizes"),
        (lambda: ops.rfft(X) and ops.fft(X), "pair"),
        (lambda: ops.stft(X, 4, 2, 2), "fft_length"),
        (lambda: ops.cdist(X, X[0]), "cdist"),
        (lambda: ops.view_as_complex(X), "size 2"),
        (lambda: ops.image.resize(X, (2, 2)), "axes"),
        (lambda: ops.image.crop_images(np.ones((4, 4, 1)), 1, 1), "target size"),
        (lambda: ops.image.crop_images(np.ones((4, 4, 1)), 3, 1, 3, 1), "Received: 3 before"),
        (lambda: ops.image.affine_transform(np.ones((4, 4, 1)), np.ones(8), "cubic"), "bilinear"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="integers"):
        ops.ldexp(X, X)


def test_stft_is_undone():
    signal = np.random.default_rng(0).normal(size=(2, 64)).astype("float32")
    for window in ("hann", "hamming", None, np.ones(16, "float32")):
        frames = ops.stft(signal, 16, 4, 20, window=window)
        again = ops.istft(frames, 16, 4, 20, length=64, window=window)
        np.testing.assert_allclose(again, signal, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 5, 9, 10, 40])
def test_stft_reflects_short_signals(length):
    signal = np.arange(1.0, length + 1, dtype="float32")
    found = ops.stft(signal, 20, 7, 20, window=None)
    extended = np.pad(signal, 10, mode="reflect")
    wanted = ops.stft(extended, 20, 7, 20, window=None, center=False)
    np.testing.assert_allclose(found, wanted, atol=1e-3)


@pytest.mark.slow
def test_elastic_transform():
    image = np.random.default_rng(0).uniform(size=(2, 8, 6, 3)).astype("float32")
    first = ops.image.elastic_transform(image, alpha=3.0, sigma=1.0, seed=1)
    again = ops.image.elastic_transform(image, alpha=3.0, sigma=1.0, seed=1)
    assert first.shape == image.shape and (first == again).all() and (first != image).any()
    still = ops.image.elastic_transform(image, alpha=0.0, seed=1)
    np.testing.assert_allclose(still, image, atol=1e-6)


@pytest.mark.parametrize(
    "name", "argmax argmin array_split glu mean moveaxis split std sum swapaxes unstack var".split()
)
def test_an_axis_that_the_array_does_not_have(name):
    more = {"array_split": (2,), "split": (2,)}.get(name, ())
    axes = {"moveaxis": (10, 0), "swapaxes": (10, 0)}.get(name)
    arguments = {"axis": 10} if axes is None else {}
    for x in (np.ones((3, 4), "float32"), Tensor((3, 4))):
        with pytest.raises(ValueError, match=r"10.* (is )?out of (bounds|range)"):
            getattr(ops, name)(x, *more, *(axes or ()), **arguments)
