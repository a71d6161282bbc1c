"""`python -m benchmarks.fuzzing`: reads mutated files; reports what is neither read nor refused."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.fuzzing import report
from benchmarks.fuzzing.target import Failure, Target, Verdict
from benchmarks.fuzzing.targets import TARGETS
from benchmarks.fuzzing.worker import run

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns 1 if there are failures."""
    parser = argparse.ArgumentParser("python -m benchmarks.fuzzing", description=__doc__)
    parser.add_argument("--only", default="", help="targets whose name contains it")
    parser.add_argument("--inputs", type=int, default=10_000, help="mutated files, in all targets")
    parser.add_argument("--numbers", action="store_true", help="only numbers in configs, all")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--record", type=Path, help="a file that results are appended to")
    parser.add_argument("--page", type=Path, nargs=2, help="only write fuzzing.md, from such files")
    given = parser.parse_args(arguments)
    if given.page:
        report.write(*(report.read(path) for path in given.page))
        return 0
    chosen = [
        target
        for target in TARGETS.values()
        if given.only in target.name and (target.count is not None) == given.numbers
    ]
    shares = sum(target.share for target in chosen)
    failed = False
    for target in chosen:
        count = target.count() if target.count else round(given.inputs * target.share / shares)
        row = _run(target, range(given.first, count))
        failed = failed or bool(row["failures"])
        if given.record:
            report.record(given.record, row)
    return int(failed)


def _run(target: Target, numbers: range) -> report.Row:
    began = time.monotonic()
    counts: Counter[Verdict] = Counter()
    failures: list[Failure] = []
    seconds = megabytes = 0.0
    for part in run(target, numbers):
        counts += part.counts
        failures += part.failures
        seconds, megabytes = max(seconds, part.seconds), max(megabytes, part.megabytes)
        for failure in part.failures:
            print(json.dumps(failure._asdict()), flush=True)
    wall = time.monotonic() - began
    print(f"{target.name}: {dict(counts)} in {wall:.0f} s", flush=True)
    row: dict[str, Any] = {
        "target": target.name,
        "counts": dict(counts),
        "wall": wall,
        "seconds": seconds,
        "megabytes": megabytes,
        "failures": [failure._asdict() for failure in failures],
    }
    return row


if __name__ == "__main__":
    raise SystemExit(main())
