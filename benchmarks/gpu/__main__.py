"""`python -m benchmarks.gpu`: measures all peers and writes gpu.md; see the package."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.gpu.cases import CASES
from benchmarks.gpu.page import Row, Run, find_differences, page, table
from benchmarks.gpu.worker import PEERS
from benchmarks.measure import SETTINGS
from benchmarks.report import processor

__all__ = ["find_unequal", "main", "measure"]

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "benchmarks" / "gpu.md"
_SECONDS = 235.0
# Seconds that are kept for measuring what has been compiled.
_RESERVE = 12.0


class Process:
    """The process of one peer."""

    def __init__(self, peer: str, tiny: bool) -> None:
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gpu.worker", peer, "tiny" if tiny else "full"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **SETTINGS, **PEERS[peer][2]},
            cwd=_ROOT,
            text=True,
        )

    def read(self) -> dict[str, Any]:
        """Returns the next answer.

        Raises:
            RuntimeError: the process ended; with the last line of its error stream.
        """
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            text = self.errors.read()
            print(text, file=sys.stderr)
            lines = text.strip().splitlines()
            raise RuntimeError(lines[-1][:160] if lines else "ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, verb: str, case: str) -> dict[str, Any]:
        """Returns the answer to a request."""
        assert self.process.stdin is not None
        print(verb, case, file=self.process.stdin, flush=True)
        return self.read()

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()


class Clock:
    """The time that is left."""

    def __init__(self, seconds: float) -> None:
        self.begin, self.seconds = perf_counter(), seconds

    def spent(self) -> float:
        """Returns the seconds since the start."""
        return perf_counter() - self.begin

    def left(self) -> float:
        """Returns the seconds that are left."""
        return self.seconds - self.spent()


def measure(cases: Sequence[str], peers: Sequence[str], tiny: bool, seconds: float) -> Run:
    """Returns the results; what does not fit into the time is marked."""
    clock = Clock(seconds)
    processes = {peer: Process(peer, tiny) for peer in peers}
    results: dict[str, dict[str, Row]] = {}
    device, versions, failed = "", {"python": platform.python_version()}, {}
    pool = ThreadPoolExecutor(len(peers))

    def collect(futures: dict[str, Future[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
        found = {}
        for peer, future in futures.items():
            try:
                found[peer] = future.result(timeout=max(clock.left() - _RESERVE, 0.0))
            except (RuntimeError, BrokenPipeError) as error:
                failed[peer] = f"failed: {error}"
            except TimeoutError:
                failed[peer] = "no time was left"
            if peer in failed:
                processes.pop(peer).end()
        return found

    try:
        for peer, answer in collect(
            {p: pool.submit(process.read) for p, process in processes.items()}
        ).items():
            device = answer["device"] if not device or device == "cpu" else device
            versions[peer] = answer["version"]
        for case in cases:
            ready = collect(
                {p: pool.submit(process.ask, "prepare", case) for p, process in processes.items()}
            )
            rows = {peer: Row(problem=problem) for peer, problem in failed.items()}
            for peer, answer in ready.items():
                measured = collect({peer: pool.submit(processes[peer].ask, "measure", case)})
                steps, predict = measured.get(peer, {}).get("steps", ()), None
                predict = measured.get(peer, {}).get("predict")
                losses, first = tuple(answer["losses"]), answer["first"]
                rows[peer] = Row(losses, first, tuple(steps), predict, failed.get(peer, ""))
            results[case] = {peer: rows[peer] for peer in peers}
            print(table(case, results[case], device, tiny), flush=True)
    finally:
        for process in processes.values():
            process.end()
        pool.shutdown(wait=False)
    return Run(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        machine=f"{platform.system()} {processor()}, {len(os.sched_getaffinity(0))} cores",
        device=device,
        versions=versions,
        seconds=clock.spent(),
        tiny=tiny,
        results=results,
    )


def find_unequal(run: Run) -> list[str]:
    """Returns what is wrong with the losses of a run."""
    return [
        f"{case}: the losses of {peer} are {apart:.2g} apart, more than {CASES[case].close:g}"
        for case, rows in run.results.items()
        for peer, apart in find_differences(case, rows).items()
        if not apart <= CASES[case].close
    ]


def main() -> None:
    """Measures, writes the page, and exits with 1 if losses are unequal or cornu failed."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="sizes for a CPU; writes nothing")
    parser.add_argument("--cases", default=",".join(CASES), help="names, separated by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="names, separated by commas")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="the limit of the run")
    given = parser.parse_args()
    cases, peers = given.cases.split(","), given.peers.split(",")
    run = measure(cases, peers, given.tiny, given.seconds)
    if not given.tiny:
        _PAGE.write_text(page(run), encoding="utf-8")
    problems = find_unequal(run)
    problems += [
        f"{case}: cornu {rows['cornu'].problem}"
        for case, rows in run.results.items()
        if "cornu" in rows and rows["cornu"].problem
    ]
    print(f"{run.seconds:.0f} s")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
