"""What can be saved can be loaded: arrays of all dtypes and shapes, under all names."""

import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import cornu
from cornu.saving.formats.extended_dtypes import EXTENDED_DTYPES, as_opaque, from_opaque
from cornu.saving.formats.table import OPENERS, WRITERS

PLAIN = (
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128"),
)
DTYPES = (*PLAIN, *EXTENDED_DTYPES)
SUFFIXES = (".weights.h5", ".npz", ".safetensors")
NAMES = ("kernel", "a b", "é漢", "..", "con", "\n", "\x7f", "__metadata__", "a.npy", "x" * 300)


def array_of(dtype, shape, seed):
    values = np.random.default_rng(seed).integers(0, 2, shape)
    return np.asfortranarray(values.astype(EXTENDED_DTYPES.get(dtype, dtype)))


def round_trip(suffix, arrays, folder):
    """Returns the arrays that a file holds; None if they are refused when they are saved."""
    path = Path(folder) / f"w{suffix}"
    try:
        WRITERS[suffix](path, arrays)
    except (ValueError, OSError) as error:
        assert len(str(error)) > 20
        return None
    opener = next(opener for ending, opener in OPENERS.items() if suffix.endswith(ending))
    with opener(path) as reader:
        assert reader.shapes == {key: array.shape for key, array in arrays.items()}
        return {key: reader.read(key).copy() for key in arrays}


@given(
    suffix=st.sampled_from(SUFFIXES),
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 3), max_size=4).map(tuple),
    name=st.one_of(
        st.sampled_from(NAMES),
        st.text(min_size=1, max_size=30).filter(lambda text: "/" not in text and "\0" not in text),
    ),
)
@example(".npz", "float8_e5m2", (2, 3), "x" * 70_000)
@example(".weights.h5", "int4", (), "x" * 70_000)
@example(".safetensors", "float32", (0, 2), "x" * 70_000)
@settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_arrays(suffix, dtype, shape, name):
    array = array_of(dtype, shape, 0)
    arrays = {f"layer/{name}": array, "layer/other": np.ones(2, "float32")}
    with tempfile.TemporaryDirectory() as folder:
        found = round_trip(suffix, arrays, folder)
    if found is None:
        assert suffix != ".weights.h5" or not name.isprintable() or name in (".", "..")
        return
    for key, expected in arrays.items():
        assert found[key].dtype == expected.dtype and found[key].shape == expected.shape
        assert found[key].tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_dtypes(suffix, dtype, tmp_path):
    arrays = {"a": array_of(dtype, (2, 3), 1), "b": array_of(dtype, (), 2)}
    found = round_trip(suffix, arrays, tmp_path)
    if found is None:
        assert suffix == ".safetensors"  # the format has a fixed list of dtypes
        return
    for key, expected in arrays.items():
        assert found[key].dtype == expected.dtype
        assert found[key].tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "int8", "uint32", "bool"]
)
@pytest.mark.parametrize(
    "suffix", [".weights.h5", ".npz", ".safetensors", ".weights.json", ".keras"]
)
def test_variables_of_models(suffix, dtype, tmp_path):
    @cornu.saving.register_keras_serializable("saved_is_loaded")
    class Own(cornu.Layer):
        def __init__(self, kind, **kwargs):
            super().__init__(**kwargs)
            self.kind = kind

        def build(self, shape):
            self.w = self.add_weight((3, 2), "zeros", self.kind, trainable=False, name="w")

        def call(self, x):
            return x

    model = cornu.Sequential([cornu.Input((2,)), Own(dtype, name="own")])
    value = array_of(dtype, (3, 2), 3)
    model.weights[0].assign(value)
    path = tmp_path / f"m{suffix}"
    if suffix == ".keras":
        model.save(path)
        model = cornu.models.load_model(path)
    else:
        shard_size = 1 if suffix == ".weights.json" else None
        model.save_weights(path, max_shard_size=shard_size)
        model.weights[0].assign(np.zeros((3, 2), value.dtype))
        model.load_weights(path)
    found = model.weights[0].numpy()
    assert found.dtype == value.dtype and found.tobytes() == value.tobytes()


@pytest.mark.parametrize("name", ["float32", "object", "S4", "", None, "float8", "int4", "x"])
def test_names_beside_opaque_bytes_are_those_of_a_table(name):
    expected = "int4" if name == "int4" else "void8"
    assert from_opaque(np.dtype("V1"), name).name == expected
    assert from_opaque(np.dtype("V3"), name).name == "void24"
    assert from_opaque(np.dtype("f4"), name).name == "float32"
    assert as_opaque(np.zeros(1, ml_dtypes.int4))[1] == "int4"
