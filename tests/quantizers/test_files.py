"""Files of quantized and adapted models are exchanged with Keras in both directions."""

import warnings

import keras
import numpy as np
import pytest

import cornu
from tests.quantizers.layers import MODES

TOKENS = np.random.default_rng(0).integers(0, 11, size=(3, 6))


def _model(library):
    layers = library.layers
    x = library.Input((6,), dtype="int32")
    y = layers.Embedding(11, 8)(x)
    y = layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d", activation="relu")(y)
    return library.Model(x, layers.Dense(5)(y))


def _change(library, mode):
    model = _model(library)
    if mode == "lora":
        for layer in model.layers[2:]:
            layer.enable_lora(2, lora_alpha=3)
            layer.lora_kernel_b.assign(np.ones(layer.lora_kernel_b.shape))
        return model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # layers that do not have the mode
        model.quantize(**MODES[mode](library.quantizers))
    return model


PAIRS = ((cornu, keras), (keras, cornu), (cornu, cornu))
FAST = (("lora", (keras, cornu)), ("lora", (cornu, cornu)))


@pytest.mark.parametrize(
    ("mode", "pair"),
    [
        pytest.param(
            *(mode, pair),
            marks=() if (mode, pair) in FAST else pytest.mark.slow,
            id="-".join([mode, *(library.__name__ for library in pair)]),
        )
        for mode in ("int8", "int4", "int4 groups", "float8", "lora")
        for pair in PAIRS
    ],
)
def test_models_are_exchanged(mode, pair, tmp_path):
    writer, reader = pair
    model = _change(writer, mode)
    expected = np.asarray(model(TOKENS))
    path, weights = tmp_path / "model.keras", tmp_path / "model.weights.h5"
    model.save(path)
    read = reader.saving.load_model(path)
    np.testing.assert_allclose(np.asarray(read(TOKENS)), expected, rtol=1e-5, atol=1e-6)
    modes = [layer.dtype_policy.quantization_mode for layer in model.layers[1:]]
    assert [layer.dtype_policy.quantization_mode for layer in read.layers[1:]] == modes
    assert [getattr(layer, "lora_rank", None) for layer in read.layers[1:]] == [
        getattr(layer, "lora_rank", None) for layer in model.layers[1:]
    ]
    for one in (read, _change(reader, mode)):
        model.save_weights(weights)
        one.load_weights(weights)
        np.testing.assert_allclose(np.asarray(one(TOKENS)), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5"])
def test_weights_of_other_formats(suffix, tmp_path):
    model = _change(cornu, "int4 groups")
    path = tmp_path / f"weights{suffix}"
    model.save_weights(path)
    other = _change(cornu, "int4 groups")
    other.load_weights(path)
    np.testing.assert_allclose(other(TOKENS), model(TOKENS), rtol=1e-6)


def test_a_file_of_floats_does_not_fit_a_quantized_model(tmp_path):
    path = tmp_path / "model.weights.h5"
    _model(cornu).save_weights(path)
    with pytest.raises(ValueError, match="does not match"):
        _change(cornu, "int8").load_weights(path)


def test_a_map_of_policies_belongs_to_paths():
    policies = cornu.dtype_policies.DTypePolicyMap(
        "float32", {"attention/query": cornu.dtype_policies.get("int8_from_float32")}
    )
    layer = cornu.layers.MultiHeadAttention(2, 3, name="attention", dtype=policies)
    x = np.ones((2, 3, 4), "float32")
    assert np.isfinite(layer(x, x)).all()
    modes = {inner.name: inner.quantization_mode for inner in layer._sublayers_()}
    assert modes["query"] == "int8"
    assert modes["key"] is None
    assert layer.dtype_policy is policies
    read = cornu.layers.MultiHeadAttention.from_config(layer.get_config())
    read(x, x)
    assert {inner.name: inner.quantization_mode for inner in read._sublayers_()} == modes


def _attention():
    tokens = cornu.Input((6,), dtype="int32")
    x = cornu.layers.Embedding(11, 8)(tokens)
    inner = cornu.Input((6, 8))
    block = cornu.Model(inner, cornu.layers.GroupQueryAttention(4, 2, 1)(inner, inner))
    x = cornu.layers.MultiHeadAttention(2, 4)(x, x)
    return cornu.Model(tokens, cornu.layers.Dense(4)(block(x)))


@pytest.mark.parametrize("mode", ["int8", pytest.param("int4", marks=pytest.mark.slow)])
def test_layers_of_quantized_layers_are_restored(mode, tmp_path):
    model = _attention()
    model.quantize(mode)
    path = tmp_path / "model.keras"
    model.save(path)
    expected = np.asarray(model(TOKENS))
    for library in (cornu, keras):
        read = library.saving.load_model(path)
        np.testing.assert_allclose(np.asarray(read(TOKENS)), expected, rtol=1e-5, atol=1e-6)
    copied = cornu.models.clone_model(model)
    copied.set_weights(model.get_weights())
    np.testing.assert_array_equal(copied(TOKENS), expected)


def test_a_file_has_no_state_of_the_optimizer_for_weights_before_quantization(tmp_path):
    model = cornu.Sequential([cornu.Input((64,)), cornu.layers.Dense(64), cornu.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((2, 64)), np.ones((2, 1)), verbose=0)
    model.save(tmp_path / "float.keras")
    model.quantize("int8")
    model.save(tmp_path / "int8.keras")
    before, after = ((tmp_path / f"{name}.keras").stat().st_size for name in ("float", "int8"))
    assert after < before / 2
    cornu.models.load_model(tmp_path / "int8.keras")  # a warning is an error
