"""Names of dtypes."""

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu


class OfTensorFlow:
    """A dtype as in TensorFlow, whose text is not its name."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"tf.{self.name}"


@pytest.mark.parametrize(
    "dtype",
    [None, "int8", "string", float, int, bool, np.float16, np.dtype("uint8"), jnp.bfloat16]
    + [OfTensorFlow("string")],
    ids=str,
)
def test_names_are_those_of_keras(dtype):
    expected = keras.backend.standardize_dtype(dtype)
    assert cornu.backend.standardize_dtype(dtype) == expected
    assert cornu.utils.standardize_dtype(dtype) == expected


def test_unknown_dtypes():
    with pytest.raises(ValueError, match="Unknown dtype 'float33'"):
        cornu.backend.standardize_dtype("float33")
