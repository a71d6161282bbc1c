"""The cost of checking each batch of a stream: the same fit with the checks and without, in turns.

`python -m benchmarks.checks` prints a table. Without the checks, a batch is neither compared with
the one before nor are its values looked at: `Stream.check` is not called, and integers are not
searched for numbers beyond 32 bits. An epoch is a round; the minima of many rounds are compared,
and the rounds alternate, so that both meet the same load of the machine. The cost is the difference
of the CPU time of the thread that checks, because the time of a step depends on other programs.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from time import perf_counter, thread_time
from typing import Any
from unittest import mock

import numpy as np

__all__ = ["main"]

_BATCH = 32


def _model(columns: int) -> Any:
    import cornu
    from cornu import layers

    model = cornu.Sequential(
        [
            cornu.Input((columns,)),
            layers.Dense(64, "relu"),
            layers.Dense(64, "relu"),
            layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _generator(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    batches = len(x) // _BATCH

    def generate() -> Iterator[Any]:
        for i in range(batches):
            rows = slice(i * _BATCH, (i + 1) * _BATCH)
            yield x[rows], y[rows]

    return generate


def _dataset(x: np.ndarray, y: np.ndarray) -> Callable[[], Any]:
    import cornu

    class Batches(cornu.utils.PyDataset):
        def __len__(self) -> int:
            return len(x) // _BATCH

        def __getitem__(self, index: int) -> Any:
            rows = slice(index * _BATCH, (index + 1) * _BATCH)
            return x[rows], y[rows]

    return Batches


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Turns off what is checked in each batch; the first batch of a fit is checked."""
    from cornu.data import conversion
    from cornu.training import batch_check

    def check_first(check: Any, source: Any) -> None:
        check.check_all(source.preview())

    with (
        mock.patch.object(batch_check, "_check_source", check_first),
        mock.patch.object(conversion, "narrowed", lambda array: array),
    ):
        yield


def measure(
    make: Callable[[np.ndarray, np.ndarray], Callable[[], Any]],
    columns: int,
    steps: int,
    rounds: int,
) -> tuple[float, float]:
    """Returns the seconds of a step, and the CPU seconds of the checks within it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(_BATCH * steps, columns)).astype("float32")
    y = rng.integers(0, 10, len(x))
    model, source = _model(columns), make(x, y)
    best, step = [float("inf"), float("inf")], float("inf")
    for number in range(2 * rounds + 2):
        with _unchecked() if number % 2 else contextlib.nullcontext():
            data = source()
            began, thread = perf_counter(), thread_time()
            model.fit(data, verbose=0)
            seconds, busy = perf_counter() - began, thread_time() - thread
        if number > 1:  # the first two compile
            best[number % 2] = min(best[number % 2], busy / steps)
            step = min(step, seconds / steps)
    return step, best[0] - best[1]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser("python -m benchmarks.checks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--steps", type=int, default=100)
    given = parser.parse_args()
    print("| source | columns | step, us | checks, us | cost |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, make in (("generator", _generator), ("PyDataset", _dataset)):
        for columns in (20, 784):
            step, cost = measure(make, columns, given.steps, given.rounds)
            print(
                f"| {name} | {columns} | {1e6 * step:.0f} | {1e6 * cost:.1f} "
                f"| {100 * cost / step:.1f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
