"""Differences from Keras that combinations of arguments show: each test shows both libraries."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from tests.conformance.faults import fault

X = np.random.default_rng(0).normal(size=(2, 4, 6)).astype("float32")
IMAGES = np.random.default_rng(1).uniform(0, 1, (2, 6, 8, 3)).astype("float32")
# Keras raises what JAX raises.
REFUSED = (ValueError, TypeError, NotImplementedError, RuntimeError)


def refused_by_keras(call: Any) -> Any:
    """Returns the result of cornu, where Keras raises an error."""
    with pytest.raises(REFUSED):
        call(keras)
    return call(cornu)


@fault("ops.max_pool", "ops.average_pool")
def test_pooling_has_default_strides() -> None:
    assert refused_by_keras(lambda k: k.ops.max_pool(IMAGES, 2)).shape == (2, 3, 4, 3)
    assert refused_by_keras(lambda k: k.ops.average_pool(IMAGES, 2)).shape == (2, 3, 4, 3)


@fault("ops.segment_sum", "ops.segment_prod", "ops.segment_max", "ops.segment_min")
def test_the_number_of_segments_is_found() -> None:
    ids = np.array([0, 0, 1])
    for name, first in (("sum", 3), ("prod", 2), ("max", 2), ("min", 1)):
        found = refused_by_keras(
            lambda k, name=name: getattr(k.ops, f"segment_{name}")(np.array([1, 2, 5]), ids)
        )
        assert np.asarray(found).tolist() == [first, 5]


@fault("ops.istft")
def test_istft_without_window_is_the_inverse() -> None:
    signal = np.random.default_rng(2).normal(size=(1, 32)).astype("float32")

    def factor(k: Any) -> Any:
        y = k.ops.istft(k.ops.stft(signal, 8, 4, 8, window=None), 8, 4, 8, window=None)
        return (np.asarray(y) / signal)[0, 4:-4]

    np.testing.assert_allclose(factor(cornu), 1, 1e-4)
    np.testing.assert_allclose(factor(keras), 2, 1e-4)


@fault("ops.image.affine_transform")
def test_one_transform_for_several_images() -> None:
    transform = np.array([1, 0, 1, 0, 1, 0, 0, 0], "float32")
    moved = refused_by_keras(lambda k: k.ops.image.affine_transform(IMAGES, transform))
    np.testing.assert_allclose(moved[:, :, :-1], IMAGES[:, :, 1:], 1e-5)


@fault("ops.image.affine_transform")
def test_coordinates_of_half_precision_are_not_rounded() -> None:
    line = jnp.arange(600, dtype="bfloat16").reshape(1, 1, 600, 1)
    transform = jnp.array([[1, 0, 0.5, 0, 1, 0, 0, 0]], "bfloat16")
    ours, theirs = (
        np.asarray(k.ops.image.affine_transform(line, transform), "float32")[0, 0, :, 0]
        for k in (cornu, keras)
    )
    wide = cornu.ops.image.affine_transform(line.astype("float32"), transform.astype("float32"))
    np.testing.assert_allclose(ours, wide[0, 0, :, 0], 1e-2, 1e-2)
    assert np.abs(theirs - np.asarray(wide)[0, 0, :, 0]).max() > 1


@fault("ops.rearrange")
def test_rearrange_can_be_compiled() -> None:
    pattern = "b (h p) c -> (b h) p c"
    run = lambda k: jax.jit(lambda x: k.ops.rearrange(x, pattern, p=2))(X)  # noqa: E731
    assert refused_by_keras(run).shape == (4, 2, 6)


@fault("ops.bartlett", "ops.blackman", "ops.hamming", "ops.hanning", "ops.kaiser")
def test_windows_can_be_compiled() -> None:
    for name, rest in (
        *((name, ()) for name in ("bartlett", "blackman", "hamming", "hanning")),
        ("kaiser", (2.0,)),
    ):
        found = refused_by_keras(
            lambda k, name=name, rest=rest: jax.jit(lambda: getattr(k.ops, name)(6, *rest))()
        )
        assert found.shape == (6,)


@fault("ops.sparse_categorical_crossentropy")
def test_the_dtype_of_a_sparse_crossentropy() -> None:
    scores = jnp.array([[0.5, 0.5]], "bfloat16")
    ours, theirs = (k.ops.sparse_categorical_crossentropy([0], scores) for k in (cornu, keras))
    assert ours.dtype == "bfloat16" and theirs.dtype == "float32"
    symbolic = keras.ops.sparse_categorical_crossentropy(
        keras.KerasTensor((1,), "int32"), keras.KerasTensor((1, 2), "bfloat16")
    )
    assert symbolic.dtype == "bfloat16"


@fault("ops.dot_product_attention", "layers.MultiHeadAttention")
def test_attention_in_float16_on_cpu_and_with_other_values() -> None:
    x = jnp.ones((1, 4, 2, 3), "float16")
    bias = jnp.zeros((1, 2, 4, 4), "float16")
    call = lambda k: jax.jit(lambda x: k.ops.dot_product_attention(x, x, x, bias))(x)  # noqa: E731
    if jax.default_backend() == "cpu":
        assert refused_by_keras(call).dtype == "float16"
    layer = lambda k: k.layers.MultiHeadAttention(2, 3, value_dim=4)(X, X)  # noqa: E731
    assert refused_by_keras(layer).shape == X.shape


@fault("layers.RMSNormalization")
def test_root_mean_squares_of_any_axis() -> None:
    y = refused_by_keras(lambda k: k.layers.RMSNormalization(axis=1)(X))
    np.testing.assert_allclose(np.mean(np.square(y), 1), 1, 1e-3)


@fault("layers.SimpleRNN")
def test_the_activity_of_a_simple_rnn_is_regularized() -> None:
    ours, theirs = (k.layers.SimpleRNN(3, activity_regularizer="l2") for k in (cornu, keras))
    ours(X), theirs(X)
    assert len(ours.losses) == 1 and theirs.losses == []
    lstm = keras.layers.LSTM(3, activity_regularizer="l2")
    lstm(X)
    assert len(lstm.losses) == 1


def test_a_time_distributed_layer_has_its_own_dtype_policy() -> None:
    ours, theirs = (
        k.layers.TimeDistributed(k.layers.Dense(3), dtype="mixed_bfloat16")(X)
        for k in (cornu, keras)
    )
    assert ours.dtype == "float32" and theirs.dtype == "bfloat16"


@fault("layers.CategoryEncoding", "layers.Hashing", "layers.HashedCrossing")
def test_encodings_have_the_compute_dtype() -> None:
    ours, theirs = (
        k.layers.CategoryEncoding(3, output_mode="multi_hot", dtype="mixed_bfloat16")
        for k in (cornu, keras)
    )
    for name, inputs in (
        ("Hashing", np.array([[1, 2]])),
        ("HashedCrossing", [np.array([[1]]), np.array([[2]])]),
    ):
        options = {"output_mode": "one_hot", "dtype": "mixed_bfloat16"}
        hashed, by_keras = (getattr(k.layers, name)(3, **options)(inputs) for k in (cornu, keras))
        assert hashed.dtype == "bfloat16" and by_keras.dtype == "float32"
    indices = np.array([[0, 2]])
    assert ours(indices).dtype == "bfloat16" and theirs(indices).dtype == "float32"
    assert theirs(keras.Input((2,), dtype="int32")).dtype == "bfloat16"


@fault("layers.Hashing")
def test_encodings_of_hashes_in_half_precision() -> None:
    for dtype in ("bfloat16", "float16"):
        for mode in ("multi_hot", "count"):
            call = lambda k, options=(3, None, None, mode), dtype=dtype: (  # noqa: E731
                k.layers.Hashing(*options, dtype=dtype)(np.array([[1, 2, 1]]))
            )
            vectors = refused_by_keras(call)
            assert vectors.dtype == dtype
            assert vectors.tolist() == call(cornu, dtype="float32").tolist()


@fault("layers.IntegerLookup", "layers.StringLookup", "layers.TextVectorization")
def test_vectors_of_arrays_have_the_dtype_of_symbolic_ones() -> None:
    numbers, strings = np.array([[1, 2, 1]]), np.array([["a", "b", "a"]])
    for name, x, vocabulary in (
        ("IntegerLookup", numbers, [1, 2]),
        ("StringLookup", strings, ["a", "b"]),
        ("TextVectorization", strings[:, 0], ["a", "b"]),
    ):
        ours, theirs = (
            getattr(k.layers, name)(vocabulary=vocabulary, output_mode="count")
            for k in (cornu, keras)
        )
        shape, dtype = x.shape[1:], "int64" if x is numbers else "string"
        assert ours(x).dtype == ours(cornu.Input(shape, dtype=dtype)).dtype == "float32"
        assert theirs(x).dtype == "int32"
        assert theirs(keras.Input(shape, dtype=dtype)).dtype == "float32"
        np.testing.assert_array_equal(ours(x), theirs(x))


@fault("layers.STFTSpectrogram")
def test_spectrograms_in_bfloat16() -> None:
    signal = np.ones((1, 16, 1), "float32")
    call = lambda k: k.layers.STFTSpectrogram(  # noqa: E731
        frame_length=8, frame_step=4, fft_length=8, dtype="bfloat16"
    )(signal)
    assert refused_by_keras(call).dtype == "bfloat16"


@fault("layers.RandomColorJitter")
def test_color_jitter_with_channels_first() -> None:
    images = 255 * np.moveaxis(IMAGES, -1, 1)
    call = lambda k: k.layers.RandomColorJitter(  # noqa: E731
        hue_factor=0.3, data_format="channels_first"
    )(images, training=True)
    assert refused_by_keras(call).shape == images.shape


@fault("losses.KLDivergence", "metrics.BinaryCrossentropy")
def test_probabilities_in_half_precision_are_clipped() -> None:
    y_true, y_pred = jnp.array([[0.0, 1.0]]), jnp.array([[0.4, 0.6]])
    ours, theirs = (
        jax.jit(jax.grad(lambda p, k=k: k.losses.KLDivergence(dtype="float16")(y_true, p)))(y_pred)
        for k in (cornu, keras)
    )
    assert np.isfinite(ours).all() and not np.isfinite(theirs).all()
    metrics = [k.metrics.BinaryCrossentropy() for k in (cornu, keras)]
    for metric in metrics:
        metric.update_state(jnp.array([[0.0]]), jnp.array([[1.0]], "bfloat16"))
    ours, theirs = (np.asarray(metric.result()) for metric in metrics)
    assert np.isfinite(ours) and not np.isfinite(theirs)


@fault("initializers.Orthogonal")
def test_orthogonal_matrices_in_half_precision() -> None:
    q = refused_by_keras(lambda k: k.initializers.Orthogonal(1)((4, 4), dtype="bfloat16"))
    assert q.dtype == "bfloat16"


@fault("initializers.STFT")
def test_windows_of_transforms_are_rounded_once() -> None:
    ours, theirs = (
        np.asarray(k.initializers.STFT(window=None)((9, 1, 17), dtype="bfloat16"), "float32")
        for k in (cornu, keras)
    )
    wide = np.asarray(cornu.initializers.STFT(window=None)((9, 1, 17)))
    assert np.abs(ours - wide).max() < 4e-3 < np.abs(theirs - wide).max()


def test_tabular_layers_take_training_symbolically() -> None:
    inputs = cornu.Input((2,), dtype="int32")
    for layer in (
        cornu.layers.Hashing(3, salt=1),
        cornu.layers.IntegerLookup(vocabulary=[1, 2]),
    ):
        assert layer(inputs, training=True).shape == (None, 2)


def test_complex_numbers_of_half_precision() -> None:
    for dtype in ("bfloat16", "float16"):
        pairs = jnp.array([[1, 2]], dtype)
        for k in (cornu, keras):
            assert k.ops.view_as_complex(pairs).tolist() == [1 + 2j]
