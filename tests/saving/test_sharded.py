"""Weights in several files and their index: as in Keras, all or nothing, and never trusted."""

import json
import os

import h5py
import keras
import numpy as np
import pytest

import cornu
from tests.saving.watch import nothing_but

GB = 2**30
LIMIT = 200 / GB  # of which each array below takes at least a half


def net(library, names=("a", "b", "c")):
    made = [library.Input((5,)), *(library.layers.Dense(5, name=name) for name in names)]
    return library.Sequential(made)


def randomized(model, seed):
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


def same(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


LIBRARIES = (cornu, keras)


@pytest.mark.parametrize("reader", LIBRARIES, ids=lambda lib: lib.__name__)
@pytest.mark.parametrize("writer", LIBRARIES, ids=lambda lib: lib.__name__)
@pytest.mark.parametrize("limit", [LIMIT, 130 / GB, 1])
def test_both_libraries_read_what_either_wrote(writer, reader, limit, tmp_path):
    path = tmp_path / "w.weights.json"
    saved, other = randomized(net(writer), 0), randomized(net(reader), 1)
    saved.save_weights(path, max_shard_size=limit)
    other.load_weights(path)
    assert same(saved, other)


def test_the_files_are_those_of_keras(tmp_path):
    for library in LIBRARIES:
        (tmp_path / library.__name__).mkdir()
        made = randomized(net(library), 0)
        made.save_weights(tmp_path / library.__name__ / "w.weights.json", max_shard_size=LIMIT)
    ours, theirs = (tmp_path / library.__name__ for library in LIBRARIES)
    assert files(ours) == files(theirs) and len(files(ours)) == 4
    indices = [json.loads((folder / "w.weights.json").read_text()) for folder in (ours, theirs)]
    assert indices[0]["weight_map"] == indices[1]["weight_map"]
    assert indices[0]["metadata"]["total_size"] == indices[1]["metadata"]["total_size"]


def test_other_kinds_of_objects_are_written_to_shards(tmp_path):
    """An object whose arrays are in two shards, arrays of dtype bfloat16, and own storage."""

    class Own(cornu.Layer):
        def build(self, shape):
            self.values = self.add_weight((5,), name="values")

        def call(self, x):
            return x + self.values

        def save_own_variables(self, store):
            store["inner/values"] = self.values.numpy() * 2

        def load_own_variables(self, store):
            self.values.assign(store["inner/values"] / 2)

    def build():
        half = cornu.layers.Dense(5, dtype="bfloat16", name="half")
        normalized = cornu.layers.BatchNormalization()
        return cornu.Sequential([cornu.Input((5,)), Own(), half, normalized])

    saved, other = randomized(build(), 0), randomized(build(), 1)
    saved.save_weights(tmp_path / "w.weights.json", max_shard_size=50 / GB)
    other.load_weights(tmp_path / "w.weights.json")
    assert same(saved, other)


@pytest.mark.parametrize("count", [1, 3])
def test_saving_again_replaces_the_files(count, tmp_path):
    path = tmp_path / "w.weights.json"
    names = ("a", "b", "c")[:count]
    for seed in range(5):
        saved = randomized(net(cornu, names), seed)
        saved.save_weights(path, max_shard_size=LIMIT)
        other = net(cornu, names)
        other.load_weights(path)
        assert same(saved, other)
        # Keras opens the first shard in any case.
        again = net(keras, names)
        again.load_weights(path)
        assert same(saved, again)
        assert len(files(tmp_path)) <= 2 + count
    with pytest.raises(FileExistsError, match="overwrite=True"):
        saved.save_weights(path, overwrite=False, max_shard_size=LIMIT)


def test_files_that_are_no_shards_are_not_touched(tmp_path):
    other = randomized(net(cornu), 0)
    other.save_weights(tmp_path / "w_00001.weights.h5")
    before = (tmp_path / "w_00001.weights.h5").read_bytes()
    saved = randomized(net(cornu), 1)
    for _ in range(3):
        saved.save_weights(tmp_path / "w.weights.json", max_shard_size=LIMIT)
        assert (tmp_path / "w_00001.weights.h5").read_bytes() == before
        again = net(cornu)
        again.load_weights(tmp_path / "w.weights.json")
        assert same(saved, again)


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_an_error_at_any_point_leaves_the_old_or_the_new_weights(function, tmp_path, monkeypatch):
    path = tmp_path / "w.weights.json"
    original = getattr(os, function)
    seen = set()
    for failing in range(12):
        for old_path in tmp_path.iterdir():
            old_path.unlink()
        old, new = randomized(net(cornu), 0), randomized(net(cornu), 1)
        old.save_weights(path, max_shard_size=LIMIT)
        count = 0

        def fails(*args, failing=failing):
            nonlocal count
            count += 1
            if count == failing + 1:
                raise OSError("disk full")
            return original(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, function, fails)
            try:
                new.save_weights(path, max_shard_size=LIMIT)
            except OSError as error:
                assert "disk full" in str(error)
        found = net(cornu)
        found.load_weights(path)
        is_old, is_new = same(found, old), same(found, new)
        assert is_old != is_new
        seen.add(is_old)
        if is_old:
            assert len(files(tmp_path)) == 4
        assert not any(name.startswith(".") for name in files(tmp_path))
    assert seen == {True, False}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("start", ["no files", "old weights"])
def test_a_process_that_saves_in_between_leaves_whole_weights(start, fails, tmp_path, monkeypatch):
    """A second process saves while the first writes a file; then the first may fail."""
    path = tmp_path / "w.weights.json"
    first, second = randomized(net(cornu), 1), randomized(net(cornu), 2)
    original = os.replace
    for point in range(6):
        for file in tmp_path.iterdir():
            file.unlink()
        if start == "old weights":
            randomized(net(cornu), 0).save_weights(path, max_shard_size=LIMIT)
        count, inside = 0, False

        def replace(source, target, point=point):
            nonlocal count, inside
            if not inside:
                count += 1
                if count == point + 1:
                    inside = True
                    second.save_weights(path, max_shard_size=LIMIT)
                    inside = False
                if fails and count > point and target == path:
                    raise OSError("disk full")
            return original(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            try:
                first.save_weights(path, max_shard_size=LIMIT)
            except OSError as error:
                assert "disk full" in str(error)
        found = net(cornu)
        found.load_weights(path)
        assert same(found, first) or same(found, second)
        again = net(keras)
        again.load_weights(path)
        assert same(found, again)


def _edit(change):
    def edit(path):
        index = json.loads(path.read_text())
        changed = change(index)
        path.write_text(json.dumps(index if changed is None else changed))

    return edit


def _name(name):
    return _edit(lambda index: index["weight_map"].update({"/layers/dense/vars": name}))


def _flip(path):
    shard = path.with_name("w_00001.weights.h5")
    with h5py.File(shard, "r+") as file:
        array = file["layers/dense_1/vars/0"]
        array[0, 0] = array[0, 0] + 1


def _truncate(path):
    shard = path.with_name("w_00001.weights.h5")
    shard.write_bytes(shard.read_bytes()[:-100])


def _foreign_shard(path):
    """Puts the shard of another save of the same model in the place of one."""
    (path.parent / "other").mkdir()
    randomized(net(cornu), 7).save_weights(path.parent / "other" / path.name, max_shard_size=LIMIT)
    os.replace(path.parent / "other" / "w_00001.weights.h5", path.with_name("w_00001.weights.h5"))


def _same_shard_twice(path):
    first = path.with_name("w_00000.weights.h5")
    path.with_name("w_00005.weights.h5").write_bytes(first.read_bytes())
    names = ["w_00000.weights.h5", "w_00005.weights.h5"]
    _name(names)(path)


DAMAGES = {
    "no dict": (_edit(lambda index: []), "not an index"),
    "no map": (_edit(lambda index: {"metadata": {}}), "not an index"),
    "a map that is a list": (_edit(lambda index: {"weight_map": []}), "not an index"),
    "no JSON": (lambda path: path.write_text("{"), "JSON"),
    "deep": (lambda path: path.write_text("[" * 10**5), "JSON|levels|nested"),
    "large": (lambda path: path.write_text(" " * (33 << 20)), "At most"),
    "outside": (_name("../w_00000.weights.h5"), "not a shard"),
    "absolute": (_name("/etc/passwd"), "not a shard"),
    "another file": (_name("v_00000.weights.h5"), "not a shard"),
    "a name that is a number": (_name(7), "not a shard"),
    "a nested list": (_name([["w_00000.weights.h5"]]), "not a shard"),
    "another shard": (_name("w_00001.weights.h5"), "no arrays of"),
    "two shards": (_same_shard_twice, "in two shards"),
    "a changed number": (_flip, "checksum"),
    "a truncated shard": (_truncate, "damaged"),
    "a shard of another save": (_foreign_shard, "is not the array"),
    "a missing group": (
        _edit(lambda index: index["weight_map"].pop("/layers/dense_2/vars") and None),
        "is not in the file",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damaged_weights_are_refused_and_change_nothing(name, tmp_path):
    damage, message = DAMAGES[name]
    path = tmp_path / "w.weights.json"
    randomized(net(cornu), 0).save_weights(path, max_shard_size=LIMIT)
    damage(path)
    model = randomized(net(cornu), 1)
    before = model.get_weights()
    shards = {str(shard) for shard in tmp_path.glob("w_*.weights.h5")}
    with nothing_but(path, *shards), pytest.raises(ValueError, match=message):
        model.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_missing_shard_is_named(tmp_path):
    path = tmp_path / "w.weights.json"
    model = randomized(net(cornu), 0)
    model.save_weights(path, max_shard_size=LIMIT)
    (tmp_path / "w_00001.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="w_00001.* does not exist.*same folder"):
        model.load_weights(path)


def test_arguments(tmp_path):
    model = randomized(net(cornu), 0)
    with pytest.raises(ValueError, match="must end in .weights.json"):
        model.save_weights(tmp_path / "w.npz", max_shard_size=1)
    with pytest.raises(ValueError, match="pass max_shard_size"):
        model.save_weights(tmp_path / "w.weights.json")
    for wrong in (0, -1, True, "1", float("nan")):
        with pytest.raises(ValueError, match="positive number of GB"):
            model.save_weights(tmp_path / "w.weights.json", max_shard_size=wrong)
    with pytest.raises(ValueError, match="dense/vars/0.*100 bytes.*\n.*Increase"):
        model.save_weights(tmp_path / "w.weights.json", max_shard_size=50 / GB)
    assert not files(tmp_path)
    with pytest.warns(UserWarning, match="w.weights.json") as caught:
        model.save_weights(tmp_path / "w.weights.h5", max_shard_size=1)
    assert caught[0].filename == __file__
    other = net(cornu)
    other.load_weights(tmp_path / "w.weights.json")
    assert same(model, other)


def test_new_shards_have_the_permissions_of_the_index(tmp_path):
    path = tmp_path / "w.weights.json"
    model = randomized(net(cornu), 0)
    model.save_weights(path, max_shard_size=LIMIT)
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    model.save_weights(path, max_shard_size=LIMIT)
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda lib: lib.__name__)
def test_objects_are_skipped_with_their_parts(library, tmp_path):
    def build(value):
        x = library.Input((3,))
        inner = library.Sequential([library.Input((3,)), library.layers.Dense(3)], name="inner")
        made = library.Model(x, library.layers.Dense(2, name="head")(inner(x)))
        made.set_weights([np.full_like(w, value) for w in made.get_weights()])
        return made

    path, saved = tmp_path / "w.weights.json", build(1.0)
    skipped = [saved.get_layer("inner")]
    library.saving.save_weights(saved, path, objects_to_skip=skipped, max_shard_size=1)
    other = build(2.0)
    with pytest.raises(ValueError):  # the weights are missing
        other.load_weights(path)
    other.load_weights(path, objects_to_skip=[other.get_layer("inner")])
    assert [w.mean() for w in other.get_weights()] == [2.0, 2.0, 1.0, 1.0]
