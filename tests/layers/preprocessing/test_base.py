"""What preprocessing layers share: outputs that NumPy has computed."""

import jax.numpy as jnp
import numpy as np
import pytest

from cornu.layers import Hashing, IntegerLookup, StringLookup
from cornu.layers.preprocessing.base import as_output
from cornu.utils import FeatureSpace
from tests.compiling import compilations

LARGE = (300, 300)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (4, 5), LARGE])
def test_outputs_are_copies_with_the_values_of_jax(shape, dtype):
    x = np.random.default_rng(0).integers(0, 2, (2, *shape)).astype(jnp.dtype(dtype))
    for array in (x[0, ...], x[1, ...].T, x[0][..., ::2] if shape else x[0, ...]):
        expected = np.array(jnp.asarray(array))
        found = as_output(array)
        assert found.dtype == expected.dtype and found.shape == expected.shape
        before = array.copy()
        array[...] = 1 - array.astype("float32")
        np.testing.assert_array_equal(found, expected)
        array[...] = before


LAYERS = {
    "hashing": lambda: Hashing(512, output_mode="one_hot"),
    "integers": lambda: IntegerLookup(vocabulary=np.arange(600), output_mode="one_hot"),
    "strings": lambda: StringLookup(
        vocabulary=list("abc"), output_mode="one_hot", max_tokens=600, pad_to_max_tokens=True
    ),
    "table": lambda: FeatureSpace({"a": FeatureSpace.string_hashed(512)}, output_mode="dict"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_of_new_sizes_compile_nothing(name):
    layer = LAYERS[name]()

    def call(rows):
        words = np.full((rows, 1), "b", object)
        data = {"a": words} if name == "table" else words
        return layer(np.full((rows, 1), 7) if name == "integers" else data)

    call(200)
    with compilations() as found:
        for rows in (300, 301, 2):
            call(rows)
    assert found == []
