"""`python -m benchmarks.attacks`: runs attacks and prints the table of their outcomes."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.attacks import formats, report
from benchmarks.attacks.attack import Attack, Outcome
from benchmarks.attacks.runner import run
from benchmarks.attacks.table import ATTACKS

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the number of failures, at most 1."""
    parser = argparse.ArgumentParser("python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the rounds of the quick form")
    parser.add_argument("--only", default="", help="attacks whose kind and name contain it")
    parser.add_argument("--share", type=float, default=1.0, help="of the rounds of the long form")
    parser.add_argument("--jobs", type=int, default=1, help="attacks that run at once")
    parser.add_argument("--record", type=Path, help="a file that outcomes are appended to")
    parser.add_argument("--page", type=Path, help="only write the sections of reliability.md")
    parser.add_argument("--list", action="store_true", help="only list the attacks")
    given = parser.parse_args(arguments)
    if given.page:
        found = report.read(given.page)
        if any(ATTACKS[name].kind != formats.KIND for name in found):
            report.write(report.section(found, ATTACKS))
        if any(ATTACKS[name].kind == formats.KIND for name in found):
            report.write(report.formats_section(found))
        return 0
    chosen = [a for a in ATTACKS.values() if given.only in f"{a.kind}: {a.name}"]
    if given.quick:
        chosen = [attack for attack in chosen if attack.quick]
    if given.list:
        for attack in chosen:
            print(f"{attack.kind}: {attack.name} ({attack.rounds} rounds)")
        return 0

    def attempt(attack: Attack) -> list[Outcome]:
        began = time.monotonic()
        rounds = attack.quick if given.quick else math.ceil(attack.rounds * given.share)
        outcomes = list(run(attack, rounds))
        failed = report.failures(attack, outcomes)
        text = f"{attack.kind}: {attack.name}: {len(outcomes)} in {time.monotonic() - began:.1f} s"
        print(f"{text}, {len(failed)} failed" if failed else text, flush=True)
        if given.record:
            report.record(given.record, outcomes)
        return outcomes

    with ThreadPoolExecutor(given.jobs) as pool:
        outcomes = dict(zip([a.name for a in chosen], pool.map(attempt, chosen), strict=True))
    print(report.section(outcomes, ATTACKS))
    return int(any(report.failures(ATTACKS[name], found) for name, found in outcomes.items()))


if __name__ == "__main__":
    raise SystemExit(main())
