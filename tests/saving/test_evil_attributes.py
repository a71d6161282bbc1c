"""Attributes of HDF5 files whose strings declare more than the file has."""

import struct

import h5py
import numpy as np
import pytest

import cornu
from cornu.saving.formats.hdf5_attributes import read_attribute


def write(path):
    layer = cornu.layers.Dense(2, name="a_layer_with_this_name")
    model = cornu.Sequential([cornu.Input((3,)), layer])
    model.save(path)
    return path


def damage_length(path, name, text):
    """Changes the length that attributes of a name declare for a text."""
    data = bytearray(path.read_bytes())
    lengths = struct.pack("<I", len(text.encode()))
    starts = [i for i in range(len(data)) if data.startswith(name.encode() + b"\0", i)]
    places = [data.find(lengths, i + len(name), i + 120) for i in starts]
    places = [place for place in places if place > 0]
    assert places
    for place in places:
        data[place : place + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["layer_names", "model_config", "keras_version"])
def test_lengths_of_strings_are_compared_with_the_file(tmp_path, name):
    path = write(tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        if name == "layer_names":  # of a variable length, as Keras 3 writes them
            text = file["model_weights"].attrs[name][0].decode()
            del file["model_weights"].attrs[name]
            file["model_weights"].attrs[name] = [text]
        else:
            text = file.attrs[name]
    damage_length(path, name, text)
    with pytest.raises(ValueError, match=f"the attribute '{name}' declares 42949672.. bytes"):
        cornu.models.load_model(path)


@pytest.mark.parametrize("others", [0, 20])
def test_files_of_the_latest_version_of_the_format(tmp_path, others):
    path = tmp_path / "new.h5"
    with h5py.File(write(tmp_path / "old.h5")) as old, h5py.File(path, "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for number in range(others):
            new.attrs[f"other_{number}"] = number
    if not others:
        x = np.ones((2, 3), "float32")
        ours, theirs = (cornu.models.load_model(tmp_path / name) for name in ("new.h5", "old.h5"))
        np.testing.assert_array_equal(ours(x), theirs(x))
        return
    # Many attributes are stored outside of the header, where their lengths are not looked up.
    with pytest.raises(ValueError, match="in a version of HDF5 that is not supported"):
        cornu.models.load_model(path)


def test_names_of_dtypes_are_compared_with_the_file(tmp_path):
    path = tmp_path / "model.weights.h5"
    layer = cornu.layers.Dense(2, kernel_initializer="zeros", dtype="float8_e4m3fn")
    model = cornu.Sequential([cornu.Input((3,)), layer])
    model.save_weights(path)
    damage_length(path, "dtype", "float8_e4m3fn")
    with pytest.raises(ValueError, match="the attribute 'dtype' declares 42949672.. bytes"):
        model.load_weights(path)


def test_names_of_layers_are_compared_with_the_file(tmp_path):
    path = tmp_path / "model.weights.h5"
    layer = cornu.layers.Dense(2, name="a_layer_with_this_name")
    cornu.Sequential([cornu.Input((3,)), layer]).save_weights(path)
    with h5py.File(path, "r+") as file:
        file["layers/dense/vars"].attrs["name"] = "a_layer_with_this_name"
    damage_length(path, "name", "a_layer_with_this_name")
    with pytest.raises(ValueError, match="the attribute 'name' declares 42949672.. bytes"):
        cornu.saving.KerasFileEditor(path)


TEXTS = {
    "text": "a text",
    "no_text": "",
    "other_letters": "\uc640 \u00e9",
    "texts": np.array(["a", "", "long" * 200], object),
    "matrix": np.array([["a", "b"], ["c", "d"]], object),
    "bytes": np.array([b"ab", b"c"]),
    "number": 3,
    "numbers": np.arange(3.0),
    "flag": True,
}


def open_attributes(path):
    """Returns a file, and a function that reads its attributes as the reader of files does."""
    file, data = h5py.File(path), path.read_bytes()
    return file, lambda name: read_attribute(file, name, lambda at, size: data[at : at + size])


@pytest.mark.parametrize("library", ["earliest", "latest"])
def test_attributes_are_those_that_h5py_reads(library, tmp_path):
    path = tmp_path / "file.h5"
    for name, value in TEXTS.items():
        is_text = isinstance(value, np.ndarray) and value.dtype == np.dtype(object)
        with h5py.File(path, "w", libver=library) as file:
            file.attrs.create(name, value, dtype=h5py.string_dtype() if is_text else None)
        file, read = open_attributes(path)
        with file:
            np.testing.assert_array_equal(read(name), file.attrs[name], err_msg=name)
            assert type(read(name)) is type(file.attrs[name])


def test_other_types_are_refused(tmp_path):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        lists = np.empty(1, object)
        lists[0] = np.arange(2, dtype="i4")
        file.attrs.create("lists", lists, dtype=h5py.vlen_dtype("i4"))
        file.attrs.create("place", file.ref, dtype=h5py.ref_dtype)
        file.attrs["rows"] = np.zeros(2, [("a", "f4")])
    file, read = open_attributes(path)
    with file:
        for name in file.attrs:
            with pytest.raises(ValueError, match=f"'{name}' is neither text nor numbers"):
                read(name)


def test_damaged_heaps_are_read_or_refused_at_once(tmp_path):
    # HDF5 itself does not return from reading some of them.
    path, damaged = tmp_path / "file.h5", tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        file.attrs["text"], file.attrs["other"] = "a" * 30, "b" * 9
    good = path.read_bytes()
    heap = good.index(b"GCOL")
    for at in range(heap, heap + 80):
        for size in (1, 2, 8):
            for number in (0, 1, 8, 16, 255, 4096, 2**32, 2**63, 2**64 - 16, 2**64 - 1):
                data = bytearray(good)
                data[at : at + size] = (number % 256**size).to_bytes(size, "little")
                damaged.write_bytes(data)
                file, read = open_attributes(damaged)
                with file:
                    try:
                        assert read("text") is not None
                    except ValueError as error:
                        assert "'text' is damaged" in str(error)
