"""Files damaged at random: each is read, or refused; what is read has the same numbers."""

from __future__ import annotations

import json
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt
from benchmarks.fuzzing.files import trained_model
from tests.attacks.damages import DAMAGES, damage_config

__all__ = ["ATTACKS"]

_made: dict[str, Any] = {}


def _model() -> Any:
    """Returns a trained model, whose weights are in `_made`."""
    model = trained_model()
    _made.setdefault("weights", model.get_weights())
    return model


def _file(folder: Path, ending: str) -> Path:
    """Writes the good file of a kind."""
    model, path = _model(), folder / f"file{ending}"
    if ending not in _made:
        model.set_weights(_made["weights"])
        (model.save if ending == ".keras" else model.save_weights)(path)
        _made[ending] = path.read_bytes()
    path.write_bytes(_made[ending])
    return path


def _compare(found: list[np.ndarray]) -> None:
    for one, other in zip(found, _made["weights"], strict=True):
        same = one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
        assert same, "other weights than the saved ones were loaded, without an error"


def _damaged(ending: str) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        import cornu

        path = _file(folder, ending)
        draw = random.Random(f"{ending} {number}")
        path.write_bytes(draw.choice(DAMAGES)(bytearray(path.read_bytes()), draw))
        model = _model()

        def attempt() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if ending == ".keras":
                    _compare(cornu.models.load_model(path).get_weights())
                else:
                    model.load_weights(path)
                    _compare(model.get_weights())

        return attempt

    return prepare


def _inside(folder: Path, number: int) -> Attempt:
    """The damage is inside an archive whose checksums are right."""
    import cornu

    good = _file(folder, ".weights.h5").read_bytes()
    draw = random.Random(f"inside {number}")
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", _model().to_json())
        archive.writestr("model.weights.h5", draw.choice(DAMAGES)(bytearray(good), draw))
    return lambda: _compare(cornu.models.load_model(path, compile=False).get_weights())


def _changed_config(seed: int) -> str:
    return json.dumps(damage_config(json.loads(_model().to_json()), random.Random(seed)))


def _configs(folder: Path, number: int) -> Attempt:
    import cornu

    path = _file(folder, ".keras")
    with zipfile.ZipFile(path) as archive:
        weights = archive.read("model.weights.h5")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", _changed_config(number))
        archive.writestr("model.weights.h5", weights)
    return lambda: cornu.models.load_model(path)


def _texts(folder: Path, number: int) -> Attempt:
    import cornu

    text = _changed_config(-1 - number)
    return lambda: cornu.models.model_from_json(text)


_BOTH = ("right", "refused")
_LIMITS = {"seconds": 10.0, "megabytes": 300.0}
ATTACKS = [
    *(
        Attack(
            f"damaged {ending}", "damaged files", "load", _damaged(ending), _BOTH,
            rounds=4000, quick=30, **_LIMITS,
        )
        for ending in (".keras", ".weights.h5", ".npz", ".safetensors")
    ),
    Attack(
        "damage inside an archive", "damaged files", "load_model", _inside, _BOTH,
        rounds=2000, quick=20, **_LIMITS,
    ),
    Attack("changed configs", "damaged files", "load_model", _configs, _BOTH, 6000, 30, **_LIMITS),
    Attack(
        "changed JSON", "damaged files", "model_from_json", _texts, _BOTH, 6000, 30, **_LIMITS
    ),
]  # fmt: skip
