"""Kills training at random instants, restarts it, and compares with an uninterrupted run.

Run as `python -m benchmarks.kills --instants 200`. Each run is a process of its own that gets
SIGKILL, at any moment of starting, compiling, training, validating or writing. When a run gets to
its end, its weights, history and optimizer are compared bit by bit, and another one begins.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Figures", "kill", "main"]

_BEGUN, _RESULT = "begun", "result"


def program(folder: str, epochs: int) -> None:
    """A program as a user would write it; `folder` keeps its state and takes its result."""
    import cornu
    from cornu import callbacks, layers

    cornu.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 6)).astype("float32")
    y = np.tanh(x @ rng.normal(size=(6, 2))).astype("float32")
    model = cornu.Sequential(
        [
            cornu.Input((6,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )
    model.compile(cornu.optimizers.Adam(0.01, use_ema=True), "mse", metrics=["mae"])
    begun = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: _note_once(Path(folder, _BEGUN))
    )
    kept = [
        callbacks.ReduceLROnPlateau("val_loss", patience=2, min_delta=0.01),
        callbacks.EarlyStopping("val_loss", patience=30, restore_best_weights=True),
        callbacks.CSVLogger(f"{folder}/log.csv"),
        begun,
    ]
    history = model.fit(
        x,
        y,
        batch_size=8,
        epochs=epochs,
        validation_split=0.2,
        callbacks=kept,
        verbose=0,
        resume=cornu.Resume(f"{folder}/state", every=1),
    )
    digest = hashlib.sha256(repr(sorted(history.history.items())).encode())
    for array in (*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)):
        digest.update(array.tobytes())
    digest.update(Path(f"{folder}/log.csv").read_bytes())
    _write(folder, _RESULT, digest.hexdigest())


def _note_once(path: Path) -> None:
    if not path.exists():
        path.touch()


def _write(folder: str, name: str, text: str) -> None:
    Path(folder, name).write_text(text)


@dataclass
class Figures:
    """The results of all runs.

    Attributes:
        instants: how many processes were killed; training: how many of them after it had begun.
        writing: how many left a file that was half written.
        runs: how many runs got to their end; equal: how many of these were bit-identical to the
            undisturbed one.
        restarts: how often each run was killed.
    """

    instants: int = 0
    training: int = 0
    writing: int = 0
    runs: int = 0
    equal: int = 0
    restarts: list[int] = field(default_factory=list)


def kill(instants: int, epochs: int = 20, seed: int = 0) -> Figures:
    """Kills processes at some instants, the last run goes to its end; returns the figures.

    Args:
        instants: how many.
        epochs: of a run.
        seed: of the instants: they lie between the first step and the end of an undisturbed run,
            one in eight in the first second of the process.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cornu", "jax", "cornu.models", "numpy"])
    instant = random.Random(seed)
    figures = Figures()
    with tempfile.TemporaryDirectory() as undisturbed:
        _run(context, undisturbed, epochs, None)
        begun, result = Path(undisturbed, _BEGUN), Path(undisturbed, _RESULT)
        after = result.stat().st_mtime - begun.stat().st_mtime
        expected = result.read_text()
    while figures.instants < instants:
        with tempfile.TemporaryDirectory() as folder:
            kills = 0
            while True:
                alive = figures.instants >= instants
                early = instant.random() < 0.125
                wait = None if alive else instant.random() * (1.0 if early else after)
                if _run(context, folder, epochs, wait, early):
                    break
                kills += 1
                figures.instants += 1
                figures.training += Path(folder, _BEGUN).exists()
                figures.writing += any(p.name.startswith(".state") for p in _states(folder))
            figures.runs += 1
            figures.restarts.append(kills)
            figures.equal += Path(folder, _RESULT).read_text() == expected
    return figures


def _states(folder: str) -> list[Path]:
    path = Path(folder, "state")
    return list(path.iterdir()) if path.is_dir() else []


def _run(context: Any, folder: str, epochs: int, wait: float | None, early: bool = False) -> bool:
    """Runs the program, and kills it after a time; returns whether it got to its end."""
    Path(folder, _BEGUN).unlink(missing_ok=True)
    process = context.Process(target=program, args=(folder, epochs))
    process.start()
    if wait is not None:
        while not early and process.is_alive() and not Path(folder, _BEGUN).exists():
            time.sleep(0.002)
        process.join(wait)
        process.kill()
    process.join()
    if wait is None and process.exitcode != 0:
        raise RuntimeError(f"The program failed with exit code {process.exitcode}.")
    return Path(folder, _RESULT).exists()


def main() -> None:
    """Prints the figures as a row of a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--instants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    found = kill(given.instants, seed=given.seed)
    print("| instants | in training | in a write | runs | bit-identical | kills a run | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {found.instants} | {found.training} | {found.writing} | {found.runs} | {found.equal} "
        f"| {max(found.restarts)} at most | {time.monotonic() - began:.0f} |"
    )


if __name__ == "__main__":
    main()
