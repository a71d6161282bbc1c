"""What a reader creates is in proportion to the size of the file."""

import json
import math
import zipfile

import h5py
import numpy as np
import pytest

import cornu
from cornu.models import load_model, model_from_json
from cornu.saving import budget
from cornu.saving.formats.hdf5 import open_hdf5
from cornu.saving.formats.npz import open_npz
from cornu.saving.validation import read_json
from tests.saving.attacks import archive, assert_rejected, config_of, h5, model

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize("unit", budget._LIMITS)
def test_limits_grow_in_proportion(unit):
    free, more = budget.limit(unit, 0), budget.limit(unit, 10**6)
    assert budget.limit(unit, 2 * 10**6) - more == pytest.approx(more - free)
    budget.check(unit, free, 0, "a file")
    budget.check(unit, more, 10**6, "a file")
    for total, nbytes in ((free + 1, 0), (more + 1, 10**6), (math.inf, 10**9), (math.nan, 10**9)):
        with pytest.raises(ValueError, match=f"a file asks for more than .* {unit}"):
            budget.check(unit, total, nbytes, "a file")


def test_a_message_says_what_to_do():
    with pytest.raises(ValueError, match="with n of 'x' would take 101 layers.*\nDo this."):
        budget.check("layers", 101, 0, "a file", "with n of 'x'", "Do this.")


# Text that compresses to a thousandth, and what of it is limited.
@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ('{"a":[' + "[]," * 300_000 + "0]}", "JSON values"),
        ('{"a":[' + "1.5," * 300_000 + "0]}", "JSON values"),
        ('{"a":[' + '{"b":0},' * 150_000 + "0]}", "JSON values"),
        ('{"a":"' + "b" * (4 << 20) + '"}', "bytes of JSON"),
    ],
    ids=["lists", "numbers", "dicts", "text"],
)
def test_compressed_json(text, unit, tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", text)
        file.writestr("model.weights.h5", h5({}))
    assert path.stat().st_size < 20_000
    assert_rejected(load_model, path, unit)
    read_json(text, "a text")  # the same without compression


def test_archives_of_many_members(tmp_path):
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(3000):
            file.writestr(f"{i:x}", b"")
    with pytest.raises(ValueError, match="3,000 archive members"), open_npz(path):
        pass
    made = {f"layer_{i}/kernel": np.zeros(1, "f4") for i in range(3000)}
    np.savez_compressed(path, **made)  # as dense as arrays can be
    with open_npz(path) as reader:
        assert len(reader.shapes) == 3000


def test_hdf5_files_of_many_groups(tmp_path, monkeypatch):
    monkeypatch.setitem(budget._LIMITS, "HDF5 objects", budget._Limit(50, 1 / 1000))
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for i in range(100):
            file.create_group(f"g{i}")
    with pytest.raises(ValueError, match="HDF5 objects"), open_hdf5(path):
        pass
    # The size in the archive counts, and not that of the file in it.
    config = config_of(model())
    monkeypatch.setitem(budget._LIMITS, "HDF5 objects", budget._Limit(5, 1 / 1000))
    packed = tmp_path / "m.keras"
    archive(packed, config)
    with zipfile.ZipFile(tmp_path / "n.keras", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", h5({f"a/b{i}/c": np.zeros(1, "f4") for i in range(20)}))
    load_model(packed)
    assert_rejected(load_model, tmp_path / "n.keras", "HDF5 objects")


def test_text_describes_weights_of_any_size_and_takes_no_memory():
    made = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(8000), cornu.layers.Dense(2)])
    config = config_of(made)
    config["config"]["layers"][1]["config"]["units"] = 10**12
    huge = model_from_json(json.dumps(config))
    assert huge.count_params() == 4 * 10**12 + 10**12 + 2 * 10**12 + 2
    with pytest.raises(MemoryError):
        huge.get_weights()


@pytest.mark.parametrize("size", [10**5, 10**7, 10**9])
def test_ops_that_return_an_array_for_each_row(size):
    x = cornu.Input(batch_shape=(2, 3, 4))
    config = config_of(cornu.Model(x, cornu.ops.unstack(x, axis=1)))
    config["config"]["layers"][0]["config"]["batch_shape"] = [2, size, 4]
    with pytest.raises(ValueError, match="traced operations"):
        model_from_json(json.dumps(config))


def test_layers_that_no_file_has_space_for():
    layer = {"class_name": "Dense", "config": {"units": 4}}
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4]}}
    text = {"class_name": "Sequential", "config": {"layers": [first] + [layer] * 5000}}
    with pytest.raises(ValueError, match="layers"):
        model_from_json(json.dumps(text))
