import json
import math

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from cornu.saving.state_encoding import decode_state, encode_state, is_encodable


def round_trip(value):
    arrays = {}
    text = json.loads(json.dumps(encode_state(value, arrays, "x")))
    return decode_state(text, arrays)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        0.1,
        "text",
        -math.inf,
        [],
        [1, [2.5, None]],
        (1, ("a", [])),
        {"a": {"b": (1,)}},
        {1: "one", (2, "b"): [None]},
        {"of": "a key that has a meaning"},
        1 << 80,
    ],
)
def test_values_come_back_as_they_were(value):
    assert round_trip(value) == value
    assert type(round_trip(value)) is type(value)


def test_nan_comes_back():
    assert math.isnan(round_trip([math.nan])[0])


def test_arrays_keep_dtype_shape_and_bits():
    value = {
        "long": np.arange(6).reshape(2, 3),
        "short": np.array([1.5, 2.5], ml_dtypes.bfloat16),
        "flag": np.array(True),
        "none": np.zeros((0, 3), "float16"),
    }
    back = round_trip(value)
    for name, array in value.items():
        assert back[name].dtype == array.dtype and back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_numpy_scalars_stay_numpy_scalars_and_jax_arrays_become_arrays():
    back = round_trip([np.float32(0.1), jnp.ones(2)])
    assert type(back[0]) is np.float32 and back[0] == np.float32(0.1)
    assert isinstance(back[1], np.ndarray)


@pytest.mark.parametrize("value", [object(), {1: print}.keys(), print, np.array([None])])
def test_unsupported_values_are_rejected_with_their_path(value):
    assert not is_encodable(value)
    with pytest.raises(TypeError, match=r"x/0/a holds .* cannot be saved"):
        encode_state([{"a": value}], {}, "x")


def test_a_list_that_holds_itself_is_not_plain():
    value: list = []
    value.append(value)
    assert not is_encodable(value)
