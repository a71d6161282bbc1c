"""Mutated models of Keras 1 and 2: HDF5 files, their attributes, and JSON."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.fuzzing import mutations
from benchmarks.fuzzing.files import GoodFiles
from benchmarks.fuzzing.target import Case, Target

__all__ = ["TARGETS"]

_FOLDER = Path(__file__).parents[2] / "tests" / "saving" / "old_models"
_CASES = 40  # of each archive
_TEXTS = ("model_config", "training_config")
_NAMES = ("layer_names", "weight_names", "keras_version", "backend")
# What changes the meaning of YAML.
_PIECES = (
    *(
        "&a ",
        "*a",
        "&a [*a, *a]",
        "!!python/object/apply:os.system ['true']",
        "!!python/name:eval ",
    ),
    *(
        "!!python/tuple [1, 2]",
        "!!binary aGk=",
        "<<: *a",
        "? ",
        "- ",
        ": ",
        "\n",
        "  ",
        "\t",
        "[",
        "{",
    ),
    *("]", "}", "'", '"', "|", ">", "#", "---", "...", "%YAML 9.9", "null", "~", ".nan", "1e400"),
    *(
        "9" * 400,
        "0x" + "f" * 400,
        "2001-01-01",
        "yes",
        "class_name: Lambda",
        "\x00",
        "é",
        "@",
        "`",
    ),
)
_VERSIONS = (None, None, None, "1.2", "2.2.4", "tf2", "3", "", "x", "9.9", 7)


def _models(suffix: str) -> list[tuple[str, bytes]]:
    """Returns the names and contents of the files that old versions of Keras wrote."""
    found = []
    for path in sorted(_FOLDER.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith(suffix)]
            names = [n for n in names if not n.endswith((".weights.h5", "about.json"))]
            found += [(f"{path.stem}/{name}", archive.read(name)) for name in names[:_CASES]]
    return found


def _change_attributes(data: bytes, draw: random.Random) -> bytes:
    target = io.BytesIO(data)
    with h5py.File(target, "r+") as file:
        groups: list[Any] = [file]
        file.visititems(lambda name, item: groups.append(item))
        groups = [group for group in groups if len(group.attrs)]
        group = file if draw.random() < 0.7 else draw.choice(groups)
        name = draw.choice(list(group.attrs))
        group.attrs[name] = _changed_value(name, group.attrs[name], draw)
    return target.getvalue()


def _changed_value(name: str, value: Any, draw: random.Random) -> Any:
    if name in _TEXTS and draw.random() < 0.9:
        text = value if isinstance(value, str) else bytes(value).decode()
        if draw.random() < 0.8:
            changed = mutations.dump(mutations.change_json(json.loads(text), draw))
        else:
            changed = mutations.change_text(text, draw)
        # Attributes of HDF5 contain at most 64 KB, and no null characters.
        return changed.encode(errors="replace").replace(b"\0", b" ")[:60_000]
    if isinstance(value, np.ndarray) and value.size and draw.random() < 0.8:
        changed_names = list(value)
        kind = draw.randrange(4)
        if kind == 0:
            draw.shuffle(changed_names)
        elif kind == 1:
            del changed_names[draw.randrange(len(changed_names))]
        elif kind == 2:
            changed_names += changed_names * draw.choice((1, 30))
        else:
            changed_names[0] = draw.choice((b"../x", b"/", b"", b"\xff", b"a" * 300))
        return np.array(changed_names, dtype="S")[:2000]
    return draw.choice((b"1.2.0", b"2.2.4", b"theano", b"", 5, 1.5, np.zeros(3), b"\xff\xfe", b"9"))


def _open_files(folder: Path) -> Callable[[int], Case]:
    import cornu

    GoodFiles(folder)  # imports what models need that are trained
    models, path = _models(".h5"), folder / "old.h5"

    def make(number: int) -> Case:
        draw = random.Random(f"old file {number}")
        name, data = draw.choice(models)
        if draw.random() < 0.6:
            path.write_bytes(_change_attributes(data, draw))
        else:
            path.write_bytes(mutations.change_bytes(data, draw))
        version: Any = draw.choice(_VERSIONS)
        return Case(
            f"{name}, keras_version={version!r}",
            lambda: cornu.models.load_model(path, keras_version=version),
            (path,),
        )

    return make


def _open_texts(folder: Path) -> Callable[[int], Case]:
    import cornu

    GoodFiles(folder)
    texts = []
    for name, data in _models(".h5"):
        with h5py.File(io.BytesIO(data), "r") as file:
            value = file.attrs["model_config"]
            texts.append((name, value if isinstance(value, str) else bytes(value).decode()))

    def make(number: int) -> Case:
        draw = random.Random(f"old text {number}")
        name, text = draw.choice(texts)
        if draw.random() < 0.85:
            text = mutations.dump(mutations.change_json(json.loads(text), draw))
        else:
            text = mutations.change_text(text, draw)
        version: Any = draw.choice(_VERSIONS)
        return Case(
            f"{name}, keras_version={version!r}: {text[:200]}",
            lambda: cornu.models.model_from_json(text, keras_version=version),
        )

    return make


def _open_yaml(folder: Path) -> Callable[[int], Case]:
    import cornu

    GoodFiles(folder)
    texts = [(name, data.decode()) for name, data in _models(".yaml")]

    def make(number: int) -> Case:
        draw = random.Random(f"old YAML {number}")
        name, text = draw.choice(texts)
        for _ in range(draw.choice((1, 1, 2, 5))):
            at = draw.randrange(len(text) + 1)
            piece = draw.choice(_PIECES) * draw.choice((1, 1, 2, 30))
            text = text[:at] + piece + text[at + draw.choice((0, 1, 8)) :]
        return Case(f"{name}: {text[:200]}", lambda: cornu.models.model_from_yaml(text))

    return make


TARGETS = [
    Target("old YAML", _open_yaml, 0.3),
    Target("old HDF5 models", _open_files, 0.3),
    Target("old JSON", _open_texts, 0.3),
]
