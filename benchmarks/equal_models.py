"""`python -m benchmarks.equal_models`: what further models of equal structure cost in a process.

Prints the table of docs/performance.md: CPU seconds of `compile` and `fit` on four batches, in new
processes, with an empty compilation cache and without one. It takes about a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median
from time import process_time

from benchmarks.models import CASES

__all__ = ["main"]

_TITLES = {"mlp": "MLP", "lstm": "LSTM", "transformer": "Transformer, 2 blocks"}
_BATCHES = 4
_MODELS = 4


def _train(name: str) -> list[float]:
    """Trains equal models one after another; returns the CPU seconds of each."""
    import cornu

    case, found = CASES[name], []
    x, y = case.data(_BATCHES)
    for _ in range(_MODELS):
        model = case.construct(cornu)
        begin = process_time()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, batch_size=case.batch_size, verbose=0)
        found.append(process_time() - begin)
    return found


def _measure(name: str, cache: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.equal_models", name],
        env={**os.environ, "CORNU_COMPILATION_CACHE": cache},
        check=True,
        capture_output=True,
        text=True,
    )
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Prints the table."""
    print("| model | the first one | a further equal one | without the cache |")
    print("| --- | --- | --- | --- |")
    for name, title in _TITLES.items():
        with tempfile.TemporaryDirectory() as folder:
            first, *others = _measure(name, folder)
        further = median(others), median(_measure(name, "off")[1:])
        print(f"| {title} |", " | ".join(f"{s:.2f}" for s in (first, *further)), "|", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        print(*_train(sys.argv[1]))
    else:
        main()
