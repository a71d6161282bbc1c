"""Saving on a full disk or into a closed folder: an error, and the old file is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt
from benchmarks.attacks.limits import file_size_limit, without_rights

__all__ = ["ATTACKS"]

_X, _Y = np.ones((8, 6), "f4"), np.ones((8, 2), "f4")


def _model() -> Any:
    import cornu

    model = cornu.Sequential([cornu.Input((6,)), cornu.layers.Dense(8), cornu.layers.Dense(2)])
    model.compile("adam", "mse")
    model.fit(_X, _Y, verbose=0)
    return model


def _save(model: Any, path: Path) -> None:
    (model.save if path.suffix == ".keras" else model.save_weights)(path)


def _load(path: Path) -> Any:
    import cornu

    if path.suffix == ".keras":
        return cornu.models.load_model(path)
    model = _model()
    model.load_weights(path)
    return model


def _full(ending: str) -> Callable[[Path, int], Attempt]:
    """The disk is full at another byte of the file in each round."""

    def prepare(folder: Path, number: int) -> Attempt:
        model, path = _model(), folder / f"file{ending}"
        _save(model, path)
        before = path.read_bytes()
        weights = model.get_weights()
        model.fit(_X, _Y, verbose=0)
        size = (1 + number * 611) % len(before)

        def attempt() -> None:
            try:
                with file_size_limit(size):
                    _save(model, path)
            finally:
                # On the old file, whatever was raised.
                assert path.read_bytes() == before, "the old file was changed"
                names = [entry.name for entry in folder.iterdir()]
                assert names == [path.name], f"left over: {names}"
                for one, other in zip(_load(path).get_weights(), weights, strict=True):
                    assert np.array_equal(one, other), "the old file has other weights"

        return attempt

    return prepare


def _closed(ending: str) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        model, closed = _model(), folder / "closed"
        closed.mkdir(mode=0o555)

        def attempt() -> None:
            with without_rights():
                _save(model, closed / f"file{ending}")

        return attempt

    return prepare


def _callback(name: str) -> Callable[[Path, int], Attempt]:
    """A callback that writes, while the disk is full: training ends with an error, or goes on."""

    def prepare(folder: Path, number: int) -> Attempt:
        import cornu

        made = {
            "ModelCheckpoint": lambda: cornu.callbacks.ModelCheckpoint(folder / "m.keras"),
            "CSVLogger": lambda: cornu.callbacks.CSVLogger(folder / "log.csv"),
            "TensorBoard": lambda: cornu.callbacks.TensorBoard(folder / "board"),
            "BackupAndRestore": lambda: cornu.callbacks.BackupAndRestore(folder / "backup"),
            "OrbaxCheckpoint": lambda: cornu.callbacks.OrbaxCheckpoint(folder / "orbax"),
        }[name]
        model = _model()

        def attempt() -> None:
            import warnings

            with warnings.catch_warnings(record=True) as warned, file_size_limit(10):
                warnings.simplefilter("always")
                model.fit(_X, _Y, epochs=2, verbose=0, callbacks=[made()])
            assert warned, "nothing was written, and there was no warning"

        return attempt

    return prepare


_FORMATS = (".keras", ".weights.h5", ".safetensors", ".npz")
_WRITERS = ("ModelCheckpoint", "CSVLogger", "TensorBoard", "BackupAndRestore", "OrbaxCheckpoint")
_REFUSED = ("refused",)
ATTACKS = [
    *(
        Attack(
            f"full disk: {ending}", "disk", "save", _full(ending), _REFUSED, rounds=60, quick=2
        )
        for ending in _FORMATS
    ),
    *(
        Attack(f"closed folder: {ending}", "disk", "save", _closed(ending), _REFUSED, quick=1)
        for ending in _FORMATS
    ),
    *(
        Attack(
            f"full disk: {name}", "disk", "callbacks", _callback(name), ("refused", "right"),
            quick=int(name in ("ModelCheckpoint", "CSVLogger")),
        )
        for name in _WRITERS
    ),
]  # fmt: skip
