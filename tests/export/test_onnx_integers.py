"""Integers of each dtype are computed exactly by onnxruntime, as XLA computes them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import cornu

LOW = np.uint64((1 << 32) - 1)


def shifts(a, b):
    bits = np.uint64(8 * a.dtype.itemsize)
    return (b.astype("uint64") % bits).astype(a.dtype)


OPERATIONS = {
    "div": lax.div,
    "rem": lax.rem,
    "lt": lax.lt,
    "ge": lax.ge,
    "max": lax.max,
    "min": lax.min,
    "add": lax.add,
    "sub": lax.sub,
    "mul": lax.mul,
    "bits": lambda a, b: (a & b) ^ ~a | b,
    "shift_left": lambda a, b: a << shifts(a, b),
    "shift_right_logical": lambda a, b: lax.shift_right_logical(a, shifts(a, b)),
    "shift_right_arithmetic": lambda a, b: lax.shift_right_arithmetic(a, shifts(a, b)),
    "select": lambda a, b: jnp.where(a == b, -a, b),
    "sum": lambda a, b: jnp.broadcast_to(a.sum(0, dtype=a.dtype), a.shape),
    "cumsum": lambda a, b: jnp.cumsum(a, 0, dtype=a.dtype),
}
DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def join(halves):
    return (halves[0].astype("uint64") << np.uint64(32)) | (halves[1].astype("uint64") & LOW)


def split(y):
    wide = y.astype("uint64")
    return jnp.stack([wide >> np.uint64(32), wide & LOW]).astype("uint32").astype("int32")


@cornu.op
def compute(x, dtype):
    # Arrays of 64 bits pass the API as two halves of 32.
    with jax.enable_x64(True):
        a, b = (join(halves).astype(dtype) for halves in (x[:2], x[2:]))
        return jnp.stack([split(f(a, b)) for f in OPERATIONS.values()])


def pairs(dtype):
    """Returns pairs of random numbers, and all pairs of numbers at the limits."""
    rng = np.random.default_rng(0)
    limits = np.iinfo(dtype)
    least, most = np.array([limits.min, limits.max], dtype)
    edges = np.array([0, 1, 2, 3, least, most, most - 1, most // 2 + 1], dtype)
    edges = np.append(edges, ~np.array([0, 1], dtype))
    random = rng.integers(least, most, (2, 100), dtype=dtype, endpoint=True)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(edges, edges)])
    return np.concatenate([random, grid], 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_integers(dtype, tmp_path):
    wide = pairs(dtype).astype("uint64")
    x = np.stack([wide[0] >> np.uint64(32), wide[0] & LOW, wide[1] >> np.uint64(32), wide[1] & LOW])
    x = x.astype("uint32").astype("int32")
    inputs = cornu.Input(batch_shape=(4, None), dtype="int32", name="x")
    model = cornu.Model(inputs, compute(inputs, dtype))
    model.export(tmp_path / "model.onnx", format="onnx", verbose=False)
    found, expected = cornu.export.load(tmp_path / "model.onnx")(x), np.asarray(model(x))
    for name, y, target in zip(OPERATIONS, found, expected, strict=True):
        np.testing.assert_array_equal(y, target, err_msg=name)
