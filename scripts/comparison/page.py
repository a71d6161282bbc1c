"""The page docs/comparison.md."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.comparison.tables import Row, count, find, number, rows

__all__ = ["page", "times"]

RESULTS = "benchmarks/RESULTS.md"
# What the columns of the benchmarks are called here.
LIBRARIES = {
    "keras-jax": "Keras on JAX",
    "keras-tf": "Keras on TensorFlow",
    "keras-torch": "Keras on PyTorch",
    "torch": "PyTorch",
    "jax": "a loop in JAX",
    "nnx": "Flax NNX",
}
# Verdicts of attacks that are faults.
_BAD = ("wrong", "raw", "crash", "hang", "memory", "broken")
_START = """\
# How cornu compares

The results of all suites in one place: how much of Keras cornu reproduces, what runs on it, what
it withstands, and how fast it is beside other libraries, also where another is ahead. The numbers
are read from the pages to which the rows link by `python -m scripts.comparison`, which writes this
page and the figures of the README. A test compares them.
"""
_TIMES = """
## Times beside other libraries

Each number is the time of the library divided by that of cornu for the same task, from
[RESULTS.md](../benchmarks/RESULTS.md), which has the times, the machine and the method: above 1,
cornu is faster. "-" was not measured.
"""
_END = """
These times are of two CPU cores.
"""


def page() -> str:
    """Returns the page."""
    parts = [_START]
    for title, lines in (
        ("Keras 3", _keras()),
        ("Programs and files of Keras 1 and 2", _old()),
        ("Packages and other libraries", _packages()),
        ("Attacks, damage and wrong data", _attacks()),
    ):
        parts += [f"\n## {title}\n", "| what | result | page |\n| --- | --- | --- |", *lines]
    return "\n".join([*parts, _TIMES, *_times(), _END])


def _line(what: str, result: str, path: str) -> str:
    name = path.rpartition("/")[2].removesuffix(".md").replace("_", " ")
    relative = path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"
    return f"| {what} | {result} | [{name}]({relative}) |"


def _keras() -> Iterator[str]:
    at = "docs/compatibility.md"
    (total,) = (row for row in rows(at, "module", "same") if row["module"] == "**total**")
    yield _line(
        "public names of Keras",
        f"{total['names']}: {total['same']} the same, {total['more']} do more, "
        f"{total['differ']} differ, {total['absent']} absent",
        at,
    )
    at = "docs/compatibility/arguments.md"
    names, calls = find(at, r"calls (\d+) names of cornu and of Keras [\d.]+ with (\d+)")
    same, refused, intended = find(
        at, r"(\d+) give the same results, (\d+) are refused by both libraries, and (\d+)"
    )
    yield _line(
        f"combinations of arguments of {names} names",
        f"{calls:,}: {same:,} give the same results, {refused} are refused by both, "
        f"{intended} are intended differences",
        at,
    )
    at = "docs/programs.md"
    programs = rows(at, "program", "part of the API", "equal")
    equal = count(programs, "equal", "yes")
    yield _line("programs of Keras 3", f"{equal} of {len(programs)} compute equal losses", at)
    at = "docs/exchange.md"
    models, equal = find(at, r"Of (\d+) models, (\d+) are equal within")
    yield _line("models in files, both directions", f"{equal} of {models} are equal", at)
    at = "benchmarks/networks.md"
    networks = rows(at, "network", "names and shapes in order", "outputs apart")
    equal = count(networks, "names and shapes in order", "equal")
    apart = max(number(row["outputs apart"]) for row in networks)
    yield _line(
        "networks of `applications`",
        f"{equal} of {len(networks)} have weights of equal names and shapes; outputs differ by at "
        f"most {apart:.0e}",
        at,
    )
    at = "docs/compatibility/faults.md"
    (faults,) = find(at, r"(\d+) kinds of behavior of Keras")
    yield _line("faults of Keras that are mended", f"{faults} kinds", at)


def _old() -> Iterator[str]:
    at = "docs/old_programs_table.md"
    programs = rows(at, "program", "ran", "equal")
    yield _line(
        "unmodified programs beside the old library",
        f"{count(programs, 'ran', 'both')} of {len(programs)} run, "
        f"{count(programs, 'equal', 'yes')} compute equal losses",
        at,
    )
    at = "docs/modernize.md"
    equal, programs_count = find(at, r"(\d+) of (\d+) programs compute the losses")
    yield _line(
        "programs that are rewritten to today's API",
        f"{programs_count}; {equal} compute the same losses, the page has the reasons of the rest",
        at,
    )
    at = "docs/old_files_table.md"
    (models,) = find(at, r"(\d+) models load")
    versions = rows(at, "version, backend", "models", "largest difference")
    apart = max(number(row["largest difference"]) for row in versions)
    yield _line(
        f"files of {len(versions)} versions and backends",
        f"{models} models load and continue to train; numbers differ by at most {apart:.0e}",
        at,
    )


def _packages() -> Iterator[str]:
    at = "docs/packages.md"
    done, packages, ran, steps, equal = find(
        at,
        r"(\d+) of (\d+) packages do everything below; (\d+) of (\d+) steps run, and the results "
        r"of (\d+) are equal",
    )
    yield _line(
        "packages built on Keras",
        f"{done} of {packages} do what was tried: {ran} of {steps} steps run, {equal} equal Keras",
        at,
    )
    at = "docs/weights_table.md"
    networks = rows(at, "network", "after")
    apart = max(number(row["after"]) for row in networks)
    yield _line(
        "networks of torch whose weights are loaded",
        f"{len(networks)}; outputs differ by at most {apart:.0e}",
        at,
    )


def _attacks() -> Iterator[str]:
    at = "benchmarks/reliability.md"
    kinds = rows(at, "kind", "attacks", "rounds", "failures")
    total = {name: sum(int(row[name]) for row in kinds) for name in ("attacks", "rounds")}
    good = sum(int(row["right"]) + int(row["refused"]) for row in kinds)
    others = {name: sum(int(row[name]) for row in kinds) for name in _BAD}
    named = ", ".join(f"{number} {name}" for name, number in others.items() if number)
    yield _line(
        "kills, interrupts, threads, full disks, crafted files",
        f"{total['attacks']} attacks in {total['rounds']:,} rounds: {good:,} right or refused, "
        f"others: {named or 'none'}",
        at,
    )
    (wrong,) = (row for row in rows(at, "method", "impossible") if row["method"] == "all")
    cases = sum(int(wrong[name]) for name in ("impossible", "refused", "right"))
    yield _line("wrong and odd data", f"{cases:,} cases, none with a wrong result", at)
    at = "benchmarks/fuzzing.md"
    files, numbers = (
        row for row in rows(at, "target", "inputs", "wrong") if row["target"] == "all"
    )
    for what, row in (("mutated files", files), ("numbers in configs", numbers)):
        inputs = int(row["inputs"])
        good = int(row["read"]) + int(row["refused"])
        yield _line(what, f"{inputs:,} inputs: {good:,} read or refused, {inputs - good} other", at)
    at = "benchmarks/safety.md"
    cases, programs, failed = find(at, r"(\d+) cases with (\d+) programs ran; (\d+) failed")
    yield _line(
        "random programs with the options of the compiler",
        f"{cases:,} cases, {programs:,} programs: {failed} failed",
        at,
    )


def times() -> list[Row]:
    """Returns the rows of the benchmarks that are times, by their tasks."""
    table = rows(RESULTS, "task", "unit", "cornu", "keras-jax")
    return [row for row in table if row["unit"] in ("s", "ms", "ms/step")]


def _times() -> Iterator[str]:
    yield f"| task | {' | '.join(LIBRARIES.values())} |"
    yield f"| --- |{' ---: |' * len(LIBRARIES)}"
    faster = {library: [0, 0] for library in LIBRARIES}
    for row in times():
        cells = []
        for library in LIBRARIES:
            if row[library] == "-":
                cells.append("-")
                continue
            ratio = number(row[library]) / number(row["cornu"])
            cells.append(f"{ratio:.2g}" if ratio < 99.5 else f"{ratio:.0f}")
            faster[library][0] += ratio > 1
            faster[library][1] += 1
        yield f"| {row['task']} | {' | '.join(cells)} |"
    ends = [f"{won} of {measured}" for won, measured in faster.values()]
    yield f"| **cornu is faster in** | {' | '.join(ends)} |"
