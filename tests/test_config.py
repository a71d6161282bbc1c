"""cornu.config, cornu.backend and the dtype policies behave as in Keras."""

from __future__ import annotations

import keras
import pytest

import cornu
from cornu import backend, config, dtype_policies, mixed_precision, settings


@pytest.fixture(autouse=True)
def restored():
    """Restores all settings."""
    before = dict(settings._values)
    yield
    for name, value in before.items():
        settings.put(name, value)


def test_values_can_be_read_and_set():
    assert backend.backend() == config.backend() == "jax"
    assert (config.floatx(), config.epsilon()) == ("float32", 1e-7)
    assert config.image_data_format() == "channels_last"
    config.set_floatx("bfloat16")
    backend.set_epsilon(1e-5)
    config.set_image_data_format("channels_first")
    config.set_max_epochs(3)
    config.set_max_steps_per_epoch(5)
    assert (backend.floatx(), config.epsilon()) == ("bfloat16", 1e-5)
    assert backend.image_data_format() == "channels_first"
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (3, 5)
    assert config.dtype_policy().name == "bfloat16"
    assert backend.standardize_dtype(None) == "bfloat16"
    config.set_max_epochs(None)
    assert config.max_epochs() is None


def test_switches_take_effect():
    switches = ("interactive_logging", "traceback_filtering", "flash_attention", "block_sharing")
    for name in switches:
        is_enabled = getattr(config, f"is_{name}_enabled")
        assert is_enabled() == (name != "flash_attention")
        getattr(config, f"disable_{name}")()
        assert not is_enabled()
        getattr(config, f"enable_{name}")()
        assert is_enabled()


def test_wrong_values_are_rejected():
    for setter, wrong in (
        (config.set_floatx, "int32"),
        (config.set_epsilon, "small"),
        (config.set_image_data_format, "NCHW"),
        (config.set_max_epochs, 0),
        (config.set_max_steps_per_epoch, 1.5),
        (config.set_dtype_policy, "mixed_float8"),
    ):
        with pytest.raises(ValueError):
            setter(wrong)


def test_dtypes_are_those_of_keras():
    pairs = [
        *[("int8", float), ("int32", "float32"), (int, float), ("int64",), ("uint8", "int8")],
        *[(None, "int32"), ("bool", int), ("bfloat16", "float16"), ("int64", "float32")],
        *[("uint32", "int32"), (), ("bfloat16", float), ("float16", int)],
    ]
    for dtypes in pairs:
        assert backend.result_type(*dtypes) == keras.backend.result_type(*dtypes), dtypes
    for dtype in ("bool", "uint8", "int32", "bfloat16", "float8_e4m3fn", "float64", "complex64"):
        assert backend.is_float_dtype(dtype) == keras.backend.is_float_dtype(dtype)
        assert backend.is_int_dtype(dtype) == keras.backend.is_int_dtype(dtype)
    assert backend.is_keras_tensor(cornu.Input((2,))) and not backend.is_keras_tensor(1)


def test_policies():
    mixed_precision.set_global_policy("mixed_bfloat16")
    policy = mixed_precision.global_policy()
    assert policy == dtype_policies.get(None) == dtype_policies.get("mixed_bfloat16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("bfloat16", "float32")
    assert cornu.layers.Dense(1).compute_dtype == "bfloat16"
    data = dtype_policies.serialize(policy)
    assert dtype_policies.deserialize(data) == policy
    assert dtype_policies.get(data) == policy
    assert dtype_policies.get("float16") == dtype_policies.FloatDTypePolicy("float16")
