"""Memory over hours of use: `python -m benchmarks.soak` runs each task in a process of its own.

It prints a Markdown table: how much memory the process holds (RSS) at some points, how much it
grew after the warm-up, and how many arrays and models were alive at the end. Before a look, garbage
is collected and the allocator gives back what it keeps for later (with glibc), because both of
these come and go; how much more a process holds in between is in the column "peak".
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

__all__ = ["TASKS", "Point", "Task", "growth", "measure", "table"]

_ROOT = Path(__file__).parents[1]
# Of the rounds, what counts as warm-up: caches fill, and allocators take what they need.
_WARM = 0.2


class Point(NamedTuple):
    """Memory and live objects of a process after some rounds.

    Attributes:
        rounds: how many.
        before, megabytes: RSS before and after what is free was given back.
        arrays, models: how many are alive.
    """

    rounds: int
    before: float
    megabytes: float
    arrays: int
    models: int


class Task(NamedTuple):
    """A repeated task.

    Attributes:
        rounds: how often.
        prepare: returns what does it once.
        steps: how many steps of training it runs each time, if memory per step is of interest.
    """

    rounds: int
    prepare: Callable[[Any], Callable[[], object]]
    steps: int = 0


def _model(cornu: Any) -> Any:
    x = cornu.Input((32,))
    h = cornu.layers.Dense(64, activation="relu")(x)
    h = cornu.layers.Dropout(0.1)(cornu.layers.BatchNormalization()(h))
    model = cornu.Model(x, cornu.layers.Dense(10, activation="softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _data(rows: int) -> Any:
    import numpy as np

    random = np.random.default_rng(0)
    return random.normal(size=(rows, 32)).astype("float32"), random.integers(0, 10, rows)


def _predicts(cornu: Any) -> Callable[[], object]:
    model, (x, _) = _model(cornu), _data(100)
    return lambda: model.predict(x)


def _cycles(cornu: Any) -> Callable[[], object]:
    x, y = _data(256)
    return lambda: _model(cornu).fit(x, y, verbose=0).history


def _fits(cornu: Any) -> Callable[[], object]:
    model, (x, y) = _model(cornu), _data(256)
    return lambda: model.fit(x, y, verbose=0, validation_split=0.2)


def _compiles(cornu: Any) -> Callable[[], object]:
    model, (x, y) = _model(cornu), _data(256)

    def again() -> None:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, verbose=0)

    return again


def _steps(cornu: Any) -> Callable[[], object]:
    """Trains on a generator and on arrays, evaluates and predicts; 500 steps of training."""
    model, (x, y) = _model(cornu), _data(32 * 250)

    def generate() -> Iterator[Any]:
        for i in range(0, len(x), 32):
            yield x[i : i + 32], y[i : i + 32]

    def again() -> None:
        model.fit(generate(), verbose=0)
        model.fit(x, y, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)

    return again


TASKS = {
    "predict": Task(1000, _predicts),
    "build-fit-drop": Task(50, _cycles),
    "fit-again": Task(200, _fits),
    "compile-again": Task(50, _compiles),
    "steps": Task(400, _steps, steps=500),
}


def _once(task: str, library: str, rounds: int, hours: float) -> list[Point]:
    """Runs a task in this process: so many rounds or, if `hours` is not 0, for so long."""
    import importlib

    do = TASKS[task].prepare(importlib.import_module(library))
    begin = perf_counter()
    points: list[Point] = []
    done, part = 0, 0.0
    while part < 1 - 1e-9:
        do()
        done += 1
        part = (perf_counter() - begin) / (3600 * hours) if hours else done / rounds
        # Rounding errors of the quotient do not postpone the last look.
        if 5 * part >= len(points) + 1 - 1e-9:
            points.append(_look(done, library))
    return points


def _look(done: int, library: str) -> Point:
    import jax

    before = _resident()
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    # Before anything is counted: the list of all objects takes megabytes itself.
    after = _resident()
    model = sys.modules[library].Model
    models = sum(isinstance(thing, model) for thing in gc.get_objects())
    return Point(done, before, after, len(jax.live_arrays()), models)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(
    task: str, library: str = "cornu", rounds: int | None = None, hours: float = 0.0
) -> list[Point]:
    """Runs a task in a process of its own, and returns what it held after each fifth."""
    command = [sys.executable, "-m", "benchmarks.soak", "--once", task, library]
    done = subprocess.run(
        [*command, str(rounds or TASKS[task].rounds), str(hours)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Point(*point) for point in json.loads(done.stdout.splitlines()[-1])]


def growth(points: Sequence[Point]) -> float:
    """Returns the megabytes that were added after the warm-up."""
    warm = next(p for p in points if p.rounds >= _WARM * points[-1].rounds)
    return points[-1].megabytes - warm.megabytes


def slope(points: Sequence[Point], steps: int) -> str:
    """Returns the growth in 100,000 steps after the warm-up as text; "-" if no steps count."""
    warm = next(p for p in points if p.rounds >= _WARM * points[-1].rounds)
    done = steps * (points[-1].rounds - warm.rounds)
    return f"{growth(points) * 1e5 / done:+.3f}" if done else "-"


def table(results: dict[tuple[str, str], list[Point]]) -> str:
    """Returns the results as Markdown."""
    lines = [
        "| task | library | rounds | MB after 1/5, 2/5, ... | growth | MB per 100,000 steps | peak "
        "| arrays | models |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (task, library), points in results.items():
        held = " ".join(f"{p.megabytes:.0f}" for p in points)
        end = points[-1]
        lines.append(
            f"| {task} | {library} | {end.rounds} | {held} | {growth(points):+.1f} "
            f"| {slope(points, TASKS[task].steps)} | {max(p.before for p in points):.0f} "
            f"| {end.arrays} | {end.models} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--tasks", default=",".join(TASKS), help="some of them, with commas")
    parser.add_argument("--peers", default="cornu", help="cornu, keras")
    parser.add_argument("--rounds", type=int, help="instead of each task's own number")
    parser.add_argument("--hours", type=float, default=0.0, help="of each task, not its rounds")
    parser.add_argument("--once", nargs=4, metavar=("TASK", "LIBRARY", "ROUNDS", "HOURS"))
    given = parser.parse_args()
    if given.once:
        task, library, rounds, hours = given.once
        print(json.dumps(_once(task, library, int(rounds), float(hours))))
        return
    results = {}
    for task in given.tasks.split(","):
        for library in given.peers.split(","):
            results[task, library] = measure(task, library, given.rounds, given.hours)
            print(f"{task}, {library}: {growth(results[task, library]):+.1f} MB", flush=True)
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
