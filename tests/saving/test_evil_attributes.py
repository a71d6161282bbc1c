"""Attributes of HDF5 files whose strings declare more than the file has."""

import struct

import h5py
import pytest

import cornu


def write(path):
    layer = cornu.layers.Dense(2, name="a_layer_with_this_name")
    model = cornu.Sequential([cornu.Input((3,)), layer])
    model.save(path)
    return path


@pytest.mark.parametrize("name", ["layer_names", "model_config", "keras_version"])
def test_lengths_of_strings_are_compared_with_the_file(tmp_path, name):
    path = write(tmp_path / "model.h5")
    with h5py.File(path) as file:
        holder = file["model_weights"] if name == "layer_names" else file
        value = holder.attrs[name]
        text = value[0] if name == "layer_names" else value
    data = bytearray(path.read_bytes())
    lengths = struct.pack("<I", len(text.encode()))
    starts = [i for i in range(len(data)) if data.startswith(name.encode() + b"\0", i)]
    places = [data.find(lengths, i + len(name), i + 120) for i in starts]
    assert starts and all(place > 0 for place in places)
    for place in places:
        data[place : place + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"the attribute '{name}' declares 42949672.. bytes"):
        cornu.models.load_model(path)


def test_another_version_of_the_format_is_refused(tmp_path):
    path = tmp_path / "new.h5"
    with h5py.File(write(tmp_path / "old.h5")) as old, h5py.File(path, "w", libver="latest") as new:
        for name, value in old.attrs.items():
            new.attrs[name] = value
    with pytest.raises(ValueError, match="in a version of HDF5 that is not supported"):
        cornu.models.load_model(path)
