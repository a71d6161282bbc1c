"""The error message of a job that failed."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["HUNG", "LOST", "Failure", "describe", "exit_status", "is_consequence", "select"]

# Exit statuses of a process.
HUNG = 124  # it ended the job because a process was lost or hung; `timeout` ends with this status
LOST = 125  # an operation of all processes failed, most probably because one of them ended

_RESUME = (
    "If the program calls fit(..., resume='folder'), the same command continues from the last "
    "saved state."
)
# By name, because Windows does not have all of them.
_ADVICE = {
    "SIGKILL": "The system sends SIGKILL when memory is exhausted: see `dmesg`, or use a "
    "smaller batch. ",
    "SIGSEGV": "A native library crashed: PYTHONFAULTHANDLER=1 shows where. ",
    "SIGABRT": "A native library ended the process; the lines above say why. ",
}


@dataclass(frozen=True)
class Failure:
    """Why a job ends.

    Attributes:
        index: the number of the process that failed.
        code: its exit status as in `subprocess`: negative for a signal; None if it still runs.
        reason: why it was given up, if it still runs or said so itself.
    """

    index: int
    code: int | None = None
    reason: str = ""


def select(codes: Sequence[int | None]) -> Failure | None:
    """Returns the failure of the process that caused those of the others, most probably.

    When one process ends, the others cannot continue either: JAX aborts them, or their next
    operation raises an error. A process that was killed is therefore named first, then one that
    ended with an error, and one that was aborted last.

    Args:
        codes: the exit statuses of the processes as in `subprocess`, None for one that runs.

    Example:

    >>> select([-6, None, 1, -9]).index
    3
    """
    failed = [(index, code) for index, code in enumerate(codes) if code]
    if not failed:
        return None
    return Failure(*min(failed, key=lambda item: (_rank(item[1]), item[0])))


def is_consequence(code: int | None) -> bool:
    """Whether a process with this exit status probably failed because another one had ended."""
    return code in (HUNG, LOST, -signal.SIGABRT)


def _rank(code: int) -> int:
    return 2 if is_consequence(code) else 0 if code < 0 else 1


def describe(failure: Failure, count: int, seconds: float, lines: Sequence[str]) -> str:
    """Returns the error message of a job.

    Args:
        failure: why it ends.
        count: the number of its processes.
        seconds: how long it has run.
        lines: the last lines that the process wrote to stderr.
    """
    name = f"process {failure.index} of {count} (0 is the first)"
    advice = ""
    if failure.reason:
        what = failure.reason
    elif failure.code is not None and failure.code < 0:
        number = signal.Signals(-failure.code)
        advice = _ADVICE.get(number.name, "")
        what = f"{name} was ended by signal {number.name} ({number.value})"
    else:
        what = f"{name} ended with exit status {failure.code}"
    text = f"cornu launch: {what}. All processes of the job were ended after {seconds:.0f} s.\n"
    if lines:
        text += "The last lines of its stderr:\n" + "".join(f"  {line}\n" for line in lines)
    return f"{text}{advice}{_RESUME}"


def exit_status(failure: Failure) -> int:
    """Returns the exit status of a job, as a shell would: 128 + the number of a signal.

    Example:

    >>> exit_status(Failure(0, -9)), exit_status(Failure(0, 3))
    (137, 3)
    """
    if failure.code is None:
        return HUNG
    return 128 - failure.code if failure.code < 0 else failure.code
