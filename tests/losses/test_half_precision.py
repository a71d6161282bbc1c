"""Losses, metrics and normalizations of 70,000 16-bit floats are finite and accurate."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import layers, losses, metrics, ops
from tests.conformance.test_losses import NAMES as LOSS_NAMES
from tests.conformance.test_losses import ROWS as LOSS_ROWS
from tests.conformance.test_losses import LossRow
from tests.conformance.test_metrics import NAMES as METRIC_NAMES
from tests.conformance.test_metrics import ROWS as METRIC_ROWS
from tests.sampling import repeated_are_slow, slow_except

HALVES = ["float16", pytest.param("bfloat16", marks=pytest.mark.slow)]
COUNT = 70_000


def _mark_slow(row: LossRow, name: str) -> Any:
    """Returns a parameter; the losses that compile for seconds are slow."""
    marks = [pytest.mark.slow] if row.cls in ("CTC", "Circle") or row.args else []
    return pytest.param(row, id=name, marks=marks)


LOSSES = [_mark_slow(*named) for named in zip(LOSS_ROWS, LOSS_NAMES, strict=True)]


def _halve(x: np.ndarray, dtype: str) -> jax.Array:
    """Returns floats in a 16-bit type, and other arrays as they are."""
    x = np.asarray(x)
    return jnp.asarray(x, dtype) if x.dtype.kind == "f" else jnp.asarray(x)


def _check(found: jax.Array, expected: np.ndarray) -> None:
    found = np.asarray(found, "float64")
    assert np.all(np.isfinite(found))
    np.testing.assert_allclose(found, np.asarray(expected, "float64"), rtol=1e-2, atol=1e-2)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("row", LOSSES)
def test_losses(row, dtype):
    y_true, y_pred = row.make(np.random.default_rng(0))
    if row.cls != "Circle":  # compares each sample with each other
        repeats = -(-COUNT // y_pred.size)
        y_true, y_pred = (np.concatenate([x] * repeats) for x in (y_true, y_pred))
    y_pred = _halve(y_pred, dtype)
    wide = y_pred.astype("float32")
    make = getattr(losses, row.cls)
    _check(make(dtype=dtype, **row.args)(y_true, y_pred), make(**row.args)(y_true, wide))
    # The functions keep the dtype of the predictions.
    fn = make(**row.args).fn
    values = fn(_halve(y_true, dtype), y_pred, **row.args)
    assert values.dtype == dtype
    _check(values, fn(y_true, wide, **row.args))


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("row", repeated_are_slow(METRIC_ROWS, METRIC_NAMES, "cls"))
def test_metrics(row, dtype):
    data = row.make(np.random.default_rng(0), COUNT)
    make = getattr(metrics, row.cls)
    batch = [_halve(x, dtype) for x in data]
    expected = make(**row.args)(*(np.asarray(x, "float32") for x in batch))
    _check(make(**row.args)(*batch), expected)
    _check(make(dtype=dtype, **row.args)(*batch), expected)


LONG = np.random.default_rng(0).normal(size=(2, COUNT)).astype("float32")
SHARES = np.full((2, COUNT), 1 / COUNT, "float32")
ONE_HOT = (np.arange(COUNT) == [[3], [5]]).astype("float32")
BINARY = np.ones((2, COUNT), "float32")
REDUCTIONS = {
    "categorical_crossentropy": lambda x: losses.categorical_crossentropy(ONE_HOT, x, True),
    "probabilities": lambda x: losses.categorical_crossentropy(ONE_HOT, abs(x)),
    "sparse": lambda x: losses.sparse_categorical_crossentropy(np.array([3, 5]), x, True),
    "mse": lambda x: losses.mean_squared_error(BINARY, x),
    "cosine": lambda x: losses.cosine_similarity(BINARY, x),
    "dice": lambda x: losses.dice(BINARY, abs(x), axis=1),
    "tversky": lambda x: losses.tversky(BINARY, abs(x), axis=1),
    "ops.binary_crossentropy": lambda x: ops.binary_crossentropy(BINARY, 0 * x),
    "zeros": lambda x: losses.binary_crossentropy(0 * BINARY, 0 * x + 1),
    "kl": lambda x: losses.kl_divergence(SHARES, 0 * x + SHARES[0, 0]),
    "softmax": lambda x: ops.softmax(0 * x).astype("float32") * COUNT,
    "log_softmax": lambda x: ops.log_softmax(x),
    "sparsemax": lambda x: ops.sparsemax(x),
    "norm": lambda x: ops.norm(x, axis=-1),
    "normalize": lambda x: ops.normalize(x) * COUNT**0.5,
    "normalize_1": lambda x: ops.normalize(x, order=1).astype("float32") * COUNT,
    "normalize_3": lambda x: ops.normalize(300 * x, order=3) * COUNT ** (1 / 3),
    "layer_normalization": lambda x: ops.layer_normalization(100 * x),
    "rms_normalization": lambda x: ops.rms_normalization(300 * x),
    "moments": lambda x: jnp.stack(ops.moments(10 * x, 1)) / 100,
    "average_pool": lambda x: ops.average_pool(0 * x[..., None] + 1, COUNT),
    "adaptive_average_pool": lambda x: ops.adaptive_average_pool(0 * x[..., None] + 1, 1),
    "UnitNormalization": lambda x: layers.UnitNormalization(dtype=x.dtype)(300 * x) * COUNT**0.5,
    "LayerNormalization": lambda x: layers.LayerNormalization(dtype=x.dtype)(300 * x),
    "RMSNormalization": lambda x: layers.RMSNormalization(dtype=x.dtype)(300 * x),
    "GroupNormalization": lambda x: layers.GroupNormalization(1, dtype=x.dtype)(300 * x),
    "BatchNormalization": lambda x: layers.BatchNormalization(dtype=x.dtype)(
        300 * x.T, training=True
    ),
    "Softmax": lambda x: layers.Softmax(dtype=x.dtype)(0 * x, mask=x > 0).astype("float32") * COUNT,
    "Attention": lambda x: layers.Attention(dtype=x.dtype)(
        [0 * x[:1, :3, None], 0 * x[:1, :, None] + 1]
    ),
    "MultiHeadAttention": lambda x: layers.MultiHeadAttention(
        1, 1, dtype=x.dtype, kernel_initializer="ones"
    )(0 * x[:1, :3, None], 0 * x[:1, :, None] + 1, attention_mask=np.ones((1, 3, COUNT), bool)),
    "masked GlobalAveragePooling": lambda x: layers.GlobalAveragePooling1D(dtype=x.dtype)(
        0 * x[..., None] + 1, mask=np.ones((2, COUNT), bool)
    ),
    "GlobalAveragePooling": lambda x: layers.GlobalAveragePooling1D(dtype=x.dtype)(
        0 * x[..., None] + 1
    ),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize(
    "name", slow_except(REDUCTIONS, REDUCTIONS.keys() - {"MultiHeadAttention", "sparsemax"})
)
def test_reductions_of_a_long_axis(name, dtype):
    x = jnp.asarray(LONG, dtype)
    _check(REDUCTIONS[name](x), REDUCTIONS[name](x.astype("float32")))
