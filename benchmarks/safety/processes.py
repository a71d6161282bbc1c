"""Processes that run cases: their environment, their limits of time, and what ends them."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = [
    "INLINE_SETTINGS",
    "SETTINGS",
    "Job",
    "Limits",
    "Outcome",
    "Role",
    "Setting",
    "busy",
    "expected_path",
    "run",
]

_ROOT = Path(__file__).parents[2]
_CHECKER = "libc_malloc_debug.so.0"
# Memory of a process grows with the programs that it compiled or read.
_RECYCLE = 400
_START, _END = 120.0, 60.0
_TAIL = 12
_NOISE = ("  File ", "Extension modules", "Thread 0x", "Current thread")

# The environment of the shell must not affect the tests.
_REMOVED = ("CORNU_", "JAX_", "XLA_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "ONEDNN_", "NPROC")
_FIXED = {
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "CORNU_COMPILATION_CACHE": "off",
    "PYTHONFAULTHANDLER": "1",
}
# What glibc checks when memory is freed, and a byte that new and freed memory is filled with.
_HEAP_CHECKS = {"LD_PRELOAD": _CHECKER, "MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
# What memory reuse and memory keeping set. Under the heap checks it cannot be set by mallopt, which
# then is another library's, and cornu does not try where an allocator is configured already.
_REUSE = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**29)}
_KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_ARENA_MAX": "1"}
_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}
_CACHE = {
    "JAX_ENABLE_COMPILATION_CACHE": "true",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
_PLAIN = {"CORNU_DISABLE": "all", "CORNU_COMPILER_OPTIONS": "off"}

# It ends with its parent, or after two hours.
_BUSY = """
import os, time, numpy as np
end, parent, x = time.monotonic() + 7200, os.getppid(), np.ones((400, 400), "float32")
while time.monotonic() < end and os.getppid() == parent:
    for _ in range(50):
        x = x @ x * 0.0025
"""


class Job(NamedTuple):
    """A case: a kind of operation, a family of models or a control, and the number of the case."""

    kind: str
    number: int


Role = Literal["checked", "compiling", "plain", "threaded"]
Cache = Literal["JAX", "cornu", "none"]


def expected_path(folder: str, job: Job, change: int = 0) -> Path:
    """Returns where the results are stored that a case is compared with.

    Args:
        folder: for all results.
        job: the case.
        change: the number of a change of the weights of a model; 0 for none.
    """
    name = f"{job.kind}-{job.number}"
    return Path(folder, f"{name}-changed-{change}.npz" if change else f"{name}.npz")


class Setting(NamedTuple):
    """What a process runs with.

    Attributes:
        threads: how many threads XLA computes with.
        busy: whether another process computes on all cores.
        keep: whether memory is kept for the next step, as by `CORNU_ALLOCATOR=keep`; otherwise it
            is reused, as by default.
        avx2: whether XLA and oneDNN (of which Eigen uses parts) do without AVX-512 instructions:
            the option that corrupted memory did so on processors without them.
        role: "checked", or what runs before without heap checks: "compiling" the programs of
            operations, "plain", models without cornu's deviations, or "threaded", calls without
            inline programs.
        cache: which cache programs are read from. With JAX's, there are no inline programs.
    """

    threads: int
    busy: bool
    keep: bool
    avx2: bool
    role: Role = "checked"
    cache: Cache = "JAX"

    def describe(self) -> str:
        """Returns a description of the setting."""
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        load = "busy" if self.busy else "alone"
        words = f"{threads}, {load}{', memory kept' * self.keep}{', AVX2' * self.avx2}"
        words += {"JAX": "", "cornu": ", cornu's cache", "none": ", no cache"}[self.cache]
        return words if self.role == "checked" else f"{self.role}, {words}"


# The first ones are what a quick run takes.
SETTINGS = (
    Setting(2, busy=False, keep=False, avx2=True),
    Setting(4, busy=True, keep=True, avx2=False),
    Setting(1, busy=False, keep=True, avx2=False),
    Setting(1, busy=True, keep=False, avx2=True),
    Setting(4, busy=False, keep=False, avx2=True),
    Setting(2, busy=True, keep=True, avx2=False),
)
_CACHES: tuple[Cache, ...] = ("none", "cornu")
# All of them with each cache, those with one between those with the other.
INLINE_SETTINGS = tuple(
    setting._replace(cache=_CACHES[(number + shift) % 2])
    for shift in range(2)
    for number, setting in enumerate(SETTINGS)
)


class Limits(NamedTuple):
    """Seconds after which a case counts as hung: an operation, a model."""

    operation: float = 60.0
    model: float = 180.0


_LIMITS = Limits()


@dataclass
class Outcome:
    """What became of a case.

    Attributes:
        job, setting: what ran, and how.
        status: "passed", "wrong", "crashed" or "hung".
        text, dtype: what the case is, as far as it was made.
        finding: the fields of `checks.Finding`.
        details: what is wrong, or the last lines that the process printed.
        seconds: how long it took.
        process: what the process reported when it started.
    """

    job: Job
    setting: Setting
    status: str = "passed"
    text: str = ""
    dtype: str = ""
    finding: dict[str, Any] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0
    process: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def busy(on: bool) -> Iterator[None]:
    """Runs a background process that multiplies matrices on all cores."""
    if not on:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", _BUSY]) as process:
        try:
            yield
        finally:
            process.kill()


def run(
    jobs: Sequence[Job],
    setting: Setting,
    *,
    folder: str,
    seed: int = 0,
    options: str = "",
    limits: Limits = _LIMITS,
    models: frozenset[str] = frozenset(),
    changes: Sequence[int] = (0,),
) -> Iterator[Outcome]:
    """Runs jobs, in a new process after each crash or hang; yields what became of each.

    Args:
        jobs: cases.
        setting: what they run with; a busy process is not started here.
        folder: where results that are known beforehand are, and compiled programs; no program is
            kept if it is empty.
        seed: of the run.
        options: XLA's options to be added, as in `CORNU_COMPILER_OPTIONS`.
        limits: seconds for a case.
        models: the kinds that are models.
        changes: numbers of changes of the weights of plain models, which are trained from these
            weights, or with which models are compared; see `models.train`.
    """
    left = list(jobs)
    while left:
        batch = left[:_RECYCLE]
        request = {
            "jobs": batch,
            "seed": seed,
            "folder": folder,
            "store": setting.role != "checked",
            "changes": list(changes),
        }
        with (
            tempfile.TemporaryFile() as errors,
            _Worker(setting, options, folder, errors) as worker,
        ):
            worker.send(request)
            process = worker.receive(_START)
            problem = _compare_process(process, setting)
            for job in batch:
                limit = limits.model if job.kind in models else limits.operation
                outcome = Outcome(job, setting, process=process or {})
                alive = process is not None and worker.follow(outcome, limit)
                if process is None:
                    outcome.status, outcome.details = worker.post_mortem(_START)
                elif alive and job is batch[-1]:
                    worker.finish(outcome)
                if problem and outcome.status == "passed":
                    outcome.status, outcome.details = "wrong", [problem]
                del left[0]
                yield outcome
                if not alive:
                    break


class _Worker:
    """A process that runs cases, and the lines that it prints."""

    def __init__(self, setting: Setting, options: str, folder: str, errors: Any) -> None:
        self._errors = errors
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.safety.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_environment(setting, options, folder),
            cwd=_ROOT,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            # Waits for it and closes the pipes.
            self._process.__exit__(None, None, None)

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def send(self, request: dict[str, Any]) -> None:
        """Writes the request; an ended process is detected when its answer is read."""
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def receive(self, limit: float) -> dict[str, Any] | None:
        """Returns the next line, None if the process ended or the time is over."""
        try:
            line = self._lines.get(timeout=max(limit, 0.0))
        except queue.Empty:
            return None
        if line is None or not line.endswith("\n"):  # it ended, perhaps within a line
            self._ended = True
            return None
        return json.loads(line)

    def finish(self, outcome: Outcome) -> None:
        """Waits for the process to exit: corrupted memory may be detected only then."""
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            outcome.status, outcome.details = "hung", [f"no exit after {_END:g} s", *self._tail()]
            return
        if self._process.returncode:
            outcome.status, outcome.details = self.post_mortem(_END)

    def follow(self, outcome: Outcome, limit: float) -> bool:
        """Fills an outcome while its case runs; returns whether the process can run the next."""
        begin = time.monotonic()
        while True:
            line = self.receive(begin + limit - time.monotonic())
            outcome.seconds = time.monotonic() - begin
            if line is None:
                outcome.status, outcome.details = self.post_mortem(limit)
                return False
            outcome.text = line.get("text", outcome.text)
            outcome.dtype = line.get("dtype", outcome.dtype)
            if line["event"] == "done":
                outcome.finding = line
                outcome.details = line["wrong"]
                outcome.status = "wrong" if line["wrong"] else "passed"
                return True

    def post_mortem(self, limit: float) -> tuple[str, list[str]]:
        """Ends the process, and returns whether it crashed or hung, and what it printed last."""
        try:
            # A pipe that was closed is that of a process about to end; writing a core takes time.
            self._process.wait(_END if self._ended else 1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "hung", [f"no result after {limit:g} s", *self._tail()]
        return "crashed", [f"exit code {self._process.returncode}", *self._tail()]

    def _tail(self) -> list[str]:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        # Not the stack and the modules, which faulthandler adds to the message.
        return [line for line in lines if line and not line.startswith(_NOISE)][-_TAIL:]


def _environment(setting: Setting, options: str, folder: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_REMOVED)}
    environment = kept | _FIXED
    if setting.avx2:
        environment |= _AVX2
    if setting.role == "plain":
        return environment | _PLAIN
    # XLA reads it instead of counting the cores; programs are divided for so many threads, which
    # JAX's cache does not tell apart.
    environment["NPROC"] = str(setting.threads)
    if folder:
        environment |= _cache(setting, f"{folder}/{setting.threads}-{setting.avx2}")
    if options:
        environment["CORNU_COMPILER_OPTIONS"] = options
    if setting.role == "threaded":
        return environment | {"CORNU_DISABLE": "inline_programs"}
    if setting.role == "compiling":
        return environment
    environment |= _KEEP if setting.keep else _REUSE
    return environment | (_HEAP_CHECKS if _has_checker() else {})


def _cache(setting: Setting, folder: str) -> dict[str, str]:
    if setting.cache == "JAX":
        return {**_CACHE, "JAX_COMPILATION_CACHE_DIR": folder}
    if setting.cache == "cornu":
        enabled = {"JAX_ENABLE_COMPILATION_CACHE": "true"}
        return {**enabled, "CORNU_COMPILATION_CACHE": f"{folder}-cornu"}
    return {}


def _compare_process(process: dict[str, Any] | None, setting: Setting) -> str:
    """Returns the differences between a process and its setting, an empty string if none."""
    if process is None or setting.role != "checked":
        return ""
    expected = {"threads": setting.threads, "keep": setting.keep, "checks": _has_checker()}
    differs = [name for name, value in expected.items() if process[name] != value]
    return "; ".join(f"{name}: {process[name]}, expected {expected[name]}" for name in differs)


def _has_checker() -> bool:
    try:
        ctypes.CDLL(_CHECKER)
    except OSError:
        return False
    return True
