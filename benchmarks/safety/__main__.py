"""Runs random programs in processes with heap checks, and reports what failed.

`python -m benchmarks.safety` is the full proof; `--quick` is what continuous integration runs.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

from benchmarks.safety import report
from benchmarks.safety.calls import KIND as INLINE
from benchmarks.safety.controls import CONTROLS, EXPECTED
from benchmarks.safety.models import CHANGES, FAMILIES
from benchmarks.safety.operations import KINDS
from benchmarks.safety.processes import (
    INLINE_SETTINGS,
    SETTINGS,
    Job,
    Limits,
    Outcome,
    Role,
    Setting,
    busy,
    expected_path,
    run,
)

__all__ = ["check_controls", "main", "plan", "prepare_parts", "setting_of"]

_PAGE = Path(__file__).parents[1] / "safety.md"
_CASES, _MODELS, _CALLS = 1000, 60, 120
_QUICK_CASES, _QUICK_CALLS = 3, 2
_PART = 150
# One for each of what XLA treats differently: products of attention, convolutions, loops,
# recomputation. Number 0 of the transformers has 500 tokens.
_QUICK_MODELS = ("transformer", "cnn", "gru_model", "recomputing")
# The kinds that have the time limit of models.
_WITH_MODELS = frozenset((*FAMILIES, INLINE))


def plan(kinds: Sequence[str], cases: int, models: int, calls: int = 0) -> dict[Setting, list[Job]]:
    """Returns the jobs of each setting: the number of a case decides on its setting.

    Args:
        kinds: kinds of operations, families of models, and "inline".
        cases: how many of each kind of operation.
        models: how many of all families together; the families take turns.
        calls: how many of calls of inline programs.
    """
    jobs = [Job(kind, number) for kind in kinds if kind in KINDS for number in range(cases)]
    families = [kind for kind in kinds if kind in FAMILIES]
    jobs += [
        Job(families[n % len(families)], n // len(families)) for n in range(models * bool(families))
    ]
    jobs += [Job(INLINE, number) for number in range(calls * (INLINE in kinds))]
    found: dict[Setting, list[Job]] = {s: [] for s in (*SETTINGS, *INLINE_SETTINGS)}
    for job in jobs:
        found[setting_of(job)].append(job)
    return {setting: jobs for setting, jobs in found.items() if jobs}


def setting_of(job: Job) -> Setting:
    """Returns what a case runs with."""
    settings = INLINE_SETTINGS if job.kind == INLINE else SETTINGS
    return settings[job.number % len(settings)]


def check_controls(setting: Setting = SETTINGS[1]) -> list[str]:
    """Runs the cases that must fail; returns what was not noticed."""
    jobs = [Job(kind, 0) for kind in CONTROLS]
    limits = Limits(operation=2.0)
    # The wrong number needs a compiler, and with it more time than a hang is given here.
    outcomes = [
        *run(jobs[:2], setting, folder="", limits=limits),
        *run(jobs[2:], setting, folder=""),
    ]
    return [
        f"{outcome.job.kind}: expected {EXPECTED[outcome.job.kind]}, found {outcome.status}"
        for outcome in outcomes
        if outcome.status != EXPECTED[outcome.job.kind]
    ]


def _outcomes(
    planned: dict[Setting, list[Job]], seed: int, options: str, kept: str
) -> Iterator[Outcome]:
    with contextlib.nullcontext(kept) if kept else tempfile.TemporaryDirectory() as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        run_cases = partial(run, folder=folder, seed=seed, models=_WITH_MODELS, options=options)

        def prepare(part: tuple[Setting, list[Job]]) -> list[Outcome]:
            setting, jobs = part
            missing = [job for job in jobs if not expected_path(folder, job).exists()]
            return list(run_cases(missing, setting))

        # Two at a time: what counts for the proof is how the programs run.
        with ThreadPoolExecutor(2) as pool:
            parts = prepare_parts(planned)
            for done, outcomes in enumerate(pool.map(prepare, parts), 1):
                print(f"prepared: {done} of {len(parts)} parts", flush=True)
                # Without something to compare with, the run is not a proof.
                yield from (outcome for outcome in outcomes if outcome.status != "passed")
        for setting, jobs in planned.items():
            with busy(setting.busy):
                doubtful = []
                for outcome in run_cases(jobs, setting):
                    if outcome.status == "wrong" and outcome.job.kind in FAMILIES:
                        doubtful.append(outcome)
                    else:
                        yield outcome
                for outcome in doubtful:
                    yield _run_again(outcome, run_cases)


def _run_again(outcome: Outcome, run_cases: Callable[..., Iterator[Outcome]]) -> Outcome:
    """Returns the outcome of a model that is also compared with plain ones of changed weights.

    Args:
        outcome: of the first run, which was wrong.
        run_cases: `run` with the arguments of all cases.
    """
    plain = outcome.setting._replace(busy=False, keep=False, role="plain")
    for _ in run_cases([outcome.job], plain, changes=range(1, CHANGES + 1)):
        pass  # Where a plain program fails, there is nothing to compare with.
    (again,) = run_cases([outcome.job], outcome.setting, changes=range(CHANGES + 1))
    if again.status == "passed" and not again.finding["by_plain"]:
        outcome.details.append("a second run is correct: the results are not reproducible")
        return outcome
    return again


def prepare_parts(planned: dict[Setting, list[Job]]) -> list[tuple[Setting, list[Job]]]:
    """Returns what runs beforehand: models and calls to compare with, compiling of operations."""
    parts = []
    for setting, jobs in planned.items():
        of_models = [job for job in jobs if job.kind in FAMILIES]
        of_operations = [job for job in jobs if job.kind in KINDS]
        of_calls = [job for job in jobs if job.kind == INLINE]
        roles: list[tuple[Role, list[Job]]] = [
            ("plain", of_models),
            ("compiling", of_operations),
            ("threaded", of_calls),
        ]
        for role, some in roles:
            quiet = setting._replace(busy=False, keep=False, role=role)
            parts += [(quiet, some[i : i + _PART]) for i in range(0, len(some), _PART)]
    return parts


def _show(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Prints progress: a line for each setting and kind, and several for each failure."""
    for (setting, kind), group in groupby(outcomes, lambda o: (o.setting, o.job.kind)):
        count, seconds = 0, 0.0
        for outcome in group:
            count, seconds = count + 1, seconds + outcome.seconds
            if outcome.status != "passed":
                print(f"{outcome.status.upper()} {kind} {outcome.job.number}: {outcome.text}")
                print("  " + "\n  ".join(outcome.details), flush=True)
            yield outcome
        print(f"{setting.describe()}: {kind}, {count} cases, {seconds:.1f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns 1 if anything failed, otherwise 0."""
    parser = argparse.ArgumentParser("python -m benchmarks.safety", description=__doc__)
    names = (*KINDS, *FAMILIES, INLINE)
    parser.add_argument("--quick", action="store_true", help="a few of each, in two minutes")
    kinds_help = f"separated by commas, some of {', '.join(names)}; models means all families"
    parser.add_argument("--kinds", default="", help=kinds_help)
    cases_help = f"number of cases of each kind of operation, {_CASES} by default"
    parser.add_argument("--cases", type=int, help=cases_help)
    models_help = f"number of models of all families together, {_MODELS} by default"
    parser.add_argument("--models", type=int, help=models_help)
    calls_help = f"number of cases of {INLINE}, {_CALLS} by default"
    parser.add_argument("--calls", type=int, help=calls_help)
    parser.add_argument("--options", default="", help='options of XLA to test: "a=true b=..."')
    parser.add_argument("--seed", type=int, default=0, help="of sizes and values, 0 by default")
    parser.add_argument("--kind", choices=names, help="runs one case of a kind: that of --case")
    parser.add_argument("--case", type=int, default=0, help="the number of the case")
    folder_help = "keeps compiled programs and expected results there, and uses those it finds"
    parser.add_argument("--folder", default="", help=folder_help)
    save_help = f"writes the run to {_PAGE.name}; one of all kinds must be complete"
    parser.add_argument("--save", action="store_true", help=save_help)
    given = parser.parse_args(arguments)
    kinds = given.kinds.split(",") if given.kinds else list(names)
    if "models" in kinds:
        kinds = [*(kind for kind in kinds if kind != "models"), *FAMILIES]
    unknown = sorted(set(kinds) - set(names))
    if unknown:
        parser.error(f"there is no kind {', '.join(unknown)}; expected {', '.join(names)}")
    numbers = (given.cases, given.models, given.calls)
    few = given.quick or given.kind or not given.kinds and any(n is not None for n in numbers)
    if given.save and (few or given.options):
        parser.error("--save is for complete runs and, with --kinds, for runs of some kinds")
    begin = time.monotonic()
    missed = check_controls()
    if missed:
        print("The checks do not work here:", *missed, sep="\n  ")
        return 1
    if given.kind:
        job = Job(given.kind, given.case)
        planned = {setting_of(job): [job]}
    else:
        if given.quick and not given.kinds:
            kinds = [*KINDS, *_QUICK_MODELS, INLINE]
        quick = (_QUICK_CASES, len(_QUICK_MODELS), _QUICK_CALLS)
        default = quick if given.quick else (_CASES, _MODELS, _CALLS)
        chosen = (d if n is None else n for d, n in zip(default, numbers, strict=True))
        planned = plan(kinds, *chosen)
    outcomes = list(_show(_outcomes(planned, given.seed, given.options, given.folder)))
    # The page does not show a folder of this machine.
    hidden = argparse.ArgumentParser(add_help=False)
    hidden.add_argument("--folder")
    _, shown = hidden.parse_known_args(arguments)
    command = " ".join(["python -m benchmarks.safety", *shown])
    seconds = time.monotonic() - begin
    selected = tuple(given.kinds.split(",")) if given.kinds else ()
    found = report.Run(outcomes, given.seed, given.options, seconds, command, selected)
    print(f"\n{report.page(found)}")
    if given.save:
        before = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else ""
        _PAGE.write_text(report.page(found, before), encoding="utf-8")
    return 1 if report.failures(outcomes) or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
