"""Dtype policies of quantized layers are those of Keras."""

import json

import keras
import numpy as np
import pytest

import cornu

NAMES = (
    "int8_from_float32",
    "int4_from_mixed_bfloat16",
    "int4/64_from_float32",
    "int4/-1_from_float32",
    "float8_from_bfloat16",
    "gptq/4/128_from_float32",
    "awq/4/-1_from_mixed_bfloat16",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_configs_are_those_of_keras(name):
    own, other = cornu.dtype_policies.get(name), keras.dtype_policies.get(name)
    assert type(own).__name__ == type(other).__name__
    for attribute in ("name", "compute_dtype", "variable_dtype", "quantization_mode"):
        assert getattr(own, attribute) == getattr(other, attribute)
    for attribute in ("mode", "block_size", "weight_bits", "group_size", "amax_history_length"):
        assert getattr(own, attribute, None) == getattr(other, attribute, None)
    assert own.get_config() == other.get_config()
    assert repr(own) == repr(other)
    assert cornu.dtype_policies.deserialize(keras.dtype_policies.serialize(other)) == own
    assert (
        cornu.dtype_policies.get(json.loads(json.dumps(cornu.dtype_policies.serialize(own)))) == own
    )
    assert keras.dtype_policies.deserialize(cornu.dtype_policies.serialize(own)) == other
    assert cornu.dtype_policies.get(other) == own


@pytest.mark.parametrize(
    "name",
    [
        "int9_from_float32",
        "int8_from_float16",
        "int4/0_from_float32",
        "gptq/5/128_from_float32",
        "gptq/4_from_float32",
        "gptq/a/b_from_float32",
        "awq/8/128_from_float32",
    ],
)
def test_wrong_names_raise(name):
    with pytest.raises(ValueError):
        keras.dtype_policies.get(name)
    with pytest.raises(ValueError):
        cornu.dtype_policies.get(name)


def test_policies_differ_by_all_their_arguments():
    policies = [cornu.dtype_policies.get(name) for name in (*NAMES, "float32", "mixed_bfloat16")]
    make = cornu.dtype_policies.QuantizedFloat8DTypePolicy
    policies += [make("float8", "float32", n) for n in (8, 16)]
    assert len(set(policies)) == len(policies)
    assert make("float8", "float32", 8) == make("float8", "float32", 8)


def test_the_source_is_the_policy_of_the_process():
    cornu.config.set_dtype_policy("mixed_bfloat16")
    try:
        policy = cornu.dtype_policies.Int4DTypePolicy("int4/8")
        assert policy.name == "int4/8_from_mixed_bfloat16"
        assert policy.compute_dtype == "bfloat16"
    finally:
        cornu.config.set_dtype_policy("float32")


def test_maps_of_policies():
    entries = {"a/.*": "int8_from_float32", "b": "bfloat16"}
    own = cornu.dtype_policies.DTypePolicyMap("float32", dict(entries))
    other = keras.dtype_policies.DTypePolicyMap(
        keras.DTypePolicy("float32"), {k: keras.dtype_policies.get(v) for k, v in entries.items()}
    )
    for path in ("a/x", "a", "b", "b/x"):
        assert own[path].name == other[path].name
    assert (list(own), len(own), "b" in own, "a/x" in own) == (list(entries), 2, True, False)
    assert own.name == other.name
    own["c"] = "float16"
    assert own["c"].name == "float16"
    with pytest.raises(ValueError, match="already"):
        own["c"] = "float32"
    del own["c"]
    read = cornu.dtype_policies.deserialize(keras.dtype_policies.serialize(other))
    assert {k: v.name for k, v in read.items()} == entries
    back = keras.dtype_policies.deserialize(cornu.dtype_policies.serialize(own))
    assert {k: v.name for k, v in back.items()} == entries
    own["a/x.*"] = "float32"
    with pytest.raises(ValueError, match="several"):
        own["a/x"]


def test_inputs_are_converted():
    policy, other = cornu.DTypePolicy("bfloat16"), keras.DTypePolicy("bfloat16")
    for x in (np.ones(2, "float32"), np.ones(2, "int32"), cornu.Variable([1.0])):
        for autocast in (False, True):
            found = policy.convert_input(x, autocast, "bfloat16")
            expected = other.convert_input(np.asarray(x), autocast, "bfloat16")
            assert found.dtype == expected.dtype
    assert policy.convert_input(cornu.Input((2,)), True, "bfloat16").dtype == "bfloat16"
    assert policy.convert_input("text", True, "bfloat16") == "text"
