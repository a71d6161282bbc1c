"""A folder with the files of a `.keras` archive, which Keras writes with `zipped=False`."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cornu.saving import validation
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.hdf5 import open_hdf5, write_hdf5
from cornu.saving.formats.keras_archive import (
    ASSETS,
    CONFIG,
    METADATA,
    TENSORS,
    WEIGHTS,
    describe_version,
)
from cornu.saving.formats.safetensors import open_safetensors, write_safetensors

__all__ = ["KerasFolder", "list_keras_folder", "open_keras_folder", "write_keras_folder"]

_MAX_CONFIG = 32 << 20  # bytes


class KerasFolder:
    """An open model folder, with the methods of a `KerasArchive` that reading a model needs.

    Args:
        name: the folder, as messages show it.
        files: the files by their names in the folder.
        reader: the weights.

    Attributes:
        name, reader: see above.
        config: the JSON config of the model.
    """

    def __init__(self, name: str, files: Mapping[str, Path], reader: ArrayReader) -> None:
        self.name, self.reader, self._files = name, reader, files
        with open(files[CONFIG], "rb") as file:
            self.config = file.read(_MAX_CONFIG + 1)

    def extract_assets(self, folder: str, target: Path) -> bool:
        """Copies the files of one folder of the assets into a directory.

        Args:
            folder: the path of the folder within the assets.
            target: an existing directory.

        Returns:
            Whether the folder has such files.

        Raises:
            ValueError: the name of a file leads out of the directory.
        """
        prefix = f"{ASSETS}/{folder}/" if folder else f"{ASSETS}/"
        names = [name for name in self._files if name.startswith(prefix)]
        for name in names:
            path = validation.resolve_member(target, name.removeprefix(prefix), self.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._files[name], path)
        return bool(names)


def list_keras_folder(path: Path) -> dict[str, Path] | None:
    """Returns the files of a directory by name if it is a model folder.

    Raises:
        ValueError: it contains a symbolic link, which is not followed.
    """
    if not (path / CONFIG).is_file() or not any((path / n).exists() for n in (WEIGHTS, TENSORS)):
        return None
    assets = path / ASSETS
    found = [path / name for name in (CONFIG, METADATA, WEIGHTS, TENSORS)]
    found += sorted(assets.rglob("*")) if assets.is_dir() else []
    for file in (*found, assets):
        if file.is_symlink():
            raise ValueError(
                f"{str(path)!r}: {str(file)!r} is a symbolic link: it is not followed."
            )
    return {file.relative_to(path).as_posix(): file for file in found if file.is_file()}


@contextlib.contextmanager
def open_keras_folder(name: str, files: Mapping[str, Path]) -> Iterator[KerasFolder]:
    """Opens a model folder for reading.

    Args:
        name: the folder, as messages show it.
        files: the files by their names in the folder.

    Raises:
        ValueError: it has weights in two formats, or in none.
    """
    found = [weights for weights in (WEIGHTS, TENSORS) if weights in files]
    if len(found) != 1:
        raise ValueError(f"{name} must have one of the files {WEIGHTS!r} and {TENSORS!r}.")
    opener = open_hdf5 if found[0] == WEIGHTS else open_safetensors
    with opener(files[found[0]]) as reader:
        yield KerasFolder(name, files, reader)


def write_keras_folder(
    folder: Path,
    config: str,
    arrays: Mapping[str, np.ndarray],
    assets: Path | None = None,
    weights_format: str = "h5",
) -> None:
    """Writes the files of a model into an existing directory.

    Args:
        folder: the directory.
        config: the JSON config of a model.
        arrays: its weights by storage key.
        assets: a folder of further files.
        weights_format: `"h5"` or `"safetensors"`.
    """
    (folder / METADATA).write_text(describe_version(), encoding="utf-8")
    (folder / CONFIG).write_text(config, encoding="utf-8")
    if weights_format == "h5":
        write_hdf5(folder / WEIGHTS, arrays)
        (folder / TENSORS).unlink(missing_ok=True)  # of a model that was here before
    else:
        write_safetensors(folder / TENSORS, arrays)
        (folder / WEIGHTS).unlink(missing_ok=True)
    if assets is not None:
        shutil.copytree(assets, folder / ASSETS, dirs_exist_ok=True)
