"""Which process made a job fail, and what is said about it."""

import signal

import pytest

from cornu.launcher.report import HUNG, LOST, Failure, describe, exit_status, select

ABORTED, KILLED = -signal.SIGABRT, -signal.SIGKILL


@pytest.mark.parametrize(
    "codes, expected",
    [
        ([0, None, 0], None),
        ([None, 3], 1),
        ([ABORTED, None, KILLED], 2),  # JAX aborts the others
        ([LOST, 1], 1),  # an operation of process 0 failed because process 1 had ended
        ([LOST, ABORTED, HUNG], 0),
        ([1, 1], 0),
        ([1, -signal.SIGSEGV], 1),
    ],
)
def test_the_cause_is_the_process_that_did_not_wait_for_another(codes, expected):
    found = select(codes)
    assert (None if found is None else found.index) == expected


@pytest.mark.parametrize(
    "failure, status, parts",
    [
        (Failure(1, KILLED), 137, ["process 1 of 4", "signal SIGKILL (9)", "memory"]),
        (Failure(0, 3), 3, ["process 0 of 4", "exit status 3"]),
        (Failure(2, None, "process 2 of 4 has been lost"), HUNG, ["process 2 of 4 has been lost"]),
    ],
)
def test_the_message_names_the_process_and_what_to_do(failure, status, parts):
    assert exit_status(failure) == status
    text = describe(failure, 4, 12.3, ["Traceback", "ValueError: wrong"])
    assert text.startswith("cornu launch: ")
    for part in [*parts, "after 12 s", "  ValueError: wrong\n", "resume="]:
        assert part in text
