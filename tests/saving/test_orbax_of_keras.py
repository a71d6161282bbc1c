"""Checkpoint folders that OrbaxCheckpoint of Keras wrote are loaded, and bad ones refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu.saving import budget, model_files
from cornu.saving.variable_paths import match_paths
from tests.saving.models import floats

orbax = pytest.importorskip("orbax.checkpoint")

X, Y = floats(8, 4), floats(8, 2)
CALLBACK = {"save_on_background": False, "max_to_keep": None}


def _net(k: Any, optimizer: Any = "adam") -> Any:
    x = k.Input((4,))
    h = k.layers.BatchNormalization()(k.layers.Dense(3)(x))
    model = k.Model(x, k.layers.Dropout(0.0)(k.layers.Dense(2)(h)))
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def _fit(model: Any, folder: Path | None = None, epochs: int = 1, **kwargs: Any) -> None:
    made = [keras.callbacks.OrbaxCheckpoint(str(folder), **CALLBACK, **kwargs)] if folder else []
    model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=made)


def _values(variables: Any) -> list[np.ndarray]:
    return [np.asarray(v.numpy() if hasattr(v, "numpy") else v) for v in variables]


def _assert_close(a: Any, b: Any) -> None:
    for one, other in zip(_values(a), _values(b), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Returns a trained model of Keras and its folder with the steps 0 and 1."""
    folder = tmp_path_factory.mktemp("keras")
    model = _net(keras)
    _fit(model, folder, epochs=2)
    return model, folder


@pytest.fixture
def copied(saved: tuple[Any, Path], tmp_path: Path) -> Path:
    """Returns a copy of the folder, to be damaged."""
    return Path(shutil.copytree(saved[1], tmp_path / "copy"))


def test_a_model_of_keras_continues_training_equally(saved: tuple[Any, Path]) -> None:
    theirs, folder = saved
    ours = cornu.saving.load_model(folder)
    first = cornu.saving.load_model(folder / "0", compile=False)
    weights, state = theirs.get_weights(), _values(theirs.optimizer.variables)
    try:
        np.testing.assert_allclose(
            ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=0, atol=1e-6
        )
        _assert_close(ours.optimizer.variables, theirs.optimizer.variables)
        assert [int(m.optimizer.iterations) for m in (ours, theirs)] == [2, 2]
        assert not np.allclose(first.get_weights()[0], weights[0])
        for model in (ours, theirs):
            _fit(model)
        _assert_close(ours.get_weights(), theirs.get_weights())
        _assert_close(ours.optimizer.variables, theirs.optimizer.variables)
    finally:
        theirs.set_weights(weights)
        for variable, value in zip(theirs.optimizer.variables, state, strict=True):
            variable.assign(value)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weights_are_loaded_whatever_a_process_has_created_before(
    saved: tuple[Any, Path], optimizer: str
) -> None:
    theirs, folder = saved
    for _ in range(3):
        cornu.layers.Dense(1)
    ours = _net(cornu, optimizer)
    ours.load_weights(folder)
    _assert_close(ours.get_weights(), theirs.get_weights())
    if optimizer == "adam":
        _assert_close(ours.optimizer.variables, theirs.optimizer.variables)
    else:
        assert int(ours.optimizer.iterations) == 0


def test_weights_alone_and_unnamed_state(tmp_path: Path) -> None:
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    theirs.compile("nadam", "mse")  # whose product of momenta has no name in Keras
    _fit(theirs, tmp_path / "weights", save_weights_only=True)
    _fit(theirs, tmp_path / "whole")
    with pytest.raises(ValueError, match="contains only weights"):
        cornu.saving.load_model(tmp_path / "weights")
    ours = cornu.saving.load_model(tmp_path / "whole")
    _assert_close(ours.optimizer.variables, theirs.optimizer.variables)
    _assert_close(ours.get_weights(), theirs.get_weights())
    before = ours.get_weights()
    ours.load_weights(tmp_path / "weights")
    assert not np.allclose(ours.get_weights()[0], before[0])


def _shared(k: Any) -> Any:
    """Returns a model whose layer and nested models are used twice."""
    x, z = k.Input((4,)), k.Input((4,))
    twice = [k.layers.Dense(4), k.Sequential([k.layers.Dense(4), k.layers.Dense(4)])]
    twice.append(k.Model(z, k.layers.Dense(4)(z)))
    h = x
    for layer in twice:
        h = layer(layer(h))
    return k.Model(x, h)


def _nested(k: Any) -> Any:
    """Returns a model of models, whose names around layers depend on how they were built."""

    def block() -> Any:
        return k.Sequential([k.layers.Dense(4), k.layers.BatchNormalization()])

    inner = k.Sequential([block(), block()])
    return k.Sequential([k.Input((4,)), block(), block(), inner, k.layers.Dense(2)])


def _wrapped(k: Any) -> Any:
    """Returns a model of wrappers, whose layers are no layers of the model itself."""
    x = h = k.Input((4,))
    for _ in range(2):
        h = k.layers.SpectralNormalization(k.layers.Dense(4))(h)
    return k.Model(x, k.layers.SpectralNormalization(k.layers.Dense(4))(h))


@pytest.mark.parametrize("build", [_shared, _nested, _wrapped])
def test_weights_of_nested_layers_are_found(tmp_path: Path, build: Any) -> None:
    theirs = build(keras)
    random = np.random.default_rng(0)
    theirs.set_weights([random.uniform(size=w.shape) for w in theirs.get_weights()])
    theirs.compile("adam")
    theirs.optimizer.build(theirs.trainable_variables)
    for slot in theirs.optimizer.variables[2:]:
        slot.assign(random.uniform(size=slot.shape))
    config, _ = keras.src.saving.saving_lib._serialize_model_as_json(theirs)
    _write(tmp_path, theirs.get_state_tree(), config)
    loaded, other = cornu.saving.load_model(tmp_path), build(cornu)
    other.compile("adam")
    other.load_weights(tmp_path)
    x = floats(2, *theirs.input_shape[1:])
    expected = [theirs(x)]
    for ours in (loaded, other):
        _assert_close([ours(x)], expected)
        _assert_close(ours.optimizer.variables, theirs.optimizer.variables)


def test_a_vocabulary_is_read(tmp_path: Path) -> None:
    words = keras.layers.TextVectorization(output_mode="count", split="whitespace")
    words.adapt(["one two", "two three"])
    x = keras.Input((), dtype="string")
    theirs = keras.Model(x, words(x))
    # The folder has the form of one with weights, because Orbax stores no empty trees.
    config, _ = keras.src.saving.saving_lib._serialize_model_as_json(theirs)
    assets = keras.src.saving.saving_lib._save_assets_to_dict(theirs)
    _write(tmp_path, _COUNT, config, assets)
    ours = cornu.saving.load_model(tmp_path)
    assert ours.layers[-1].get_vocabulary() == words.get_vocabulary()


# --------------------------------------------------------------------------------- bad folders

_COUNT = {"metrics_variables": {"loss": {"count": np.zeros(1, "float32")}}}


def _write(folder: Path, tree: Any, config: str | None = None, assets: Any = None) -> None:
    """Writes a folder as Keras does, from nested dicts."""
    items = {"pytree": tree} | ({"model_config": {"config": config}} if config else {})
    items |= {"assets": assets} if assets else {}
    writer = orbax.v1.training.Checkpointer(directory=str(folder))
    writer.save_checkpointables(0, items)
    writer.close()


def _nest(arrays: dict[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in arrays.items():
        *parents, name = key.split("/")
        inner = tree
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = np.asarray(value)
    return tree


@pytest.mark.parametrize("file", ["pytree/_METADATA", "model_config/_strings.json"])
@pytest.mark.parametrize("damage", [b"", b"\xff{not what it was", b"[" * 100_000])
def test_a_damaged_folder_is_refused(copied: Path, file: str, damage: bytes) -> None:
    (copied / "1" / file).write_bytes(damage)
    with pytest.raises(ValueError, match=str(copied)):
        cornu.saving.load_model(copied)


@pytest.mark.parametrize("damage", ["cut", "empty", "missing"])
@pytest.mark.parametrize("pattern", ["manifest.ocdbt", "d/*"])
def test_arrays_without_their_numbers_are_refused(
    tmp_path: Path, pattern: str, damage: str
) -> None:
    # One array, because Orbax reads several at once, and the others would be read to the end.
    _write(tmp_path, _nest({"trainable_variables/dense/kernel": np.ones((4, 2), "float32")}))
    model = cornu.Sequential(
        [cornu.Input((4,)), cornu.layers.Dense(2, use_bias=False, name="dense")]
    )
    files = [file for file in (tmp_path / "0" / "pytree").rglob(pattern) if file.is_file()]
    assert files
    for file in files:
        data = file.read_bytes()
        file.unlink()
        if damage != "missing":
            file.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    before = model.get_weights()
    with pytest.raises(ValueError, match=str(tmp_path)):
        model.load_weights(tmp_path)
    assert np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("linked", ["", "model_config", "model_config/_strings.json"])
def test_links_are_not_followed(copied: Path, tmp_path: Path, linked: str) -> None:
    path = copied / "1" / linked
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="symbolic link"):
        cornu.saving.load_model(copied)


def test_a_config_can_only_name_what_is_known(copied: Path) -> None:
    path = copied / "1" / "model_config" / "_strings.json"
    path.write_text(path.read_text().replace("BatchNormalization", "BatchNormalisation"))
    with pytest.raises(ValueError, match="BatchNormalisation"):
        cornu.saving.load_model(copied)


def test_more_bytes_than_the_files_justify_are_refused_before_they_are_read(
    saved: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = budget._LIMITS
    monkeypatch.setitem(limits, "bytes after decompression", budget._Limit(10, 0))
    with pytest.raises(ValueError, match="bytes after decompression"):
        cornu.saving.load_model(saved[1])


WEIGHTS = {
    "trainable_variables/dense/kernel": np.ones((4, 2), "float32"),
    "trainable_variables/dense/bias": np.ones(2, "float32"),
}
TREES = {
    "shape": ({"trainable_variables/dense/kernel": np.ones((5, 2), "float32")}, "has shape"),
    "more": ({"trainable_variables/dense/scale": np.ones(2, "float32")}, "no weight for 1 array"),
    "twice": ({"non_trainable_variables/dense/bias": np.ones(2, "float32")}, "two arrays"),
    "part": ({"other/x": np.ones(2, "float32")}, "no part of a state tree"),
    "complex": ({"trainable_variables/dense/bias": np.ones(2, "complex64")}, "complex numbers"),
}


@pytest.mark.parametrize("tree", TREES)
def test_arrays_that_do_not_match_change_nothing(tmp_path: Path, tree: str) -> None:
    arrays, message = TREES[tree]
    _write(tmp_path, _nest(WEIGHTS | arrays))
    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(2, name="dense")])
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.load_weights(tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["..", "a/../../b", "a\\b", "/etc"])
def test_assets_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    layer = cornu.layers.StringLookup(name="words")
    x = cornu.Input((), dtype="string")
    model = cornu.Model(x, layer(x))
    config = model_files.describe_model(model)[0]
    assets = {"layers": {"string_lookup": {name: np.frombuffer(b"x", np.uint8)}}}
    _write(tmp_path / "in", _COUNT, config, assets)
    with pytest.raises(ValueError, match="is not a plain path"):
        cornu.saving.load_model(tmp_path / "in")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


# ------------------------------------------------------------------------------------- names

NAMES = {
    "equal": (["a/kernel", "b/kernel"], ["b/kernel", "a/kernel"], [1, 0]),
    "within a model": (["a/kernel", "b/kernel"], ["net/b/kernel", "net/inner/a/kernel"], [1, 0]),
    "counted from 9": (
        ["dense/kernel", "dense_1/kernel"],
        ["s/dense_10/kernel", "dense_9/kernel"],
        [1, 0],
    ),
    "one name in two models": (["a/x/w", "b/x/w"], ["b/x/w", "a/x/w"], [1, 0]),
    "numbered models": (["m/x/w", "m_1/x/w"], ["m_7/x/w", "m_3/x/w"], [1, 0]),
    "ambiguous": (["a/x/w", "b/x/w"], ["c/x/w", "d/x/w"], []),
    "another": (["dense/kernel"], ["conv/kernel"], []),
}


@pytest.mark.parametrize("case", NAMES)
def test_paths_are_matched(case: str) -> None:
    paths, stored, order = NAMES[case]
    tails = {path: tuple(path.split("/")[-2:]) for path in paths}
    expected = {paths[i]: stored[j] for i, j in enumerate(order)}
    assert match_paths(tails, stored) == expected  # type: ignore[arg-type]
