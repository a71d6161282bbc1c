"""Attributes of HDF5 files whose strings declare more than the file has."""

import struct

import h5py
import numpy as np
import pytest

import cornu


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
    with h5py.File(path) as file:
        holder = file["model_weights"] if name == "layer_names" else file
        value = holder.attrs[name]
        text = value[0] if name == "layer_names" else value
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
