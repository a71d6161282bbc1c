"""Profiles of training steps: milliseconds by kind of operation, beside PyTorch, and the bounds.

`python -m benchmarks.profiles` measures each model and library in a process of its own, and writes
profiles.md. Convolutions of XLA run on other threads, whose work its profiler does not show: they
are the rest of the step.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import report
from benchmarks.measure import SETTINGS
from benchmarks.models import CASES
from benchmarks.report import Setting

__all__ = ["KINDS", "LIBRARIES", "kind_of", "main", "page"]

_ROOT = Path(__file__).parents[1]
_PAGE = Path(__file__).with_name("profiles.md")
_BATCHES, _ROUNDS, _TRACED = 8, 12, 4
_SIZE = 1536  # rows and columns of the product that measures the rate

# Kinds of operations, with the names of the operations of each library; the first that matches.
KINDS: dict[str, dict[str, str]] = {
    "convolutions": {"cornu": r"conv(?!ert)", "torch": r"conv"},
    "products": {
        # In XLA's fusions for YNNPACK, products take the most time; they include reductions.
        "cornu": r"ynn|dot",
        "torch": r"addmm|bmm|aten::mm|matmul|linear|attention",
    },
    "recurrent kernel": {"cornu": r"$^", "torch": r"lstm|rnn"},
    "normalization": {"cornu": r"$^", "torch": r"norm"},
    "pooling": {"cornu": r"$^", "torch": r"pool"},
    "copies, transpositions": {
        "cornu": r"transpose|copy|concatenate|slice|gather|pad|reverse",
        "torch": r"copy|cat|contiguous|index|clone|stack",
    },
    "optimizer": {"cornu": r"$^", "torch": r"optimizer|_foreach|addcdiv|addcmul|lerp"},
    "elementwise": {"cornu": r"", "torch": r""},
}
LIBRARIES = ("cornu", "torch")
Times = dict[str, float]


def kind_of(library: str, operation: str) -> str:
    """Returns the kind of an operation.

    Args:
        library: "cornu" or "torch".
        operation: its name in the profile.
    """
    name = operation.lower()
    return next(kind for kind, names in KINDS.items() if re.search(names[library], name))


# --------------------------------------------------------------------------- what a process does


def _best(run: Callable[[], Any]) -> float:
    """Returns the least milliseconds of a step."""
    taken = []
    for _ in range(_ROUNDS):
        begin = perf_counter()
        run()
        taken.append(1e3 * (perf_counter() - begin) / _BATCHES)
    return min(taken)


def _cornu(name: str) -> dict[str, Any]:
    import jax
    from jax.profiler import ProfileData

    import cornu

    case = CASES[name]
    model = case.build(cornu)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = case.data(_BATCHES)

    def run() -> None:
        model.fit(x, y, batch_size=case.batch_size, shuffle=False, verbose=0)

    run()
    step = _best(run)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(_TRACED):
                run()
        (path,) = Path(folder).rglob("*.xplane.pb")
        taken = _by_operation(ProfileData.from_file(str(path)))
    times: defaultdict[str, float] = defaultdict(float)
    for operation, milliseconds in taken.items():
        if not operation.startswith(("while", "call", "conditional")):  # which contain others
            times[kind_of("cornu", operation)] += milliseconds
    rest = step - sum(ms for kind, ms in times.items() if kind != "convolutions")
    times["convolutions" if "convolutions" in times else "between operations"] = max(rest, 0.0)
    return {"step": step, "times": times}


def _by_operation(profile: Any) -> Times:
    """Returns the milliseconds per step of each operation of XLA."""
    taken: defaultdict[str, float] = defaultdict(float)
    for plane in profile.planes:
        for line in plane.lines:
            for event in line.events:
                if any(name == "hlo_op" for name, _ in event.stats):
                    taken[event.name] += event.duration_ns / 1e6 / _TRACED / _BATCHES
    return taken


def _torch(name: str) -> dict[str, Any]:
    import torch

    from benchmarks.peers.torched import Loop, load_data

    loop = Loop(name, lambda model: model)
    x, y = load_data(name, _BATCHES)
    loop.epoch(x, y)
    step = _best(lambda: loop.epoch(x, y))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for _ in range(_TRACED):
            loop.epoch(x, y)
    times: defaultdict[str, float] = defaultdict(float)
    for event in profile.key_averages():
        milliseconds = event.self_cpu_time_total / 1e3 / _TRACED / _BATCHES
        times[kind_of("torch", event.key)] += milliseconds
    # The profiler makes short operations longer; what it adds is not shown.
    scale = min(1.0, step / sum(times.values()))
    return {"step": step, "times": {kind: scale * ms for kind, ms in times.items()}}


def _bounds(name: str) -> dict[str, Any]:
    """Returns the work of products and convolutions in a step, and the rate of a large product."""
    import jax
    import jax.numpy as jnp

    from benchmarks.peers.plain import divide_weights
    from benchmarks.peers.plain_models import FORWARDS
    from cornu.inspect.profile.primitive_flops import PRODUCTS, count_flops

    case = CASES[name]
    x, y = case.data(1)
    params, state = divide_weights(case.start())

    def loss(params: Any, x: Any) -> Any:
        logits, _ = FORWARDS[name](params, state, x, jax.random.key(0))
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()

    jaxpr = jax.make_jaxpr(jax.grad(loss))(params, x)
    square = jnp.ones((_SIZE, _SIZE))
    multiply = jax.jit(jnp.matmul)
    jax.block_until_ready(multiply(square, square))
    taken = []
    for _ in range(_ROUNDS):
        begin = perf_counter()
        jax.block_until_ready(multiply(square, square))
        taken.append(perf_counter() - begin)
    flops = count_flops(jaxpr.jaxpr, PRODUCTS)[""]
    return {"flops": flops, "rate": 2 * _SIZE**3 / min(taken)}


# --------------------------------------------------------------------------- the page

_PROCESSES: dict[str, Callable[[str], dict[str, Any]]] = {
    "cornu": _cornu,
    "torch": _torch,
    "bounds": _bounds,
}


def _run(what: str, name: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.profiles", "--run", what, name],
        env={**os.environ, **SETTINGS},
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def page(setting: Setting, found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Returns the page.

    Args:
        setting: how it was measured.
        found: what the processes returned, by model and process.
    """
    versions = ", ".join(f"{package} {version}" for package, version in setting.versions.items())
    parts = [
        f"""# Profiles of training steps

Generated by `python -m benchmarks.profiles`; do not edit.

- {setting.date}; {versions}
- {setting.machine}, {setting.cores} cores

Milliseconds of a step with Adam by kind of operation, by the clock, in cornu and in eager PyTorch.
`step` is the best epoch without a profiler. XLA fuses the operations of normalization, pooling and
the optimizer with others: they are in "elementwise", sums among them in "products". Its
convolutions run on other threads, whose work its profiler does not show: they are the rest of the
step. Operations that run at the same time count in full, so that a sum may exceed the step. `bound`
is the time of all products and convolutions at the rate of a product of two square matrices of
{_SIZE} rows on all cores; a recurrent loop has no products that large.
"""
    ]
    for name, results in found.items():
        parts.append(_section(name, results))
    return "\n".join(parts)


def _section(name: str, results: Mapping[str, Mapping[str, Any]]) -> str:
    bounds = results["bounds"]
    bound = 1e3 * bounds["flops"] / bounds["rate"]
    rows = [["step", *(f"{results[one]['step']:.2f}" for one in LIBRARIES)]]
    for kind in (*KINDS, "between operations"):
        times = [results[one]["times"].get(kind, 0.0) for one in LIBRARIES]
        if max(times) >= 0.005 * results["cornu"]["step"]:
            rows.append([kind, *(f"{ms:.2f}" if ms else "-" for ms in times)])
    work = f"{bounds['flops'] / 1e9:.2f} GFLOP at {bounds['rate'] / 1e9:.0f} GFLOP/s"
    rows.append([f"bound: {work}", *[f"{bound:.2f}"] * len(LIBRARIES)])
    lines = [["", *LIBRARIES], ["---", *["---:"] * len(LIBRARIES)], *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {name}\n\n{table}\n"


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.profiles", description=__doc__)
    parser.add_argument("--run", nargs=2, metavar=("PROCESS", "MODEL"), help="for its processes")
    given = parser.parse_args()
    if given.run:
        what, name = given.run
        print(json.dumps(_PROCESSES[what](name)))
        return
    found = {name: {what: _run(what, name) for what in _PROCESSES} for name in CASES}
    _PAGE.write_text(page(report.setting(), found), encoding="utf-8")


if __name__ == "__main__":
    main()
