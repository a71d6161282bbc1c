"""Input pipelines beside those of tf.data, torch and Grain, and training on sources of batches.

`python -m benchmarks.data` writes data.md. Each library has its own process, and rounds alternate.
All batches of the first epoch are compared with those of cornu before anything is measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks import report, streams
from benchmarks.pipelines.files import write

__all__ = ["main", "page"]

_PAGE = Path(__file__).with_name("data.md")
_MODULES = {
    "cornu": "benchmarks.pipelines.ours",
    "tf.data": "benchmarks.pipelines.tensorflows",
    "torch, 0 workers": "benchmarks.pipelines.torched",
    "torch, 2 workers": "benchmarks.pipelines.torched2",
    "Grain, 2 threads": "benchmarks.pipelines.grained",
}
_TASKS = {
    "images": "JPEG files of 512 x 384, decoded and resized to 224 x 224",
    "flips": "the same, flipped at random",
    "texts": "text files of 150 words to token ids",
    "table": "rows of a CSV file to vectors (two numbers, two categories)",
    "sounds": "WAV files of one second to spectrograms",
}
_SIZES = {"images": 400, "texts": 2000, "table": 20000, "sounds": 600}
# Libraries decode JPEG files and sum windows in different ways.
_TOLERANCES = {"images": 4.0, "flips": 4.0, "sounds": 2e-3}


class Rate(NamedTuple):
    """The result of a library in a task.

    Attributes:
        per_second: samples for each second.
        per_core: samples for each second of CPU time, of all threads and processes.
        apart: the largest difference of its outputs from those of cornu.
    """

    per_second: float
    per_core: float
    apart: float


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _work(peer: str, folder: Path) -> None:
    """Answers each line of the input, such as "round texts"; "save" writes batches to a file."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    pipelines = importlib.import_module(_MODULES[peer]).PIPELINES
    epochs: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        what, task = line.split()
        if task not in epochs:
            epochs[task] = pipelines[task](folder)
        epoch = epochs[task]
        if what == "save":
            np.save(folder / "batches.npy", np.concatenate([np.asarray(b) for b in epoch()]))
            print("null", file=answers, flush=True)
            continue
        cpu, wall, count = _cpu_seconds(), perf_counter(), 0
        for batch in epoch():
            count += len(batch)
        seconds = perf_counter() - wall, _cpu_seconds() - cpu
        print(json.dumps([count, *seconds]), file=answers, flush=True)


class _Worker:
    """The process of one library."""

    def __init__(self, peer: str, folder: Path) -> None:
        self._folder = folder
        environment = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.data", "--work", peer, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )

    def ask(self, what: str, task: str) -> Any:
        """Returns the answer to "save" or "round"."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(what, task, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def samples(self, task: str) -> np.ndarray:
        """Returns all samples of an epoch."""
        self.ask("save", task)
        found: np.ndarray = np.load(self._folder / "batches.npy")
        return found

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _difference(task: str, expected: np.ndarray, found: np.ndarray) -> float:
    """Returns the largest difference of two outputs.

    Raises:
        ValueError: it exceeds the tolerance, so that the work is not the same.
    """
    if expected.shape != found.shape:
        raise ValueError(f"{task}: expected shape {expected.shape}, received {found.shape}")
    apart = np.abs(expected.astype("float32") - found)
    if task == "flips":  # each library flips other images
        mirrored = np.abs(expected[:, :, ::-1].astype("float32") - found)
        apart = np.minimum(apart.max((1, 2, 3)), mirrored.max((1, 2, 3)))
    limit = _TOLERANCES.get(task, 1e-5)
    if apart.max() > limit:
        raise ValueError(f"{task}: outputs differ by {apart.max():g}, more than {limit:g}")
    return float(apart.max())


def measure(task: str, workers: dict[str, _Worker], rounds: int) -> dict[str, Rate]:
    """Compares and measures all libraries in a task."""
    expected = workers["cornu"].samples(task)
    apart = {peer: _difference(task, expected, w.samples(task)) for peer, w in workers.items()}
    found: dict[str, list[Any]] = {peer: [] for peer in workers}
    for _ in range(rounds):
        for peer, worker in workers.items():
            found[peer].append(worker.ask("round", task))
    return {
        peer: Rate(
            max(count / wall for count, wall, _ in results),
            max(count / cpu for count, _, cpu in results),
            apart[peer],
        )
        for peer, results in found.items()
    }


def _table(task: str, rates: dict[str, Rate]) -> str:
    best = max(rate.per_second for peer, rate in rates.items() if peer != "cornu")
    core = max(rate.per_core for peer, rate in rates.items() if peer != "cornu")
    rows = [
        f"| {peer} | {rate.per_second:,.0f} | {rate.per_core:,.0f} | {rate.apart:.2g} |"
        for peer, rate in rates.items()
    ]
    ours = rates["cornu"]
    return "\n".join(
        [
            f"## {_TASKS[task][0].upper()}{_TASKS[task][1:]}",
            "",
            "| library | samples per second | per second of CPU time | apart |",
            "| --- | ---: | ---: | ---: |",
            *rows,
            "",
            f"cornu : best of the others: {ours.per_second / best:.2f} per second, "
            f"{ours.per_core / core:.2f} per second of CPU time.",
            "",
        ]
    )


def page(
    setting: report.Setting,
    rates: dict[str, dict[str, Rate]],
    fits: list[streams.Fit],
    rounds: int,
    part: float,
) -> str:
    """Returns the page of all measurements."""
    tables = "\n".join(_table(task, found) for task, found in rates.items())
    counts = ", ".join(f"{int(count * part):,} {name}" for name, count in _SIZES.items())
    return f"""# Input pipelines

Generated by `python -m benchmarks.data`; do not edit.

- {setting.date}; {rounds} rounds; samples: {counts}
- {setting.machine}, {setting.cores} cores; load at the start: {setting.load:.1f}

The same files are read with each library (`benchmarks/pipelines`) in batches of 32 samples (rows of
the CSV file: 256), as NumPy arrays. Each library has its own process, and their rounds alternate;
the best round. All samples of an epoch are compared before: "apart" is the largest difference from
the outputs of cornu. Flips are random; each image equals that of cornu or its mirror image. JPEG
files are decoded by simplejpeg in cornu, and by Pillow with torch and Grain. The functions of torch
and Grain are written in Python with NumPy and torch, as these libraries have none for these tasks.

{tables}
{streams.section(fits)}"""


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.data", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", type=float, default=1.0, help="the part of the files, up to 1")
    parser.add_argument("--only", nargs="*", help="tasks; nothing is written then")
    parser.add_argument("--work", nargs=2, metavar=("LIBRARY", "FOLDER"))
    given = parser.parse_args()
    if given.work:
        _work(given.work[0], Path(given.work[1]))
        return
    setting = report.setting()
    rates = {}
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), {task: int(count * given.part) for task, count in _SIZES.items()})
        workers = {peer: _Worker(peer, Path(name)) for peer in _MODULES}
        for task in given.only if given.only is not None else _TASKS:
            rates[task] = measure(task, workers, given.rounds)
            print(_table(task, rates[task]), flush=True)
        for worker in workers.values():
            worker.close()
    if given.only is None:
        fits = streams.measure(given.rounds)
        _PAGE.write_text(page(setting, rates, fits, given.rounds, given.part))


if __name__ == "__main__":
    main()
