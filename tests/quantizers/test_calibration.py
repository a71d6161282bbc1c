"""GPTQ and AWQ choose the levels that the algorithms of Keras choose from the same data."""

import contextlib

import keras
import numpy as np
import pytest
from keras.src.quantizers import awq_core, gptq_core

import cornu
from cornu.quantizers.forms.calibration import sample_sequences
from tests.conformance.faults import fault
from tests.quantizers.layers import stored_arrays

TOKENS = np.random.default_rng(0).integers(0, 11, size=(200,))


class Tokenizer:
    def tokenize(self, text):
        return np.array([ord(c) % 11 for c in text])


def _model(library):
    layers = library.layers
    x = library.Input((8,), dtype="int32")
    table = layers.Embedding(11, 6, name="table")
    inner = library.Input((8, 6))
    y = layers.Dense(4, activation="relu", name="first")(inner)
    y = layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", name="heads")(y)
    y = layers.EinsumDense("abde,dec->abc", (None, 6), name="joined")(y)
    blocks = [library.Model(inner, y, name="block")]
    inner = library.Input((8, 6))
    blocks.append(library.Model(inner, layers.Dense(6, name="second")(inner), name="block_1"))
    y = table(x)
    for block in blocks:
        y = block(y)
    model = library.Model(x, layers.Dense(3, name="head")(y))
    return model, {"pre_block_layers": [table], "sequential_blocks": blocks}


CONFIGS = {
    "gptq": lambda q, **kw: q.GPTQConfig(group_size=4, **kw),
    "gptq of 8 bits": lambda q, **kw: q.GPTQConfig(weight_bits=8, group_size=-1, **kw),
    "gptq in order": lambda q, **kw: q.GPTQConfig(
        group_size=5, activation_order=True, symmetric=True, **kw
    ),
    "gptq per matrix": lambda q, **kw: q.GPTQConfig(group_size=-1, per_channel=False, **kw),
    "awq": lambda q, **kw: q.AWQConfig(group_size=4, **kw),
    "awq without groups": lambda q, **kw: q.AWQConfig(group_size=-1, num_grid_points=5, **kw),
}


NAMES = ("first", "heads", "joined", "second")


@contextlib.contextmanager
def _pass_inputs(layers, algorithms):
    """What `stream_hessians` and `stream_activations` of Keras intend: they replace `call`."""
    for name, layer in layers.items():

        def call(*args, layer=layer, algorithm=algorithms[name], **kwargs):
            x = np.asarray(args[0]).reshape(-1, algorithm.rows)
            if hasattr(algorithm, "hessian"):
                algorithm.update_hessian_with_batch(x)
            else:
                algorithm.update_activation_magnitudes(x)
            return type(layer).quantized_call(layer, *args, **kwargs)

        layer.quantized_call = call
    yield
    for layer in layers.values():
        del layer.quantized_call


def _sample(tokenizer, sequence_length, dataset, num_samples=128, **kwargs):
    # The first sequence of Keras depends on the hash of a string, which differs between processes.
    return sample_sequences(dataset, tokenizer, num_samples, sequence_length)


@pytest.fixture
def repaired(monkeypatch):
    """Keras's algorithms receive the data."""
    for module, name in ((gptq_core, "stream_hessians"), (awq_core, "stream_activations")):
        monkeypatch.setattr(module, name, _pass_inputs)
        monkeypatch.setattr(module, "get_dataloader", _sample)


def _quantize(library, name, names=NAMES):
    """Returns a model with the same weights in both libraries, and the quantized layers."""
    model, structure = _model(library)
    model.set_weights(
        [
            np.random.default_rng(i).normal(size=v.shape).astype("float32")
            for i, v in enumerate(model.get_weights())
        ]
    )
    config = CONFIGS[name](
        library.quantizers,
        dataset=[TOKENS],
        tokenizer=Tokenizer(),
        num_samples=6,
        sequence_length=8,
        quantization_layer_structure=structure,
    )
    model.quantize(config.mode, config=config, filters=lambda layer: layer.name in names)
    return model, [
        layer
        for block in structure["sequential_blocks"]
        for layer in block.layers
        if layer.name in names
    ]


def _state(layer):
    names = ["quantized_kernel", "kernel_scale", "kernel_zero", "g_idx"]
    names += ["awq_scales"] * (layer.quantization_mode == "awq")
    return {name: np.asarray(getattr(layer, name)) for name in names}


@pytest.mark.parametrize(
    ("name", "names"),
    [("gptq", ("heads",)), ("awq", ("heads",))]
    + [pytest.param(name, NAMES, marks=pytest.mark.slow) for name in CONFIGS],
)
def test_levels_are_those_of_keras(name, names, repaired, tmp_path):
    own, layers = _quantize(cornu, name, names)
    other, twins = _quantize(keras, name, names)
    for layer, twin in zip(layers, twins, strict=True):
        assert layer.dtype_policy.name == twin.dtype_policy.name
        expected = _state(twin)
        for attribute, found in _state(layer).items():
            assert found.dtype == expected[attribute].dtype
            np.testing.assert_allclose(found, expected[attribute], rtol=1e-4, atol=1e-6)
    x = TOKENS[:16].reshape(2, 8)
    expected = np.asarray(other(x))
    np.testing.assert_allclose(own(x), expected, rtol=1e-3, atol=1e-3)
    # A layer outside of the blocks stays as it is.
    assert own.get_layer("head").quantization_mode is None
    path = tmp_path / "model.keras"
    own.save(path)
    for library in (cornu, keras):
        read = library.saving.load_model(path)
        np.testing.assert_allclose(np.asarray(read(x)), expected, rtol=1e-3, atol=1e-3)


@fault("quantizers.GPTQConfig", "quantizers.AWQConfig")
@pytest.mark.parametrize("name", ["gptq", pytest.param("awq", marks=pytest.mark.slow)])
def test_the_data_decides_on_the_levels(name, monkeypatch):
    monkeypatch.setattr(gptq_core, "get_dataloader", _sample)

    def depends_on_data(library):
        states = []
        for tokens in (TOKENS, 10 - TOKENS // 3):
            monkeypatch.setitem(globals(), "TOKENS", tokens)
            states.append(_state(_quantize(library, name, ("heads",))[1][0])["quantized_kernel"])
        return not np.array_equal(*states)

    assert [depends_on_data(library) for library in (cornu, keras)] == [True, False]


@fault("quantizers.GPTQConfig", "quantizers.AWQConfig")
@pytest.mark.slow
@pytest.mark.parametrize("name", ["gptq of 8 bits", "awq"])
def test_calibrated_models_are_saved(name, tmp_path):
    path = tmp_path / "model.keras"
    own, layers = _quantize(cornu, name)
    own.save(path)
    read = cornu.saving.load_model(path).get_layer("block").get_layer("first")
    assert np.asarray(layers[0].kernel_zero).any()
    np.testing.assert_array_equal(np.asarray(read.kernel_zero), np.asarray(layers[0].kernel_zero))

    other, layers = _quantize(keras, name)
    with pytest.raises(RecursionError):  # the structure contains the layers, whose config has it
        other.save(path)
    with pytest.raises(ValueError, match="(?i)expected"):
        layers[0].load_own_variables(stored_arrays(layers[0]))  # zero points are missing


def test_levels_of_groups_beyond_a_block():
    layer = cornu.layers.Dense(4, use_bias=False)
    x = np.random.default_rng(0).normal(size=(32, 300)).astype("float32")
    layer(x)
    expected = layer(x)
    config = cornu.quantizers.GPTQConfig(
        [np.arange(4)], None, weight_bits=8, group_size=-1, num_samples=1, sequence_length=4,
        quantization_layer_structure={
            "pre_block_layers": [lambda tokens: x], "sequential_blocks": [layer]
        },
    )  # fmt: skip
    model = cornu.Sequential([cornu.Input((300,)), layer])
    model.quantize("gptq", config=config)
    assert layer.kernel_scale.shape == (4, 1)
    assert np.abs(np.asarray(layer(x)) - np.asarray(expected)).max() < 0.1


def test_sequences_are_taken_at_regular_distances():
    texts = sample_sequences(["abc", "defgh"], Tokenizer(), 3, 4)
    assert texts.shape == (3, 1, 4)
    tokens = sample_sequences([np.arange(10)], None, 3, 2)
    assert tokens[:, 0].tolist() == [[0, 1], [3, 4], [6, 7]]
    for dataset, error in (("text", TypeError), ([], ValueError), (["text"], ValueError)):
        with pytest.raises(error):
            sample_sequences(dataset, None, 1, 1)


def test_the_structure_of_a_model_is_required():
    model, structure = _model(cornu)
    config = cornu.quantizers.GPTQConfig([TOKENS], None)
    with pytest.raises(ValueError, match="get_quantization_layer_structure"):
        model.quantize("gptq", config=config)

    class WithStructure(cornu.Model):
        def get_quantization_layer_structure(self, mode=None):
            return structure

    own = WithStructure(model.input, model.output)
    config = cornu.quantizers.AWQConfig([TOKENS], None, num_samples=2, sequence_length=8)
    own.quantize("awq", config=config)
    assert own.get_layer("block_1").get_layer("second").quantization_mode == "awq"
    with pytest.raises(ValueError, match="dataset"):
        own.quantize("awq", config=cornu.quantizers.AWQConfig(None, None))
