"""Mutated files of all formats: what is read must be what the file holds."""

from __future__ import annotations

import contextlib
import functools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.fuzzing import mutations
from benchmarks.fuzzing.hdf5 import build_hdf5
from benchmarks.fuzzing.target import Case, Target

__all__ = ["TARGETS", "GoodFiles", "read_all", "trained_model"]

Arrays = Mapping[str, np.ndarray]
Read = Callable[[str], np.ndarray]
Change = Callable[[bytes, random.Random], bytes]


class GoodFiles:
    """A trained model, and its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = trained_model()
        self.weights = [np.array(weight) for weight in self.model.get_weights()]

    def read(self, suffix: str) -> bytes:
        """Returns the bytes of a good file."""
        path = self.folder / f"good{suffix}"
        (self.model.save if suffix == ".keras" else self.model.save_weights)(path)
        return path.read_bytes()


@functools.cache
def trained_model() -> Any:
    """Returns a trained model, the same at each call and in every process."""
    import cornu
    from cornu import layers

    cornu.utils.set_random_seed(0)
    inputs = cornu.Input((4,))
    x = layers.Dense(3, activation="relu", kernel_regularizer="l2")(inputs)
    x = layers.Dropout(0.5)(x[:, :2] + 1.0)
    model = cornu.Model(inputs, layers.Dense(2)(x))
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    return model


@contextlib.contextmanager
def _arrays(path: Path) -> Iterator[Any]:
    from cornu.saving.formats.table import open_arrays

    with open_arrays(path) as reader:
        yield reader


def read_all(path: Path) -> dict[str, np.ndarray]:
    """Reads all arrays of a file; those of a kind that is refused are left out."""
    found: dict[str, np.ndarray] = {}
    refused: ValueError | None = None
    with _arrays(path) as reader:
        for key, shape in reader.shapes.items():
            try:
                found[key] = reader.read(key)
            except ValueError as error:
                refused = error
                continue
            assert found[key].shape == tuple(shape), f"{key!r} does not have the declared shape"
    if not found and refused is not None:
        raise refused
    return found


def _check_same(found: Arrays, expected: Arrays) -> None:
    for key, array in found.items():
        if key in expected:
            other = expected[key]
            # Damage may change the order of the bytes of zeros.
            native = array.astype(array.dtype.newbyteorder("="))
            same = native.dtype == other.dtype and array.shape == other.shape
            assert same and native.tobytes() == other.tobytes(), f"{key!r}: other numbers"


def _check_weights(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other, equal_nan=True), "other weights than the saved ones"


# ------------------------------------------------------------ the reference: other libraries


@contextlib.contextmanager
def _by_numpy(path: Path) -> Iterator[Read]:
    with np.load(path, allow_pickle=False) as file:
        yield lambda key: file[key]


@contextlib.contextmanager
def _by_h5py(path: Path) -> Iterator[Read]:
    with h5py.File(path, "r") as file:
        yield lambda key: file[key][()]


@contextlib.contextmanager
def _by_safetensors(path: Path) -> Iterator[Read]:
    from safetensors import safe_open

    with safe_open(path, "np") as file:
        yield file.get_tensor


_REFERENCES = {".npz": _by_numpy, ".weights.h5": _by_h5py, ".safetensors": _by_safetensors}


def _compare(path: Path, suffix: str) -> None:
    found = read_all(path)
    with _REFERENCES[suffix](path) as reference:
        for key, array in found.items():
            try:
                other = reference(key)
            except Exception as error:
                raise AssertionError(f"{key!r}: read, and the reference fails: {error}") from error
            if other.dtype.kind == "V":  # bfloat16, which the reference does not know
                other = other.view(array.dtype)
            same = array.shape == other.shape and np.array_equal(array, other, equal_nan=True)
            assert same, f"{key!r}: other numbers than the reference reads"


# --------------------------------------------------------------------------------- targets


def _damaged(suffix: str) -> Callable[[Path], Callable[[int], Case]]:
    """Damaged bytes of own files, which have checksums: what is read is what was saved."""

    def prepare(folder: Path) -> Callable[[int], Case]:
        good = GoodFiles(folder)
        data, path = good.read(suffix), folder / f"damaged{suffix}"
        path.write_bytes(data)
        expected = read_all(path)

        def make(number: int) -> Case:
            draw = random.Random(f"damaged {suffix} {number}")
            path.write_bytes(mutations.change_bytes(data, draw))
            return Case("bytes", lambda: _check_same(read_all(path), expected), (path,))

        return make

    return prepare


def _loaded(suffix: str) -> Callable[[Path], Callable[[int], Case]]:
    """The same, loaded into a model."""

    def prepare(folder: Path) -> Callable[[int], Case]:
        import cornu

        good = GoodFiles(folder)
        data, path = good.read(suffix), folder / f"loaded{suffix}"

        def read() -> None:
            if suffix == ".keras":
                _check_weights(cornu.models.load_model(path).get_weights(), good.weights)
            else:
                good.model.load_weights(path)
                _check_weights(good.model.get_weights(), good.weights)

        def make(number: int) -> Case:
            draw = random.Random(f"loaded {suffix} {number}")
            path.write_bytes(mutations.change_bytes(data, draw))
            return Case("bytes", read, (path,))

        return make

    return prepare


def _changed(suffix: str, change: Change) -> Callable[[Path], Callable[[int], Case]]:
    """Files of another structure: what is read is what other libraries read."""

    def prepare(folder: Path) -> Callable[[int], Case]:
        data, path = GoodFiles(folder).read(suffix), folder / f"changed{suffix}"

        def make(number: int) -> Case:
            draw = random.Random(f"changed {suffix} {number}")
            path.write_bytes(change(data, draw))
            return Case("structure", lambda: _compare(path, suffix), (path,))

        return make

    return prepare


def _change_npz(data: bytes, draw: random.Random) -> bytes:
    return mutations.change_zip(data, draw, lambda name, inner: mutations.change_npy(inner, draw))


def _archives(folder: Path) -> Callable[[int], Case]:
    """`.keras` archives with other members, configs and weights, whose checksums are right."""
    import cornu

    data, path = GoodFiles(folder).read(".keras"), folder / "archive.keras"

    def make(number: int) -> Case:
        draw = random.Random(f"archive {number}")

        def change(name: str, content: bytes) -> bytes:
            if name.endswith(".json") and draw.random() < 0.9:
                changed = mutations.dump(mutations.change_json(json.loads(content), draw))
                return changed.encode(errors="replace")
            if name.endswith(".h5") and draw.random() < 0.3:
                return build_hdf5(draw)
            return mutations.change_bytes(content, draw)

        path.write_bytes(mutations.change_zip(data, draw, change))
        return Case("members", lambda: cornu.models.load_model(path), (path,))

    return make


def _configs(folder: Path) -> Callable[[int], Case]:
    """JSON of models, of which entries or the text are changed."""
    import cornu
    from benchmarks.fuzzing.catalogue import models_of_layers, models_of_ops

    stored = folder / "configs.json"
    if not stored.exists():
        texts = [text for models in (models_of_layers, models_of_ops) for _, text in models()]
        stored.write_text(json.dumps([GoodFiles(folder).model.to_json(), *texts]), encoding="utf-8")
    good = json.loads(stored.read_text(encoding="utf-8"))

    def make(number: int) -> Case:
        draw = random.Random(f"config {number}")
        text = draw.choice(good[:20] if draw.random() < 0.3 else good)
        if draw.random() < 0.8:
            text = mutations.dump(mutations.change_json(json.loads(text), draw))
        else:
            text = mutations.change_text(text, draw)
        return Case(text[:300], lambda: cornu.models.model_from_json(text))

    return make


def _built(folder: Path) -> Callable[[int], Case]:
    """HDF5 files of all layouts, filters, links and types."""
    path = folder / "built.weights.h5"

    def make(number: int) -> Case:
        draw = random.Random(f"built {number}")
        data = build_hdf5(draw)
        if draw.random() < 0.5:
            data = mutations.change_bytes(data, draw)
        path.write_bytes(data)
        return Case("layout", lambda: _compare(path, ".weights.h5"), (path,))

    return make


def _index(folder: Path) -> Callable[[int], Case]:
    """Indices of sharded weights."""
    good = GoodFiles(folder)
    path, first = folder / "s.weights.json", folder / "s_00000.weights.h5"
    good.model.save_weights(path, max_shard_size=80 / 2**30)
    index, shard = json.loads(path.read_text(encoding="utf-8")), first.read_bytes()
    shards = tuple(folder.glob("s_*"))

    def read() -> None:
        good.model.load_weights(path)
        _check_weights(good.model.get_weights(), good.weights)

    def make(number: int) -> Case:
        draw = random.Random(f"index {number}")
        first.write_bytes(mutations.change_bytes(shard, draw) if draw.random() < 0.3 else shard)
        text = mutations.dump(mutations.change_json(index, draw))
        path.write_text(text, encoding="utf-8", errors="replace")
        return Case(text[:300], read, (path, *shards))

    return make


TARGETS = [
    *(
        Target(f"damaged {suffix}", _damaged(suffix), share)
        for suffix, share in ((".keras", 2), (".weights.h5", 3), (".npz", 3), (".safetensors", 3))
    ),
    *(
        Target(f"damaged {suffix}, loaded", _loaded(suffix), 0.5)
        for suffix in (".keras", ".weights.h5", ".npz", ".safetensors")
    ),
    Target("npz archives and headers", _changed(".npz", _change_npz), 2),
    Target("safetensors headers", _changed(".safetensors", mutations.change_safetensors), 3),
    Target("HDF5 layouts", _built, 2),
    Target(".keras archives", _archives, 0.5),
    Target("JSON of models", _configs, 0.5),
    Target("indices of shards", _index, 0.5),
]
