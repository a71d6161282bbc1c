"""SpectralNormalization: singular values, and what it can wrap."""

from __future__ import annotations

import numpy as np
import pytest

from cornu import layers


def _norm(kernel):
    matrix = kernel.numpy().reshape(-1, kernel.shape[-1])
    return np.linalg.svd(matrix, compute_uv=False)[0]


@pytest.mark.slow
def test_the_largest_singular_value_becomes_one():
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype("float32")
    layer = layers.SpectralNormalization(layers.Conv2D(4, 3), power_iterations=200)
    before = layer(x)
    np.testing.assert_array_equal(layer(x, training=False), before)
    y = layer(x, training=True)
    np.testing.assert_allclose(_norm(layer.layer.kernel), 1, rtol=1e-3)
    np.testing.assert_array_equal(layer(x), y)
    assert [v.name for v in layer.weights] == ["kernel", "vector_u", "bias"]


def test_a_kernel_of_zeros_stays():
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    assert layer(np.ones((1, 3), "float32"), training=True).tolist() == [[0, 0]]


def test_embeddings():
    layer = layers.SpectralNormalization(layers.Embedding(5, 3), power_iterations=20)
    y = layer(np.array([[1, 2]]), training=True)
    assert y.dtype == "float32"
    np.testing.assert_allclose(_norm(layer.layer.embeddings), 1, rtol=1e-3)


def test_short_floats_normalize_at_full_precision():
    layer = layers.SpectralNormalization(
        layers.Dense(3, dtype="mixed_bfloat16"), power_iterations=20, dtype="mixed_bfloat16"
    )
    y = layer(np.ones((1, 4), "float32"), training=True)
    assert (y.dtype, layer.kernel.dtype) == ("bfloat16", "float32")
    np.testing.assert_allclose(_norm(layer.kernel), 1, rtol=1e-3)


def test_errors_name_the_cause():
    with pytest.raises(ValueError, match="exactly one weight named 'kernel'"):
        layers.SpectralNormalization(layers.ReLU())(np.ones((1, 3), "float32"))
    with pytest.raises(ValueError, match="power_iterations must be a positive integer"):
        layers.SpectralNormalization(layers.Dense(2), power_iterations=0)
