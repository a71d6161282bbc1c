"""What processes report about their progress, and which of them is lost or hung."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

from cornu.errors import quantity

__all__ = ["Observation", "Record", "Verdict", "find_failure"]

# A process that has not begun to train, or compiles, may take longer.
_BEFORE_TRAINING = 10
_SLOWEST = 10  # steps may take ten times as long as the slowest one so far


@dataclass(frozen=True)
class Record:
    """What a process reports about itself.

    Attributes:
        beat: increases with every record.
        count: its progress; see `cornu.process.progress`.
        still: the seconds since its last progress.
        idle: whether it has used almost no processor time since then.
        slowest: the longest time between two progresses so far, in seconds.
        unlimited: whether what it does may take any time.
        finished: whether its program has ended.
        error: the error with which its program ended, or an empty string.
        meetings: how often it has called a function that all processes must call together.
        meeting: whether it waits for the others in such a function.
    """

    beat: int = 0
    count: int = 0
    still: float = 0.0
    idle: bool = False
    slowest: float = 0.0
    unlimited: bool = False
    finished: bool = False
    error: str = ""
    meetings: int = 0
    meeting: bool = False

    def to_text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(astuple(self))

    @staticmethod
    def from_text(text: str) -> Record:
        """Returns the record that `to_text` returned as JSON."""
        return Record(*json.loads(text))


class Observation(NamedTuple):
    """The last record of a process, and the seconds since it was new."""

    record: Record
    age: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """Why a job ends.

    Attributes:
        index: the process that is lost or hung.
        reason: a sentence.
    """

    index: int
    reason: str


def find_failure(seen: Sequence[Observation], timeout: float) -> Verdict | None:
    """Returns why the job cannot continue, or None.

    A process is lost if it reports nothing for the time limit. It is hung if it makes no progress
    for the time limit while others wait for it. If no process waits for another one, all are hung
    if none makes progress or uses the processor, for ten times the duration of the slowest step.

    Args:
        seen: what is known of each process.
        timeout: the time limit in seconds.

    Example:

    >>> ahead, behind = Record(count=41, still=70.0), Record(count=40, still=71.0)
    >>> find_failure([Observation(ahead), Observation(behind)], 60.0).index
    1
    """
    count = len(seen)
    for index, (record, age) in enumerate(seen):
        if record.error:
            return Verdict(index, f"process {index} of {count} ended with {record.error}")
        if age > timeout and not record.finished:
            return Verdict(
                index,
                f"process {index} of {count} has been lost: it has sent no heartbeat for "
                f"{age:.0f} s. It was stopped or killed, or its machine cannot be reached",
            )
    absent = _find_absent(seen, timeout)
    if absent is not None:
        return absent
    running = [(index, one.record) for index, one in enumerate(seen) if not one.record.finished]
    if not running:
        return None
    records = [record for _, record in running]
    still = min(record.still for record in records)
    least = min(record.count for record in records)
    if least < max(record.count for record in records):
        early = least == 0 or any(record.unlimited for record in records)
        if still > timeout * (_BEFORE_TRAINING if early else 1):
            index = next(index for index, record in running if record.count == least)
            return Verdict(
                index,
                f"process {index} of {count} has made no progress for {still:.0f} s, while others "
                "wait for it",
            )
    elif least and still > max(timeout, _SLOWEST * max(record.slowest for record in records)):
        if all(record.idle and not record.unlimited for record in records):
            ended = [str(index) for index, one in enumerate(seen) if one.record.finished]
            also = f"; the program has already ended in process {', '.join(ended)}" * bool(ended)
            return Verdict(
                running[0][0],
                f"{quantity(len(running), 'process')} of {count} made no progress for "
                f"{still:.0f} s, and did not compute{also}",
            )
    return None


def _find_absent(seen: Sequence[Observation], timeout: float) -> Verdict | None:
    """Returns a verdict if a process waits in a function that another one does not call."""
    for index, (record, _) in enumerate(seen):
        if not record.meeting:
            continue
        for other, (its, _) in enumerate(seen):
            if its.meetings >= record.meetings:
                continue
            if its.finished:
                state = "has ended"
            elif min(record.still, its.still) > timeout:
                state = f"has made no progress for {its.still:.0f} s outside of it"
            else:
                continue
            return Verdict(
                index,
                f"process {index} of {len(seen)} waits in a function that all processes must "
                f"call, such as `save` of a model whose weights are divided, but process {other} "
                f"{state}. Call it in every process: process 0 alone writes the file",
            )
    return None
