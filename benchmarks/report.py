"""The page of results, and one line of history for each run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks import formulations, sharing
from benchmarks.measure import SETTINGS, Result
from benchmarks.peers import PEERS
from benchmarks.tasks import TASKS, Task

__all__ = ["Run", "Setting", "page", "save", "setting", "table"]

_FOLDER = Path(__file__).parent
# Measured by programs of their own, which say what they print: kills, resume, soak.
_RELIABILITY = _FOLDER / "reliability.md"
_PACKAGES = ("jax", "jaxlib", "keras", "flax", "torch", "tensorflow-cpu", "numpy", "optax")
# Variables that decide on memory and threads; a library that is preloaded replaces malloc.
_PREFIXES = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "XLA_", "JAX_", "OMP_")
# Losses of runs with other random numbers are this close.
_CLOSE = 0.05


@dataclass(frozen=True)
class Setting:
    """Where and how a run was made."""

    date: str
    versions: Mapping[str, str]
    machine: str
    cores: int
    device: str
    load: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """One run: how it was made, the results by task and peer, of sharing blocks, and of ops."""

    setting: Setting
    rounds: int
    quick: bool
    results: Mapping[str, Mapping[str, Result]]
    blocks: Mapping[str, Mapping[str, sharing.Sample]] = field(default_factory=dict)
    ops: Mapping[str, formulations.Pair] = field(default_factory=dict)


def setting() -> Setting:
    """Returns the setting of a run that begins now."""
    message = {k: Path(v).name for k, v in os.environ.items() if k.startswith(_PREFIXES)}
    code = "import jax; print(len(jax.devices()), 'x', jax.devices()[0].device_kind)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return Setting(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        versions={"python": platform.python_version()}
        | {name: metadata.version(name) for name in _PACKAGES},
        machine=f"{platform.system()} {platform.machine()}, {_processor()}",
        cores=len(os.sched_getaffinity(0)),
        device=result.stdout.strip(),
        load=os.getloadavg()[0],
        environment=message | SETTINGS,
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def table(results: Mapping[str, Mapping[str, Result]]) -> str:
    """Returns the results as a Markdown table."""
    head = ["task", "unit", *PEERS, "cornu : best peer", "target", "losses"]
    rows = [head, ["---"] * len(head)]
    rows += [_row(TASKS[name], found) for name, found in results.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(task: Task, found: Mapping[str, Result]) -> list[str]:
    values = {peer: r.value for peer, r in found.items() if r.value is not None}
    ours = values.pop("cornu", None)
    best = min(values.values(), default=0.0)
    ratio = f"{ours / best:.2f}" if ours is not None and min(ours, best) > 0 else "-"
    cells = [_cell(found.get(peer)) for peer in PEERS]
    return [task.title, task.unit, *cells, ratio, _verdict(task, ours, values), _losses(found)]


def _cell(result: Result | None) -> str:
    if result is None:
        return "-"
    return "failed" if result.value is None else _digits(result.value)


def _digits(value: float) -> str:
    """Returns three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def _verdict(task: Task, ours: float | None, values: Mapping[str, float]) -> str:
    if task.target is None:
        return ""
    text = f"<= {task.target.text(task.unit)}"
    limit = task.target.limit(values)
    if ours is None or limit is None:
        return text
    return f"{text}: {'met' if ours <= limit else f'missed ({_digits(limit)})'}"


def _losses(found: Mapping[str, Result]) -> str:
    losses = {peer: r.loss for peer, r in found.items() if r.loss is not None}
    if not losses:
        return ""
    apart = max(losses.values()) - min(losses.values()) > _CLOSE * abs(min(losses.values()))
    shown = " / ".join(f"{losses[peer]:.3f}" if peer in losses else "-" for peer in PEERS)
    return f"{shown} (differ)" if apart else shown


def page(run: Run) -> str:
    """Returns the whole page."""
    about = run.setting
    versions = ", ".join(f"{name} {version}" for name, version in about.versions.items())
    environment = ", ".join(f"`{k}={v}`" for k, v in sorted(about.environment.items()))
    return f"""# Results

Written by `make bench`; edits are lost. How to read the table: below it.

- {about.date}{", a quick run" if run.quick else ""}; {run.rounds} rounds
- {versions}
- {about.machine}, {about.cores} cores; device: {about.device}; load when it began: {about.load:.1f}
- set for all peers alike: {environment}; apart from that the allocator is the system's, and
  threads are as many as XLA takes by itself

{table(run.results)}

A process for each task and peer, whose rounds take turns; a value is the median over the rounds
of the best epoch. `keras-*` are Keras on its backends with the same program as cornu; `torch` is
eager PyTorch with its own modules; `jax` and `nnx` are hand-written loops with optax that call one
jitted step for each batch of NumPy arrays. Weights, data, batch size and optimizer are the same,
and all compute accuracy. `losses` are those of the peers in the order of the columns after equally
many steps from the same weights: nobody is fast by being wrong (torch's ResNet-18 pads otherwise
where it strides). Only ratios of one run mean something: machines swing. Cold steps come after the
imports, with nothing compiled before.
{_blocks(run)}{_ops(run)}
{_RELIABILITY.read_text(encoding="utf-8")}"""


def _blocks(run: Run) -> str:
    if not run.blocks:
        return ""
    return f"""
## Equal blocks: traced once, or inlined

A training step with Adam, traced to a jaxpr, lowered to StableHLO (lines of text) and compiled, in
a process for each; medians of {run.rounds} rounds that take turns. XLA inlines the calls, so that
its own time and the step hardly change; the losses after eight steps are those of the same seed.

{sharing.table(run.blocks)}
"""


def _ops(run: Run) -> str:
    if not run.ops:
        return ""
    return f"""
## Ops: the plain formulation, and cornu's

Value and gradients, compiled, in turns in one process; "plain" is XLA's or JAX's own. The plain
convolutions have XLA's own options, all others those that cornu gives.

{formulations.table(run.ops)}
"""


def save(run: Run) -> None:
    """Writes RESULTS.md, and adds a line to history.jsonl."""
    (_FOLDER / "RESULTS.md").write_text(page(run), encoding="utf-8")
    results = {
        task: {peer: {"value": r.value, "loss": r.loss} for peer, r in found.items()}
        for task, found in run.results.items()
    }
    blocks = {n: {w: asdict(s) for w, s in by_way.items()} for n, by_way in run.blocks.items()}
    line = {**asdict(run.setting), "rounds": run.rounds, "quick": run.quick, "results": results}
    line["blocks"] = blocks
    line["ops"] = {name: pair._asdict() for name, pair in run.ops.items()}
    with (_FOLDER / "history.jsonl").open("a", encoding="utf-8") as file:
        print(json.dumps(line), file=file)
