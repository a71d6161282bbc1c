"""Cross-entropies are right and differentiable where logits are infinite or probabilities 0."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import losses
from tests.losses.test_half_precision import HALVES

INF = np.inf
ROWS = [
    # A logit of -inf excludes a class.
    (losses.categorical_crossentropy, [[0, 1, 0]], [[-INF, 0, 0]], {}, [np.log(2)]),
    (losses.categorical_crossentropy, [[0, 0.5, 0.5]], [[-INF, 0, 0]], {}, [np.log(2)]),
    (losses.sparse_categorical_crossentropy, [1], [[-INF, 0, 0]], {}, [np.log(2)]),
    (losses.sparse_categorical_crossentropy, [1, 9], [[-INF, 0, 0]] * 2, {}, [np.log(2), 0]),
    (losses.binary_crossentropy, [[0, 1]], [[-INF, INF]], {}, [0]),
    (losses.categorical_focal_crossentropy, [[0, 1, 0]], [[-INF, 0, 0]], {}, None),
    (losses.binary_focal_crossentropy, [[0, 1]], [[-INF, INF]], {}, [0]),
    # No class has a probability: each is clipped to epsilon.
    (losses.categorical_crossentropy, [[0, 1]], [[0, 0]], {"from_logits": False}, [-np.log(1e-7)]),
    (losses.sparse_categorical_crossentropy, [1], [[0, 0]], {"from_logits": False}, [16.11809]),
    (losses.binary_crossentropy, [[1]], [[0]], {"from_logits": False}, [16.11809]),
    (losses.binary_crossentropy, [[0]], [[1]], {"from_logits": False}, None),
    (losses.categorical_focal_crossentropy, [[0, 1]], [[0, 0]], {"from_logits": False}, [4.0295]),
]


@pytest.mark.parametrize("dtype", ["float32", *HALVES])
@pytest.mark.parametrize(("loss", "y_true", "y_pred", "kwargs", "expected"), ROWS)
def test_limits(loss, y_true, y_pred, kwargs, expected, dtype):
    y_true, y_pred = np.asarray(y_true), jnp.asarray(y_pred, dtype)
    kwargs = {"from_logits": True, **kwargs}

    @jax.jit
    def compute(y_pred):
        values, pull = jax.vjp(lambda p: loss(y_true, p, **kwargs), y_pred)
        return values, *pull(jnp.ones_like(values))

    values, gradient = compute(y_pred)
    assert np.all(np.isfinite(np.asarray(values, "float32")))
    if expected is not None:
        np.testing.assert_allclose(np.asarray(values, "float32"), expected, 1e-2, 1e-6)
    assert np.all(np.isfinite(np.asarray(gradient, "float32"))), gradient


def test_binary_crossentropy_of_float16_is_that_of_float32():
    y_pred = jnp.linspace(0, 1, 101, dtype="float16")[:, None]
    for label in (0.0, 0.3, 1.0):
        y_true = jnp.full((101, 1), label)
        found = losses.binary_crossentropy(y_true, y_pred)
        expected = losses.binary_crossentropy(y_true, y_pred.astype("float32"))
        np.testing.assert_allclose(np.asarray(found, "float32"), expected, 1e-2)
