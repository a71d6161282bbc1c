"""Programs whose verdict is known: they prove that the runner tells outcomes apart."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt, Verdict

__all__ = ["CONTROLS", "KNOWN"]


def _refuse() -> None:
    raise ValueError("This is not accepted, because it is a control.")


def _say_nothing() -> None:
    raise ValueError


def _fail() -> None:
    assert 1 + 1 == 3, "a wrong result"


def _take_memory() -> None:
    np.ones(1 << 30, np.uint8)


def _grow() -> None:
    # Below the limit of the system, above that of the attack.
    np.ones(100 << 20, np.uint8)


def _prepared(attempt: Callable[[], object]) -> Callable[[Path, int], Attempt]:
    return lambda folder, number: attempt


def _unprepared(folder: Path, number: int) -> Attempt:
    raise ValueError("The preparation fails.")


_ATTEMPTS: dict[str, tuple[Verdict, Callable[[Path, int], Attempt]]] = {
    "returns": ("right", _prepared(lambda: None)),
    "refuses": ("refused", _prepared(_refuse)),
    "has a wrong result": ("wrong", _prepared(_fail)),
    "raises from the inside": ("raw", _prepared(lambda: [][0])),
    "raises without a message": ("raw", _prepared(_say_nothing)),
    "ends the process": ("crash", _prepared(lambda: os.kill(os.getpid(), signal.SIGSEGV))),
    "leaves the process": ("crash", _prepared(lambda: os._exit(0))),
    "hangs": ("hang", _prepared(lambda: time.sleep(60))),
    "takes all memory": ("memory", _prepared(_take_memory)),
    "takes too much memory": ("memory", _prepared(_grow)),
    "cannot begin": ("broken", _unprepared),
}
# Each is expected to be right, so that all others are failures.
CONTROLS = {
    f"control: {name}": Attack(
        f"control: {name}", "controls", "the runner", program, seconds=1.0, megabytes=50.0
    )
    for name, (_, program) in _ATTEMPTS.items()
}
KNOWN: dict[str, Verdict] = {
    f"control: {name}": verdict for name, (verdict, _) in _ATTEMPTS.items()
}


def _accept(folder: Path, number: int) -> Attempt:
    return lambda: None


CONTROLS["control: accepts"] = Attack(
    "control: accepts", "controls", "the runner", _accept, ("refused",)
)
KNOWN["control: accepts"] = "wrong"
