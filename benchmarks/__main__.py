"""`python -m benchmarks`: runs tasks with peers, prints the table, keeps a complete run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from time import perf_counter

from benchmarks import formulations, report, sharing
from benchmarks.measure import measure
from benchmarks.peers import PEERS, Peer
from benchmarks.tasks import TASKS, Task


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--tasks", type=_some(TASKS), help=", ".join(TASKS))
    parser.add_argument("--peers", type=_some(PEERS), help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, help="5 by default, 1 if quick")
    parser.add_argument("--quick", action="store_true", help="less of everything, in 5 minutes")
    parser.add_argument("--blocks", action="store_true", help="blocks shared or inlined, too")
    parser.add_argument("--ops", action="store_true", help="formulations of ops, too")
    parser.add_argument("--save", action="store_true", help="keep a run that is not complete")
    given = parser.parse_args()
    given.tasks = given.tasks or _all(TASKS, given.quick)
    given.peers = given.peers or _all(PEERS, given.quick)
    return given


def _all(known: Mapping[str, Task | Peer], quick: bool) -> list[str]:
    """Returns the names of all, or of those that a quick run has."""
    return [name for name, one in known.items() if one.brief or not quick]


def _some(known: Mapping[str, object]) -> object:
    """Returns a converter of names with commas between them."""

    def names(text: str) -> Sequence[str]:
        given = text.split(",")
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
        return [name for name in known if name in given]

    return names


def main() -> None:
    """Runs the command line."""
    given = _arguments()
    rounds = given.rounds or (1 if given.quick else 5)
    about = report.setting()
    results = {}
    for task in given.tasks:
        begin = perf_counter()
        results[task] = measure(task, given.peers, rounds, given.quick)
        print(f"{task}: {perf_counter() - begin:.0f} s", flush=True)
    complete = given.tasks == list(TASKS) and given.peers == list(PEERS) and not given.quick
    blocks = sharing.measure(rounds) if complete or given.blocks else {}
    ops = formulations.measure() if complete or given.ops else {}
    run = report.Run(about, rounds, given.quick, results, blocks, ops)
    print(f"\n{report.table(results)}")
    if blocks:
        print(f"\n{sharing.table(blocks)}")
    if ops:
        print(f"\n{formulations.table(ops)}")
    if complete or given.save:
        report.save(run)


if __name__ == "__main__":
    main()
