"""When a process is lost or hung, as a table of what all processes report."""

import pytest

from cornu.distribution.job.records import Observation, Record, find_failure

LIMIT = 60.0


def one(count=40, still=0.0, age=0.0, **others):
    return Observation(Record(1, count, still, **others), age)


@pytest.mark.parametrize(
    "seen, index, reason",
    [
        # All make progress.
        ([one(), one(41)], None, ""),
        ([one(40, 59.0), one(41, 59.0)], None, ""),
        # One is behind, and the others wait for it.
        ([one(41, 61.0), one(40, 70.0)], 1, "no progress for 61 s, while others wait"),
        ([one(40, 61.0), one(52, 61.0), one(41, 61.0)], 0, "no progress"),
        ([one(41, 61.0), one(40, 1.0)], None, ""),
        # Compilation and what precedes training may take ten times as long.
        ([one(41, 599.0, unlimited=True), one(40, 599.0)], None, ""),
        ([one(41, 601.0, unlimited=True), one(40, 601.0)], 1, "no progress"),
        ([one(1, 599.0), one(0, 599.0)], None, ""),
        ([one(1, 601.0), one(0, 601.0)], 1, "no progress"),
        # None is behind: they hang only if they do not compute.
        ([one(40, 61.0), one(40, 61.0)], None, ""),
        ([one(40, 61.0, idle=True), one(40, 61.0)], None, ""),
        ([one(40, 61.0, idle=True), one(40, 61.0, idle=True)], 0, "2 processes of 2 made no"),
        ([one(40, 99.0, idle=True, slowest=10.0), one(40, 99.0, idle=True)], None, ""),
        ([one(40, 101.0, idle=True, slowest=10.0), one(40, 101.0, idle=True)], 0, "not compute"),
        ([one(0, 1e6, idle=True), one(0, 1e6, idle=True)], None, ""),
        ([one(40, 1e6, idle=True, unlimited=True), one(40, 1e6, idle=True)], None, ""),
        # A process without heartbeats.
        ([one(), one(age=61.0)], 1, "lost: it has sent no heartbeat for 61 s"),
        ([one(), one(age=61.0, finished=True)], None, ""),
        # A process whose program has ended waits for the others, not they for it.
        ([one(40, 1e6, finished=True), one(90, 1.0)], None, ""),
        ([one(40, 1e6, finished=True), one(40, 1e6, finished=True)], None, ""),
        ([one(40, finished=True), one(41, 61.0, idle=True)], 1, "already ended in process 0"),
        # One waits in a function that all must call.
        ([one(meetings=1, meeting=True), one(finished=True)], 0, "but process 1 has ended"),
        ([one(meetings=1, meeting=True), one(meetings=1, finished=True)], None, ""),
        ([one(meetings=1), one(finished=True)], None, ""),
        ([one(still=61.0, meetings=3, meeting=True), one(41, 1.0, meetings=2)], None, ""),
        ([one(still=1.0, meetings=3, meeting=True), one(still=61.0, meetings=2)], None, ""),
        (
            [one(41, still=61.0), one(still=61.0, meetings=1, meeting=True)],
            *(1, "but process 0 has made no progress for 61 s outside of it"),
        ),
        # An error.
        ([one(), one(error="ValueError: x")], 1, "process 1 of 2 ended with ValueError: x"),
    ],
)
def test_who_is_lost_or_hung(seen, index, reason):
    found = find_failure(seen, LIMIT)
    assert (None if found is None else found.index) == index
    assert found is None or reason in found.reason


def test_records_are_text():
    record = Record(3, 40, 1.5, True, 2.0, False, True, "ValueError: é")
    assert Record.from_text(record.to_text()) == record
