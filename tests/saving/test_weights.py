"""Weights that do not fit, files that are not there, and writing all or nothing."""

import io
import os

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving import load_model, save_model
from cornu.saving.atomic_write import atomic_write
from tests.saving.models import floats

FORMATS = (".weights.h5", ".safetensors", ".npz")


def stack(*units, bias=True):
    stacked = [layers.Dense(n, use_bias=bias) for n in units]
    return cornu.Sequential([cornu.Input((4,)), *stacked])


def first(ending, layer):
    """Returns what a file of some format calls the first weight of a layer."""
    return f"{layer}/vars/0" if ending == ".weights.h5" else f"{layer}/kernel"


def same(before, model):
    return all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("ending", FORMATS)
def test_nothing_is_changed_by_weights_that_do_not_fit(ending, tmp_path):
    path = tmp_path / f"w{ending}"
    stack(3, 2).save_weights(path)
    for other, message in [
        (
            stack(3, 5),
            f"{first(ending, 'dense_1')}: .*shape .3, 5., the array in the file .3, 2.",
        ),
        (stack(3, 2, 2), f"{first(ending, 'dense_2')}: .* is not in the file"),
        (
            stack(3, 2, bias=False),
            f"{first(ending, 'dense')}: .* with 1 weight, the file has 2",
        ),
    ]:
        before = other.get_weights()
        with pytest.raises(ValueError, match=message):
            other.load_weights(path)
        assert same(before, other)


@pytest.mark.parametrize("ending", FORMATS)
def test_what_fits_is_loaded_if_asked_for(ending, tmp_path):
    path = tmp_path / f"w{ending}"
    saved, other = stack(3, 2), stack(3, 5)
    saved.save_weights(path)
    before = other.get_weights()
    with pytest.warns(UserWarning, match="Did not load 2 weights:") as caught:
        other.load_weights(path, skip_mismatch=True)
    assert first(ending, "dense_1") in str(caught[0].message)
    assert caught[0].filename == __file__
    assert (other.get_weights()[0] == saved.get_weights()[0]).all()
    assert (other.get_weights()[2] == before[2]).all()


@pytest.mark.parametrize("ending", FORMATS)
def test_every_array_of_a_file_belongs_to_a_weight(ending, tmp_path):
    path = tmp_path / f"w{ending}"
    saved, other = stack(3, 2), stack(3)
    saved.save_weights(path)
    before = other.get_weights()
    with pytest.raises(ValueError, match="no weight for 2 arrays of the file.*\n.*dense_1/"):
        other.load_weights(path)
    assert same(before, other)
    with pytest.warns(UserWarning, match="Did not use 2 arrays of the file"):
        other.load_weights(path, skip_mismatch=True)
    assert same(saved.get_weights()[:2], other)


def test_names_of_files(tmp_path):
    model = stack(2)
    unbuilt = cornu.Sequential([layers.Dense(2)])
    for name in ("w", "w.txt", "w.keras"):
        with pytest.raises(ValueError, match="end in"):
            model.save_weights(tmp_path / name)
    for name in ("m", "m.txt", "m.weights.h5"):
        with pytest.raises(ValueError, match=r"end in '\.keras'"):
            model.save(tmp_path / name)
    (tmp_path / "w.txt").write_text("text")
    with pytest.raises(ValueError, match="end in"):
        model.load_weights(tmp_path / "w.txt")
    with pytest.raises(ValueError, match=r"end in '\.keras'"):
        load_model(tmp_path / "w.txt")
    for read in (load_model, model.load_weights):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="is not built"):
        unbuilt.save_weights(tmp_path / "w.npz")
    model.save_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match="is not built"):
        unbuilt.load_weights(tmp_path / "w.npz")


def test_a_file_is_replaced_only_if_allowed(tmp_path):
    model = stack(2)
    for name, save in [
        *((f"w{ending}", model.save_weights) for ending in FORMATS),
        ("m.keras", model.save),
        ("n.keras", lambda path, **kwargs: save_model(model, path, **kwargs)),
    ]:
        path = tmp_path / name
        save(path)
        old = path.read_bytes()
        with pytest.raises(FileExistsError, match="overwrite=True"):
            save(path, overwrite=False)
        assert path.read_bytes() == old
        save(path)


@pytest.mark.parametrize("name", ["w.npz", "m.keras"])
def test_a_terminal_is_asked(name, tmp_path, monkeypatch):
    """As in Keras: the question is repeated until the answer is y or n."""
    model, path, questions = stack(2), tmp_path / name, []
    save = model.save if name.endswith("keras") else model.save_weights
    save(path, overwrite=False)
    old = path.stat().st_ino
    for given in ("n", "maybe", " Y "):
        answers = iter([given, "n"])
        monkeypatch.setattr("sys.stdin", io.StringIO())
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr(
            "builtins.input", lambda text, answers=answers: questions.append(text) or next(answers)
        )
        save(path, overwrite=False)
        assert (path.stat().st_ino == old) == (given != " Y ")
    assert [name in text and "overwrite? [y/n]" in text for text in questions] == [1, 1, 0, 1]


@pytest.mark.parametrize("name", [*(f"w{ending}" for ending in FORMATS), "m.keras"])
def test_a_writer_that_fails_leaves_the_old_file(name, tmp_path, monkeypatch):
    model = stack(2)
    save = model.save if name.endswith("keras") else model.save_weights
    save(tmp_path / name)
    old = (tmp_path / name).read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == old
    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / name) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == old


def test_a_new_file_has_the_usual_rights_and_folder(tmp_path):
    (tmp_path / "plain").write_text("")
    path = tmp_path / "a" / "b" / "w.npz"
    stack(2).save_weights(path)
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_other_layouts_of_numbers_are_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = stack(2)
    kernel, bias = floats(4, 2), floats(2)
    places = {"layers/dense/vars/0": kernel, "layers/dense/vars/1": bias}
    np.savez_compressed(tmp_path / "w.npz", **{p: np.asfortranarray(a) for p, a in places.items()})
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        for place, array in places.items():
            file.create_dataset(
                place, data=array.astype("float64"), compression="gzip", shuffle=True
            )
    for name in ("w.npz", "w.weights.h5"):
        model.load_weights(tmp_path / name)
        assert same([kernel, bias], model)
        model.set_weights([kernel * 0, bias * 0])


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # of Keras
@pytest.mark.parametrize("suffix", [".weights.h5", ".safetensors", ".keras"])
def test_objects_to_skip(tmp_path, suffix):
    def network(library):
        x = library.Input((3,))
        y = library.layers.Dense(2, name="first")(x)
        return library.Model(x, library.layers.Dense(2, name="second")(y))

    path, part = tmp_path / f"all{suffix}", tmp_path / "part.weights.h5"
    for library in (cornu, keras) if suffix == ".weights.h5" else (cornu,):
        model, other = network(library), network(library)
        model.save(path) if suffix == ".keras" else model.save_weights(path)
        before, first = other.layers[-1].get_weights(), model.layers[1].get_weights()
        library.saving.load_weights(other, path, objects_to_skip=[other.layers[-1]])
        np.testing.assert_array_equal(other.layers[1].get_weights()[0], first[0])
        np.testing.assert_array_equal(other.layers[-1].get_weights()[0], before[0])
        library.saving.save_weights(model, part, objects_to_skip=[model.layers[-1]])
        other = network(library)
        if library is cornu:
            with pytest.raises(ValueError, match="second"):
                other.load_weights(part)
        other.load_weights(part, objects_to_skip=[other.layers[-1]])
        np.testing.assert_array_equal(other.layers[1].get_weights()[0], first[0])
