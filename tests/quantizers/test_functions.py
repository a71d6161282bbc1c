"""Functions of `cornu.quantizers` return what those of Keras return."""

import itertools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.quantizers.zero_point import compute_quantization_parameters

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(10, 7)).astype("float32")


def _check_equal(name, *args, **kwargs):
    own = getattr(cornu.quantizers, name)(*args, **kwargs)
    other = getattr(keras.quantizers, name)(*args, **kwargs)
    for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(other), strict=True):
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
        np.testing.assert_array_equal(np.asarray(a, "float64"), np.asarray(b, "float64"))


@pytest.mark.parametrize("to_numpy", [False, True])
@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_arrays_are_quantized_as_in_keras(dtype, to_numpy):
    values = jnp.asarray(VALUES, dtype)
    for axis in (0, -1, (0, 1)):
        _check_equal("abs_max_quantize", values, axis=axis, to_numpy=to_numpy)
    for size in (3, 64):
        _check_equal(
            "abs_max_quantize_grouped_with_zero_point", values, block_size=size, to_numpy=to_numpy
        )


@pytest.mark.slow
def test_parameters_of_levels_are_those_of_keras():
    from keras.src.quantizers.quantizers import compute_quantization_parameters as expected

    for flags in itertools.product([False, True], [False, True], [-1, 3], [False, True]):
        options = dict(
            zip(("symmetric", "per_channel", "group_size", "signed"), flags, strict=True)
        )
        own = compute_quantization_parameters(VALUES, bits=4, **options)
        for a, b in zip(own, expected(VALUES, bits=4, **options), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("dtype", "low"), [("int8", -8), ("uint8", 0)])
def test_pairs_are_packed_as_in_keras(dtype, low):
    for axis in (0, 1, -1):
        levels = RNG.integers(low, low + 16, size=(5, 4, 3)).astype(dtype)
        _check_equal("pack_int4", levels, axis=axis, dtype=dtype)
        packed, shape, size = cornu.quantizers.pack_int4(levels, axis=axis, dtype=dtype)
        assert packed.shape == shape
        _check_equal("unpack_int4", packed, size, axis=axis, dtype=dtype)
        again = cornu.quantizers.unpack_int4(packed, size, axis=axis, dtype=dtype)
        np.testing.assert_array_equal(again, levels)


def test_float8_scaling_is_that_of_keras():
    for largest in (0.0, 2.0, np.inf, np.nan):
        _check_equal("compute_float8_scale", np.float32(largest), np.float32(3), 448.0)
    history = jnp.arange(5, dtype="float32")
    _check_equal("compute_float8_amax_history", VALUES, history)
    for dtype in ("float8_e4m3fn", "float8_e5m2"):
        _check_equal("quantize_and_dequantize", VALUES, np.float32(0.01), dtype, "float32")


@pytest.mark.parametrize("axis", [None, 1])
@pytest.mark.parametrize("narrow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_fake_quantization_and_its_gradients_are_those_of_keras(axis, narrow):
    shape = () if axis is None else (7,)
    low, high = -jnp.ones(shape), jnp.asarray(RNG.uniform(0.5, 1, shape), "float32")
    weights = jnp.cos(jnp.arange(70.0)).reshape(10, 7)

    def gradients(library):
        def total(x, low, high):
            fake = library.quantizers.fake_quant_with_min_max_vars
            return (fake(x, low, high, 4, narrow, axis) * weights).sum()

        return jax.value_and_grad(total, argnums=(0, 1, 2))(jnp.asarray(VALUES), low, high)

    for a, b in zip(*map(jax.tree.leaves, map(gradients, (cornu, keras))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_ranges_may_belong_to_any_axis():
    low, high = -np.ones(7, "float32"), RNG.uniform(0.5, 1, 7).astype("float32")
    fake = cornu.quantizers.fake_quant_with_min_max_vars
    expected = fake(VALUES, low, high, axis=1)
    np.testing.assert_array_equal(fake(VALUES.T, low, high, axis=0), expected.T)


def test_functions_record_nodes_on_tensors():
    x = cornu.Input((7,))
    outputs = [
        cornu.quantizers.fake_quant_with_min_max_vars(x, -1.0, 1.0, num_bits=2),
        *cornu.quantizers.abs_max_quantize(x, axis=-1),
    ]
    found = cornu.Model(x, outputs)(VALUES)
    expected = cornu.quantizers.fake_quant_with_min_max_vars(VALUES, -1.0, 1.0, num_bits=2)
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)
    assert [str(a.dtype) for a in found] == ["float32", "int8", "float32"]


@pytest.mark.parametrize(
    "call",
    [
        lambda q: q.pack_int4(VALUES),
        lambda q: q.pack_int4(VALUES.astype("int8"), dtype="int16"),
        lambda q: q.AbsMaxQuantizer(value_range=(-200, 127)),
        lambda q: q.Int4QuantizationConfig(block_size=0),
        lambda q: q.Int4QuantizationConfig(activation_quantizer=q.AbsMaxQuantizer()),
        lambda q: q.Int4QuantizationConfig(q.AbsMaxQuantizer(), block_size=None),
        lambda q: q.Int8QuantizationConfig(q.AbsMaxQuantizer(output_dtype="int16")),
        lambda q: q.GPTQConfig(None, None, weight_bits=5),
        lambda q: q.GPTQConfig(None, None, hessian_damping=2.0),
        lambda q: q.GPTQConfig(None, None, group_size=0),
        lambda q: q.GPTQConfig(None, None, num_samples=0),
        lambda q: q.AWQConfig(None, None, weight_bits=8),
        lambda q: q.AWQConfig(None, None, num_grid_points=0),
    ],
)
def test_wrong_arguments_raise_the_errors_of_keras(call):
    with pytest.raises((TypeError, ValueError)) as expected:
        call(keras.quantizers)
    with pytest.raises(expected.type):
        call(cornu.quantizers)


@pytest.mark.parametrize(
    "make",
    [
        lambda q: q.AbsMaxQuantizer(axis=-1, value_range=(-8, 7)),
        lambda q: q.Int8QuantizationConfig(),
        lambda q: q.Int8QuantizationConfig(activation_quantizer=None),
        lambda q: q.Int4QuantizationConfig(),
        lambda q: q.Int4QuantizationConfig(block_size=None),
        lambda q: q.Float8QuantizationConfig(),
    ],
)
def test_quantizers_and_configs_are_exchanged_with_keras(make):
    own, other = make(cornu.quantizers), make(keras.quantizers)
    assert own.get_config() == other.get_config() or own.get_config() == {
        k: keras.saving.serialize_keras_object(v) if hasattr(v, "get_config") else v
        for k, v in other.get_config().items()
    }
    read = cornu.quantizers.deserialize(keras.quantizers.serialize(other))
    assert type(read) is type(own)
    assert read.get_config() == own.get_config()
    back = keras.quantizers.deserialize(cornu.quantizers.serialize(own))
    assert type(back) is type(other)


def test_names_of_quantizers():
    quantizers = cornu.quantizers
    assert quantizers.get(None) is None
    assert isinstance(quantizers.get("abs_max_quantizer"), quantizers.AbsMaxQuantizer)
    assert quantizers.get("AbsMaxQuantizer", axis=0).axis == (0,)
    assert cornu.Quantizer is quantizers.Quantizer
    with pytest.raises(ValueError, match="AbsMaxQuantizer"):
        quantizers.get("AbsMaxQuantiser")


def test_the_quantizers_of_a_config_or_a_default():
    for library in (cornu, keras):
        q = library.quantizers
        own, default = q.AbsMaxQuantizer(axis=0), q.AbsMaxQuantizer(axis=-1)
        config = q.Int8QuantizationConfig(own, activation_quantizer=None)
        base = q.QuantizationConfig
        for given, weights, inputs in (
            (config, own, None),
            (q.Int8QuantizationConfig(activation_quantizer=own), default, own),
            (None, default, default),
        ):
            assert base.weight_quantizer_or_default(given, default) is weights
            assert base.activation_quantizer_or_default(given, default) is inputs
