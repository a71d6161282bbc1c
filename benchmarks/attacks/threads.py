"""Several threads, with the shortest turns: the results are those of one thread."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt

__all__ = ["ATTACKS"]

_X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
_Y = _X.sum(1, keepdims=True)


def _model(built: bool = True) -> Any:
    import cornu
    from cornu import layers

    parts: list[Any] = [layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dense(1)]
    model = cornu.Sequential([cornu.Input((4,)), *parts] if built else parts)
    if built:
        model.compile("sgd", "mse")
    return model


def _together(*functions: Callable[[], object]) -> list[BaseException]:
    """Runs functions in threads at once; returns their errors."""
    errors: list[BaseException] = []

    def guarded(function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    return errors


def _building(folder: Path, number: int) -> Attempt:
    model = _model(built=False)
    outputs: list[Any] = []

    def attempt() -> None:
        errors = _together(*[lambda: outputs.append(np.asarray(model(_X)))] * 8)
        assert not errors, errors
        assert len(model.weights) == 8, f"{len(model.weights)} weights instead of 8"
        assert all(np.array_equal(out, outputs[0]) for out in outputs), "outputs differ"

    return attempt


def _beside(read: Callable[[Any, Path], object]) -> Callable[[Path, int], Attempt]:
    """Reads while another thread trains."""

    def prepare(folder: Path, number: int) -> Attempt:
        import cornu

        model = _model()
        model.fit(_X, _Y, verbose=0)
        read(model, folder)
        alone = cornu.models.clone_model(model)
        alone.compile("sgd", "mse")
        alone.set_weights(model.get_weights())
        alone.fit(_X, _Y, epochs=4, batch_size=8, shuffle=False, verbose=0)

        def attempt() -> None:
            ended = threading.Event()

            def train() -> None:
                try:
                    model.fit(_X, _Y, epochs=4, batch_size=8, shuffle=False, verbose=0)
                finally:
                    ended.set()

            def repeat() -> None:
                while not ended.is_set():
                    read(model, folder)

            errors = _together(train, repeat, repeat)
            assert not errors, errors
            for one, other in zip(model.get_weights(), alone.get_weights(), strict=True):
                assert np.array_equal(one, other), "training beside readers differs"

        return attempt

    return prepare


def _two_fits(folder: Path, number: int) -> Attempt:
    model = _model()
    model.fit(_X, _Y, verbose=0)

    def attempt() -> None:
        errors = _together(*[lambda: model.fit(_X, _Y, epochs=3, batch_size=4, verbose=0)] * 2)
        if errors:
            raise errors[0]

    return attempt


def _fork(folder: Path, number: int) -> Attempt:
    """A child that was forked after the first step uses the model, or ends with an error."""
    model = _model()
    model.fit(_X, _Y, verbose=0)
    expected = model.predict(_X, verbose=0)

    def attempt() -> None:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of os.fork
            child = os.fork()
        if child == 0:
            try:
                same = np.array_equal(model.predict(_X, verbose=0), expected)
                os._exit(0 if same else 1)
            except RuntimeError:
                os._exit(2)
            except BaseException:
                os._exit(3)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                assert code in (0, 2), f"the child ended with {code}"
                return
            time.sleep(0.02)
        os.kill(child, 9)
        os.waitpid(child, 0)
        raise AssertionError("the child hangs")

    return attempt


_READERS: dict[str, Callable[[Any, Path], object]] = {
    "predict": lambda model, folder: model.predict(_X, verbose=0, batch_size=32),
    "evaluate": lambda model, folder: model.evaluate(_X, _Y, verbose=0),
    "call": lambda model, folder: np.asarray(model(_X)),
    "get_weights": lambda model, folder: model.get_weights(),
    "save": lambda model, folder: model.save(folder / f"{threading.get_ident()}.keras"),
}
ATTACKS = [
    Attack("8 threads build a model", "threads", "call", _building, rounds=100, quick=1),
    *(
        Attack(f"{name} beside fit", "threads", name, _beside(read), rounds=30)
        for name, read in _READERS.items()
    ),
    Attack("two fits of one model", "threads", "fit", _two_fits, ("refused", "right"), 50, quick=1),
    Attack("fork after training", "threads", "predict", _fork, ("right", "refused"), 5),
]
