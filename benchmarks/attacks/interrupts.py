"""Ctrl-C at random instants of an operation: what was begun is done, or as if it never began."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt

__all__ = ["ATTACKS"]

_X = np.random.default_rng(0).normal(size=(512, 6)).astype("float32")
_Y = (_X[:, :1] > 0).astype("float32")
_made: dict[str, Any] = {}


class _Operation(NamedTuple):
    """An operation.

    Attributes:
        run: is interrupted; receives the model and a folder.
        check: raises AssertionError if what is left is wrong.
    """

    run: Callable[[Any, Path], object]
    check: Callable[[Any, Path], object]


def _model() -> Any:
    import cornu
    from cornu import layers

    if "model" not in _made:
        x = cornu.Input((6,))
        h = layers.BatchNormalization()(layers.Dense(8, "relu")(x))
        model = cornu.Model(x, layers.Dense(1, "sigmoid")(layers.Dropout(0.1)(h)))
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        model.fit(_X, _Y, verbose=0)
        _made["model"] = model
    return _made["model"]


def _usable(model: Any, folder: Path) -> None:
    assert all(np.isfinite(w).all() for w in model.get_weights()), "weights are not finite"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the handler is lost"
    before = model.evaluate(_X, _Y, verbose=0)
    assert model.predict(_X, verbose=0).shape == (512, 1)
    assert model.evaluate(_X, _Y, verbose=0) == before, "evaluate differs"
    model.fit(_X, _Y, verbose=0)


def _saved(model: Any, folder: Path) -> None:
    import cornu

    _usable(model, folder)
    names = [entry.name for entry in folder.iterdir()]
    assert set(names) <= {"m.keras"}, f"left over: {names}"
    if names:
        cornu.models.load_model(folder / "m.keras")


def _load(model: Any, folder: Path) -> None:
    import cornu

    model.save(folder / "m.keras")
    while True:
        cornu.models.load_model(folder / "m.keras")


def _resumed(model: Any, folder: Path) -> None:
    import cornu

    states = folder / "states"
    cornu.utils.set_random_seed(1)
    again = cornu.models.clone_model(model)
    again.compile("adam", "binary_crossentropy")
    again.fit(_X, _Y, batch_size=64, epochs=2, verbose=0, resume=cornu.Resume(states, every=1))


def _resume(model: Any, folder: Path) -> None:
    for number in range(10**6):
        _resumed(model, folder / str(number % 3) if number % 3 else folder)


def _repeat(run: Callable[[Any, Path], object]) -> Callable[[Any, Path], object]:
    def repeat(model: Any, folder: Path) -> None:
        while True:
            run(model, folder)

    return repeat


_OPERATIONS = {
    "fit": _Operation(
        lambda model, folder: model.fit(_X, _Y, batch_size=64, epochs=10**6, verbose=0), _usable
    ),
    "predict": _Operation(
        _repeat(lambda model, folder: model.predict(_X, batch_size=64, verbose=0)), _usable
    ),
    "evaluate": _Operation(
        _repeat(lambda model, folder: model.evaluate(_X, _Y, batch_size=64, verbose=0)), _usable
    ),
    "save": _Operation(_repeat(lambda model, folder: model.save(folder / "m.keras")), _saved),
    "load": _Operation(_load, _saved),
    "resume": _Operation(_resume, _resumed),
}


def _interrupt(operation: _Operation) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        model = _model()
        wait = random.Random(number).uniform(0, 0.05 if number % 2 else 0.4)

        def attempt() -> None:
            strike = threading.Timer(wait, os.kill, (os.getpid(), signal.SIGINT))
            with contextlib.suppress(KeyboardInterrupt):
                strike.start()  # the interrupt may come before it returns
                operation.run(model, folder)
                time.sleep(wait)  # it ended before the interrupt came
            strike.join()
            operation.check(model, folder)

        return attempt

    return prepare


ATTACKS = [
    Attack(f"Ctrl-C in {name}", "interrupts", name, _interrupt(operation), rounds=200, quick=1)
    for name, operation in _OPERATIONS.items()
]
