"""The report: how many cases ran, how far they were from exact, and what failed."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.safety.processes import Outcome

__all__ = ["Run", "failures", "page", "repeat", "table"]

_PACKAGES = ("jax", "jaxlib", "numpy")
_FAILED = ("wrong", "crashed", "hung")
_DTYPES = ("float32", "bfloat16", "float16")
# What is counted in a case of calls, and the heading of its column.
_COUNTS = {
    "calls": "calls",
    "deleted": "models deleted",
    "inline": "first calls of inline programs",
    "read": "programs read from the cache",
}


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        outcomes: of all cases except the controls.
        seed: of the cases.
        options: XLA's options that were added.
        seconds: how long it took.
        command: what started it.
        kinds: those that were selected; empty for all.
    """

    outcomes: Sequence[Outcome]
    seed: int
    options: str
    seconds: float
    command: str
    kinds: tuple[str, ...] = ()


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Returns the outcomes of cases that did not pass."""
    return [outcome for outcome in outcomes if outcome.status in _FAILED]


def repeat(outcome: Outcome, seed: int = 0, options: str = "") -> str:
    """Returns the command that runs a case again, with the same setting."""
    kind, number = outcome.job
    more = f" --seed {seed}" if seed else ""
    more += f' --options "{options}"' if options else ""
    return f"python -m benchmarks.safety --kind {kind} --case {number}{more}"


def table(outcomes: Sequence[Outcome]) -> str:
    """Returns a Markdown table with a row for each kind, and one for all."""
    rows = [
        ["kind", "cases", "programs", *(f"error {name}" for name in _DTYPES)],
        ["---", "---:", "---:", *["---:"] * len(_DTYPES)],
    ]
    rows[0] += ["by plain", "wrong", "crashed", "hung", "seconds"]
    rows[1] += ["---:"] * 5
    for kind in dict.fromkeys(outcome.job.kind for outcome in outcomes):
        rows.append(_row(kind, [o for o in outcomes if o.job.kind == kind]))
    rows.append(_row("all", outcomes))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    found = [outcome.finding for outcome in outcomes]
    by_plain = sum(bool(finding.get("by_plain")) for finding in found)
    return [
        name,
        str(len(outcomes)),
        str(sum(finding.get("programs", 0) for finding in found)),
        *(_largest(outcomes, dtype) for dtype in _DTYPES),
        str(by_plain),
        *(str(sum(o.status == status for o in outcomes)) for status in _FAILED),
        f"{sum(o.seconds for o in outcomes):.0f}",
    ]


def _largest(outcomes: Sequence[Outcome], dtype: str) -> str:
    ratios = [o.finding.get("ratio") for o in outcomes if o.dtype == dtype]
    known = [float(ratio) for ratio in ratios if ratio is not None]
    return f"{max(known):.2f}" if known else "-"


def _settings(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "| setting | cases | failed | threads counted | heap checks | memory kept |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for setting in dict.fromkeys(outcome.setting for outcome in outcomes):
        these = [outcome for outcome in outcomes if outcome.setting == setting]
        message = next((o.process for o in these if o.process), {})
        checked, kept = (
            {True: "yes", False: "no"}.get(message.get(name), "?") for name in ("checks", "keep")
        )
        lines.append(
            f"| {setting.describe()} | {len(these)} | {len(failures(these))} "
            f"| {message.get('threads', '?')} | {checked} | {kept} |"
        )
    return "\n".join(lines)


def _calls(outcomes: Sequence[Outcome]) -> str:
    """Returns the table of calls of inline programs, an empty string if there were none."""
    counted = [outcome for outcome in outcomes if outcome.finding.get("counts")]
    if not counted:
        return ""
    columns = ["setting", "cases", "failed", *_COUNTS.values()]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    for setting in dict.fromkeys(outcome.setting for outcome in counted):
        rows.append(_counts(setting.describe(), [o for o in counted if o.setting == setting]))
    rows.append(_counts("all", counted))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n"


def _counts(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    sums = (sum(o.finding["counts"][count] for o in outcomes) for count in _COUNTS)
    return [name, str(len(outcomes)), str(len(failures(outcomes))), *map(str, sums)]


def _covers(run: Run, title: str) -> bool:
    """Returns whether a run has all kinds of the section with a title."""
    kinds = title.removeprefix("Kinds ")
    return kinds != title and set(kinds.split(", ")) <= set(run.kinds)


_INTRODUCTION = """# Safety of compiler options and formulations

Generated by `python -m benchmarks.safety --save`; do not edit. A run of some kinds has a section of
its own, which replaces those of earlier runs of these kinds or some of them.

A case is a random program of random sizes: the value and the gradient with respect to each array of
floats. Each compiled program of it runs three times and must return the same bits. `programs`
counts the compiled programs: one with the options that cornu chooses, and one for each row of
`cornu.deviations` with compiler options that are not among them. `error` is the largest error
divided by the bound, so that 1 is the limit. The bound is relative to the same function in
float64: 32 epsilons of the dtype for float32, 4 for bfloat16, 8 for float16. Where it is exceeded,
as where large numbers cancel, four times the error of the plain program in the same dtype decides,
compiled without XLA's library YNNPACK; `by plain` counts these cases. Of whole models the losses,
the predictions and the changes of all weights are compared with those of the same program without
cornu's deviations: 1e-3 of the largest value of each array. A model that exceeds it runs again, and
is not wrong if its results agree with those of the plain program from initial weights that were
changed by rounding: gradients jump where an argument of relu is zero. `by plain` counts these, too.

Cases of the kind inline call two to four random models, from up to eight threads at once, by
`model(x)`, `predict` and `predict_on_batch`, with random numbers of rows. A thread deletes models
while others call them. Each output must have the bits of the same call in a process with
`CORNU_DISABLE=inline_programs`. These processes have no cache of JAX, with which no program is
inline; half of them read their programs from the cache of cornu.

The cases of each kind are divided among the settings. Heap checks are those of glibc
(`MALLOC_CHECK_=3`, `MALLOC_PERTURB_=165`). `busy` means that another process multiplies matrices on
all cores; `AVX2`, that XLA and oneDNN (of which Eigen uses parts) do without AVX-512; `memory
kept`, the settings of `CORNU_ALLOCATOR=keep`, where the others have those of `memory_reuse`.
Programs of operations are compiled beforehand, by processes without heap checks, and read from
JAX's cache. Before the cases, the run verifies that a write behind the end of a block is reported
as a crash, a case that does not return as a hang, and a wrong number as wrong.
"""


def page(run: Run, before: str = "") -> str:
    """Returns the whole report as Markdown.

    Args:
        run: the run.
        before: the page with earlier runs, whose sections are kept unless the run is of all kinds.
    """
    title = f"Kinds {', '.join(run.kinds)}" if run.kinds else "All kinds"
    sections = dict(section.split("\n", 1) for section in re.split(r"(?m)^## ", before)[1:])
    kept = {
        name: text for name, text in sections.items() if name == title or not _covers(run, name)
    }
    sections = (kept if run.kinds else {}) | {title: f"\n{_section(run)}"}
    parts = (f"## {name}\n{text.rstrip()}\n" for name, text in sections.items())
    return "\n".join([_INTRODUCTION, *parts])


def _section(run: Run) -> str:
    outcomes, failed = run.outcomes, failures(run.outcomes)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    count = sum(outcome.finding.get("programs", 0) for outcome in outcomes)
    added = f"- XLA's options added to all programs: `{run.options}`\n" if run.options else ""
    return f"""Command: `{run.command}`

- {len(outcomes)} cases with {count} programs ran; {len(failed)} failed; {run.seconds:.0f} s
- {datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}; Python {platform.python_version()}, {versions}
- {platform.system()} {platform.machine()}, {_processor()}; seed {run.seed}
{added}
{table(outcomes)}

{_settings(outcomes)}

{_calls(outcomes)}{_failures(failed, run)}"""


def _failures(failed: Sequence[Outcome], run: Run) -> str:
    if not failed:
        return "No case failed.\n"
    lines = ["Failed:", ""]
    for outcome in failed:
        lines.append(f"- {outcome.status}: {outcome.text or outcome.job.kind}")
        lines.append(f"  ({outcome.setting.describe()})")
        lines.append(f"  `{repeat(outcome, run.seed, run.options)}`")
        details = "\n".join(outcome.details)[:1000].splitlines()
        lines += ["", "  ```", *(f"  {line}" for line in details), "  ```", ""]
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
