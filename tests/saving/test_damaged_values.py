"""Numbers in weight files that are damaged, missing, or of another kind are refused."""

import json
import struct

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import cornu
from cornu.saving import checksums
from cornu.saving.formats.hdf5 import open_hdf5, write_hdf5
from cornu.saving.formats.safetensors import open_safetensors, write_safetensors
from tests.processes import run_program

ARRAYS = {
    "a/kernel": np.arange(24, dtype="float32").reshape(4, 6),
    "a/bias": np.zeros(0, "float32"),
    "count": np.array(7, "int32"),
    "half": np.asarray(cornu.ops.ones((3, 2), "bfloat16")),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "flags": np.array([True, False]),
}
FORMATS = {".h5": (write_hdf5, open_hdf5), ".safetensors": (write_safetensors, open_safetensors)}


@pytest.mark.parametrize("ending", FORMATS)
def test_every_changed_number_is_detected(ending, tmp_path):
    write, read = FORMATS[ending]
    path = tmp_path / f"w{ending}"
    write(path, ARRAYS)
    with read(path) as reader:
        for key, array in ARRAYS.items():
            np.testing.assert_array_equal(reader.read(key), array)
    good = path.read_bytes()
    for key, array in ARRAYS.items():
        at = good.find(array.tobytes(order="C"))
        if array.nbytes < 6:  # may occur elsewhere
            continue
        for byte in range(array.nbytes):
            damaged = bytearray(good)
            damaged[at + byte] ^= 16
            path.write_bytes(damaged)
            with read(path) as reader, pytest.raises(ValueError, match=f"'{key}' does not have"):
                reader.read(key)


def test_files_without_checksums_are_read(tmp_path):
    arrays = {name: array for name, array in ARRAYS.items() if name != "half"}
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, tmp_path / "w.safetensors")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for key, array in arrays.items():
            file[key] = array
        file["a/kernel"].attrs["checksum"] = "of another library"
    for ending, (_, read) in FORMATS.items():
        with read(tmp_path / f"w{ending}") as reader:
            for key, array in arrays.items():
                np.testing.assert_array_equal(reader.read(key), array)


def test_a_table_of_checksums_that_is_none(tmp_path):
    path = tmp_path / "w.safetensors"
    for text, message in (("[1, 2]", None), ('{"w": 1}', "its checksum"), ("{", "not valid JSON")):
        save_file({"w": np.ones(2)}, path, {"checksums": text})
        if message is None:
            with open_safetensors(path) as reader:
                assert (reader.read("w") == 1).all()
        else:
            with pytest.raises(ValueError, match=message), open_safetensors(path) as reader:
                reader.read("w")


def test_other_libraries_read_the_files(tmp_path):
    write_safetensors(tmp_path / "w.safetensors", ARRAYS)
    loaded = load_file(tmp_path / "w.safetensors")
    assert (loaded["a/kernel"] == ARRAYS["a/kernel"]).all()
    header = (tmp_path / "w.safetensors").read_bytes()
    metadata = json.loads(header[8 : 8 + struct.unpack("<Q", header[:8])[0]])["__metadata__"]
    assert json.loads(metadata["checksums"])["count"] == checksums.compute(ARRAYS["count"])


def test_names_that_are_not_text(tmp_path):
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file[b"\xff\xfe"] = np.ones(2)
    with pytest.raises(ValueError, match="is damaged or has another format. UnicodeDecodeError"):
        with open_hdf5(path):
            pass


# The array in the file, the dtype of the Variable, and whether it is loaded.
VALUES = [
    (np.full(2, 1.5, "float64"), "float32", True),
    (np.full(2, 1.5, "float32"), "float16", True),
    (np.full(2, 1.5, "float32"), "bfloat16", True),
    (np.array([np.inf, np.nan]), "float32", True),
    (np.array([1, 2], "int64"), "int32", True),
    (np.array([1, 2], "int64"), "float32", True),
    (np.array([1.0, 2.0]), "int32", True),
    (np.full(2, 1e300), "float32", False),
    (np.full(2, 1e6, "float32"), "float16", False),
    (np.array([1, 2**40]), "int32", False),
    (np.array([1.5, 2.0]), "int32", False),
    (np.array([-1, 2]), "uint8", False),
    (np.array([True, False]), "float32", False),
    (np.array([1.0, 0.0]), "bool", False),
    (np.ones(2, "complex64"), "float32", False),
]


@pytest.mark.parametrize(("array", "dtype", "loaded"), VALUES)
@pytest.mark.parametrize("ending", [".weights.h5", ".npz"])
def test_values_change_by_rounding_only(array, dtype, loaded, ending, tmp_path):
    class Own(cornu.Layer):
        def build(self, shape):
            self.w = self.add_weight((2,), "zeros", dtype, trainable=False, name="w")

        def call(self, x):
            return x

    model = cornu.Sequential([cornu.Input((2,)), Own(name="own")])
    path = tmp_path / f"w{ending}"
    model.save_weights(path)
    if ending == ".npz":
        np.savez(path, **{"own/w": array})
    else:
        with h5py.File(path, "w") as file:
            file["layers/own/vars/0"] = array
    if loaded:
        model.load_weights(path)
        expected = array.astype(model.weights[0].numpy().dtype)
        np.testing.assert_array_equal(model.get_weights()[0], expected)
    else:
        with pytest.raises(ValueError, match=rf"own/w is of dtype {dtype}; the array in the file"):
            model.load_weights(path)
        assert not model.get_weights()[0].any()


INTERRUPTED = """
import importlib.abc, signal, sys
import numpy as np
import cornu

class Strike(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "h5py._hl":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Strike())
model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2)])
try:
    model.save_weights(f"{sys.argv[1]}/w.weights.h5")
except KeyboardInterrupt:
    print("interrupted")
model.save_weights(f"{sys.argv[1]}/w.weights.h5")
model.load_weights(f"{sys.argv[1]}/w.weights.h5")
"""


@pytest.mark.slow
def test_an_interrupt_during_the_import_of_h5py_leaves_it_usable(tmp_path):
    assert run_program(INTERRUPTED, tmp_path, strict=False).stdout == "interrupted\n"
