"""Runs attacks, each in processes of its own with limits of time and memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.attacks.attack import Attack, Outcome, Verdict, judge

__all__ = ["BEGUN", "find", "run"]

# Files in the folder of a program that is killed: its first step is done, and its result.
BEGUN, RESULT = "begun", "result"
_START = 60.0  # seconds until a process is ready
_RECYCLE = 200  # rounds of a process
_EARLY = 0.125  # the share of signals in the first second of a process
_SLACK = 256  # megabytes beyond the limit, at which the system refuses memory
_MOST_SIGNALS = 40  # to one run
_MOST_RUNS = 4  # for each signal


def run(attack: Attack, rounds: int) -> Iterator[Outcome]:
    """Runs the rounds of an attack, and yields what became of each."""
    if attack.signal:
        yield from _disturb(attack, rounds)
    elif attack.copies > 1:
        for number in range(rounds):
            yield _compete(attack, number)
    else:
        yield from _serially(attack, rounds)


def find(name: str) -> Attack:
    """Returns an attack of the table, or a control."""
    from benchmarks.attacks.controls import CONTROLS
    from benchmarks.attacks.table import ATTACKS

    return CONTROLS[name] if name in CONTROLS else ATTACKS[name]


def _context() -> Any:
    # A process that is forked from one with the imports done starts in milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.attacks.preload"])
    return context


# ------------------------------------------------------------------ rounds one after the other


def _serially(attack: Attack, rounds: int) -> Iterator[Outcome]:
    left = list(range(rounds))
    while left:
        batch = left[:_RECYCLE]
        with _started(_serve, attack.name, batch) as (process, pipe):
            for number in batch:
                outcome = _await(attack, number, process, pipe)
                left.remove(number)
                yield outcome
                if outcome.verdict in ("crash", "hang", "memory"):
                    break


@contextlib.contextmanager
def _started(target: Any, *args: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    context = _context()
    pipe, end = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*args, end))
    process.start()
    end.close()
    try:
        yield process, pipe
    finally:
        process.kill()
        process.join()
        pipe.close()


def _await(attack: Attack, number: int, process: BaseProcess, pipe: Connection) -> Outcome:
    """Returns the outcome of the round that a process runs next."""
    began = time.monotonic()
    for limit in (_START, attack.seconds):
        try:
            # The process says that it is ready, and then what became of the round.
            message = pipe.recv() if pipe.poll(limit) else None
        except EOFError:
            process.join(5)
            details = f"exit code {process.exitcode}"
            return Outcome(attack.name, number, "crash", details, time.monotonic() - began)
        if message is None:
            return Outcome(attack.name, number, "hang", f"after {limit:g} s", limit)
        if isinstance(message, Outcome):
            return message
        began = time.monotonic()
    return Outcome(attack.name, number, "broken", "the process answered twice")


def _serve(name: str, numbers: Sequence[int], pipe: Connection) -> None:
    """Runs rounds in this process, and sends their outcomes."""
    attack = find(name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _silence()
    for number in numbers:
        with tempfile.TemporaryDirectory() as folder:
            try:
                attempt = attack.program(Path(folder), number)
            except Exception as error:
                pipe.send(Outcome(name, number, "broken", f"{type(error).__name__}: {error}"))
                continue
            pipe.send("ready")
            pipe.send(_measure(attack, number, attempt)[0])


def _measure(attack: Attack, number: int, attempt: Any) -> tuple[Outcome, object]:
    before = _peak(reset=True)
    began = time.monotonic()
    with _limited(attack.megabytes):
        verdict, details, result = judge(attempt, attack.expected)
    seconds = time.monotonic() - began
    grown = max(0.0, _peak() - before)
    if grown > attack.megabytes and verdict in ("right", "refused"):
        verdict, details = "memory", f"{grown:.0f} MB. {details}"
    return Outcome(attack.name, number, verdict, details[:2000], seconds, grown), result


def _silence() -> None:
    """Discards what the programs print."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)


def _peak(reset: bool = False) -> float:
    """Returns the peak of the memory since the last reset, in megabytes."""
    if reset:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextlib.contextmanager
def _limited(megabytes: float) -> Iterator[None]:
    """Limits the memory that the process may take in addition, before the machine runs out."""
    kind = resource.RLIMIT_DATA
    _, hard = resource.getrlimit(kind)
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    most = taken * os.sysconf("SC_PAGE_SIZE") + int((megabytes + _SLACK) * 2**20)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (hard, hard))


# ---------------------------------------------------------------------- signals at any instant


def _disturb(attack: Attack, instants: int) -> Iterator[Outcome]:
    """Sends a number of signals to processes; yields an outcome for each run that ended itself."""
    instant = random.Random(attack.name)
    with tempfile.TemporaryDirectory() as folder:
        outcome = _once(attack, folder, None)
        if outcome is None or outcome.verdict != "right":
            yield outcome or Outcome(attack.name, 0, "broken", "an undisturbed run has no result")
            return
        after = _training_seconds(folder)
        expected = Path(folder, RESULT).read_text(encoding="utf-8")
    sent = number = 0
    # Some runs end before their signal, so a run may be sent none.
    while sent < instants and number < _MOST_RUNS * instants:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            kills = 0
            while True:
                wait: float | None = None
                early = instant.random() < _EARLY
                if sent + kills < instants and kills < _MOST_SIGNALS:
                    wait = instant.random() * (1.0 if early else after)
                outcome = _once(attack, folder, wait, early)
                if outcome is not None:
                    break
                kills += 1
            same = Path(folder, RESULT).exists() and (
                Path(folder, RESULT).read_text(encoding="utf-8") == expected
            )
            if same and not kills:  # the first, undisturbed run may have been slower
                after = _training_seconds(folder)
        if outcome.verdict == "right" and not same:
            outcome = outcome._replace(verdict="wrong", details="the result differs")
        seconds = time.monotonic() - began
        yield outcome._replace(number=number, seconds=seconds, signals=kills)
        sent, number = sent + kills, number + 1


def _training_seconds(folder: str) -> float:
    """Returns the time from the first step to the result of a run that has ended."""
    return Path(folder, RESULT).stat().st_mtime - Path(folder, BEGUN).stat().st_mtime


def _once(attack: Attack, folder: str, wait: float | None, early: bool = False) -> Outcome | None:
    """Runs a program, which is sent the signal after a time; None if that ended it."""
    Path(folder, BEGUN).unlink(missing_ok=True)
    with _started(_finish, attack.name, folder) as (process, pipe):
        if wait is not None:
            while not early and process.is_alive() and not Path(folder, BEGUN).exists():
                time.sleep(0.002)
            process.join(wait)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid or 0, attack.signal)
        process.join(_START + attack.seconds)
        if process.is_alive():
            return Outcome(attack.name, 0, "hang", f"after {attack.seconds:g} s")
        outcome = _received(pipe)
        if outcome is not None:
            return outcome
        if process.exitcode in (-attack.signal, 128 + attack.signal, 130) and wait is not None:
            return None
        return Outcome(attack.name, 0, "crash", f"exit code {process.exitcode}")


def _received(pipe: Connection) -> Outcome | None:
    """Returns the outcome that a process sent before it ended, or None."""
    try:
        return pipe.recv() if pipe.poll(0) else None
    except EOFError:
        return None


def _finish(name: str, folder: str, pipe: Connection) -> None:
    """Runs a program in this process, writes its result and sends the outcome."""
    _silence()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Shells start background processes with interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    attack = find(name)
    try:
        outcome, result = _measure(attack, 0, attack.program(Path(folder), 0))
    except KeyboardInterrupt:
        sys.exit(
            128 + signal.SIGINT
        )  # as shells report it; multiprocessing's code is that of errors
    if outcome.verdict == "right":
        Path(folder, RESULT).write_text(str(result), encoding="utf-8")
    pipe.send(outcome)


# ------------------------------------------------------------------- several processes at once


def _compete(attack: Attack, number: int) -> Outcome:
    """Starts processes at once in one folder: at least one ends right, others may be refused."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(_started(_finish, attack.name, folder))
            for _ in range(attack.copies)
        ]
        outcomes = [_await_end(attack, process, pipe) for process, pipe in started]
        with tempfile.TemporaryDirectory() as other:
            _once(attack, other, None)
            expected = Path(other, RESULT).read_text(encoding="utf-8")
        verdicts: list[Verdict] = [outcome.verdict for outcome in outcomes]
        bad = [o for o in outcomes if o.verdict not in ("right", "refused")]
        verdict: Verdict = bad[0].verdict if bad else "right"
        details = "; ".join(o.details for o in outcomes if o.details)
        same = Path(folder, RESULT).exists() and (
            Path(folder, RESULT).read_text(encoding="utf-8") == expected
        )
        if not bad and not ("right" in verdicts and same):
            verdict = "wrong"
    return Outcome(attack.name, number, verdict, details, time.monotonic() - began)


def _await_end(attack: Attack, process: BaseProcess, pipe: Connection) -> Outcome:
    process.join(_START + attack.seconds)
    if process.is_alive():
        return Outcome(attack.name, 0, "hang", f"after {attack.seconds:g} s")
    crashed = Outcome(attack.name, 0, "crash", f"exit code {process.exitcode}")
    return _received(pipe) or crashed
