"""The process that runs cases: it prints a line of JSON before and after each of them.

It reads one request, a line of JSON: the jobs (kinds with numbers), the seed, the folder for
results that are known beforehand (of plain models, of operations in float64), whether these are to
be stored there or compared with, and the changes of the weights that plain models are trained from.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.safety.processes import Job, expected_path

if TYPE_CHECKING:
    import numpy as np

    from benchmarks.safety.checks import Finding

__all__ = ["main"]

# Compiled programs take memory.
_CLEAR_AFTER = 25
_THREADS = "tf_XLAEigen"


def main() -> None:
    """Runs the jobs of a request."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    request = json.loads(sys.stdin.readline())

    def say(**what: Any) -> None:
        print(json.dumps(what), file=answers, flush=True)

    say(event="ready", **_describe())
    import jax

    for count, (kind, number) in enumerate(request["jobs"], 1):
        say(event="started")
        try:
            say(event="done", **asdict(_do(kind, number, request, say)))
        except Exception as error:
            trace = traceback.format_exc(limit=-3)
            say(event="done", wrong=[f"{type(error).__name__}: {error}", trace])
        if count % _CLEAR_AFTER == 0:
            jax.clear_caches()


def _describe() -> dict[str, Any]:
    """Starts JAX and returns what can be verified: heap checks, threads, memory keeping."""
    import jax
    import jax.numpy as jnp

    jax.block_until_ready(jax.jit(lambda x: x @ x)(jnp.ones((300, 300))))
    return {"checks": _has_heap_checks(), "threads": _count_threads(), "keep": _keeps_memory()}


def _keeps_memory() -> bool:
    """Returns whether large arrays are allocated in the heap, which reuses their memory."""
    import numpy as np

    # More than memory_reuse leaves free in the heap, and above its threshold for mmap.
    array = np.empty((1 << 28) + (1 << 25), "uint8")
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        low, high = (int(end, 16) for end in line.split()[0].split("-"))
        if low <= array.ctypes.data < high:
            return line.endswith("[heap]")
    return False


def _has_heap_checks() -> bool:
    return "libc_malloc_debug" in Path("/proc/self/maps").read_text(encoding="utf-8")


def _count_threads() -> int:
    """Returns how many threads XLA computes with."""
    names = [(task / "comm").read_text("utf-8") for task in Path("/proc/self/task").iterdir()]
    return sum(name.startswith(_THREADS) for name in names)


def _do(kind: str, number: int, request: dict[str, Any], say: Callable[..., None]) -> Finding:
    from benchmarks.safety import calls, checks, controls, operations

    path = expected_path(request["folder"], Job(kind, number))
    seed, stores = request["seed"], request["store"]
    if kind in controls.CONTROLS:
        return controls.CONTROLS[kind]()
    if kind in operations.KINDS:
        case = operations.make(kind, number, seed)
        say(event="made", text=case.text, dtype=case.dtype)
        if not stores:
            return checks.check(case, kind, number, seed, path)
        checks.prepare(case, kind, number, seed, path)
        return checks.Finding()
    if kind == calls.KIND:
        inline = calls.make(number, seed)
        say(event="made", text=inline.text)
        if not stores:
            return _compare(path, lambda plain: calls.check(inline, plain))
        checks.store(path, calls.reference(inline))
        return checks.Finding()
    return _do_model(Job(kind, number), request, say)


def _do_model(job: Job, request: dict[str, Any], say: Callable[..., None]) -> Finding:
    from benchmarks.safety import checks, models

    def make() -> models.Training:
        training = models.make(job.kind, job.number, request["seed"])
        say(event="made", text=training.text, dtype="float32")
        return training

    paths = {n: expected_path(request["folder"], job, n) for n in request["changes"]}
    if request["store"]:
        for change, path in paths.items():
            checks.store(path, models.train(make(), change))
        return checks.Finding(programs=1)
    found = models.train(make())
    path, *others = paths.values()
    changed = [plain for plain in map(checks.load, others) if plain is not None]
    return _compare(path, lambda plain: models.check(found, [plain, *changed]))


def _compare(path: Path, check: Callable[[list[np.ndarray]], Finding]) -> Finding:
    """Returns the result of a comparison with what the plain program has stored."""
    from benchmarks.safety import checks

    plain = checks.load(path)
    if plain is None:
        return checks.Finding(wrong=["the plain program did not run to its end"])
    return check(plain)


if __name__ == "__main__":
    main()
