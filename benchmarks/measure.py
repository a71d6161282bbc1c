"""Runs a task with all peers: a process each, whose rounds take turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import NamedTuple

from benchmarks.peers import BEGIN, PEERS, Round
from benchmarks.tasks import TASKS, Task

__all__ = ["SETTINGS", "Result", "Worker", "doing", "measure"]

# For all peers. Without the cache a first step compiles, whatever ran before; bytecode is
# kept as it is for users, or an import would compile sources each time.
SETTINGS = {
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1",
    "PYTHONDONTWRITEBYTECODE": "",
}
_CACHED = {
    "JAX_ENABLE_COMPILATION_CACHE": "true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
}
_ROOT = Path(__file__).parents[1]


class Result(NamedTuple):
    """The result of a peer in a task.

    Attributes:
        value: of the best epochs of all rounds, as the task defines; None if it failed.
        loss: at the end of the first round, when all peers took the same number of steps.
        rounds: the best epoch of each round.
    """

    value: float | None
    loss: float | None = None
    rounds: tuple[float, ...] = ()


class Worker:
    """The process of one peer and one task.

    Args:
        task, peer, quick: what it does.
        cache: a folder for compiled programs, for tasks that find them there.
    """

    def __init__(self, task: str, peer: str, quick: bool, cache: str = "") -> None:
        kept = _cached(peer, cache) if TASKS[task].cached else {}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", task, peer, "quick" if quick else "full"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={
                **os.environ,
                **SETTINGS,
                **PEERS[peer].environment,
                **kept,
                BEGIN: str(monotonic()),
            },
            cwd=_ROOT,
            text=True,
        )

    def round(self) -> Round:
        """Runs one round.

        Raises:
            RuntimeError: the process ended; with the end of what it wrote to its error stream.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print("round", file=self.process.stdin, flush=True)
            return Round(*json.loads(self.process.stdout.readline()))
        except (BrokenPipeError, json.JSONDecodeError):
            self.process.wait()
            self.errors.seek(0)
            raise RuntimeError("".join(self.errors.readlines()[-12:])) from None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def _cached(peer: str, cache: str) -> dict[str, str]:
    """Returns the settings with which compiled programs are kept; cornu has its own."""
    if peer == "cornu":
        return {"JAX_ENABLE_COMPILATION_CACHE": "true", "CORNU_COMPILATION_CACHE": cache}
    if PEERS[peer].package == "torch":
        return {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "0", "TORCHINDUCTOR_CACHE_DIR": cache}
    return {**_CACHED, "JAX_COMPILATION_CACHE_DIR": cache}


def doing(task: str, peers: Sequence[str]) -> list[str]:
    """Returns the peers that can do a task."""
    return [
        peer
        for peer in peers
        if task in (PEERS[peer].only or TASKS)
        and (PEERS[peer].has_layers or not TASKS[task].needs_layers)
    ]


def measure(task: str, peers: Sequence[str], rounds: int, quick: bool) -> dict[str, Result]:
    """Returns the results of all peers; a failed one is reported and excluded from later rounds."""
    able = doing(task, peers)
    found: dict[str, list[Round]] = {peer: [] for peer in able}
    workers: dict[str, Worker] = {}
    cache = tempfile.TemporaryDirectory()
    try:
        for turn in range(rounds + TASKS[task].cached):
            for peer in tuple(able):
                if peer not in workers:
                    workers[peer] = Worker(task, peer, quick, f"{cache.name}/{peer}")
                try:
                    done = workers[peer].round()
                    if turn >= TASKS[task].cached:  # the first of these fills the cache
                        found[peer].append(done)
                except RuntimeError as error:
                    print(f"{task}, {peer} failed:\n{error}", file=sys.stderr)
                    able.remove(peer)
                    found[peer] = []
                if TASKS[task].fresh:
                    workers.pop(peer).__exit__(None, None, None)
    finally:
        for worker in workers.values():
            worker.__exit__(None, None, None)
        cache.cleanup()
    return {peer: _result(rounds, TASKS[task]) for peer, rounds in found.items()}


def _result(rounds: Sequence[Round], task: Task) -> Result:
    if not rounds:
        return Result(None)
    best = tuple(min(one.values) for one in rounds)
    return Result(task.over_rounds(best), rounds[0].loss, best)
