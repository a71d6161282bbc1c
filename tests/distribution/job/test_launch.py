"""`cornu launch` with real processes: whatever happens to one of them, the job ends in time."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

PROGRAM = Path(__file__).parent / "programs" / "fail.py"
TIMEOUT = 6


def start(event, *options):
    return subprocess.Popen(
        [sys.executable, "-m", "cornu", "launch", "-n", "2", "--timeout", str(TIMEOUT)]
        + [*options, str(PROGRAM), event],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "event, status, cause, hint",
    [
        ("kill", 137, "process 1 of 2 (0 is the first) was ended by signal SIGKILL", "dmesg"),
        ("error", 1, "process 1 of 2 (0 is the first) ended with exit status 1", "wrong number"),
        ("hang", 124, "process 1 of 2 has made no progress for", "in wait_forever"),
        ("stop", 124, "process 1 of 2 has been lost: it has sent no heartbeat", "timeout"),
        ("stop the first", 124, "process 0, the coordinator, has not answered", "timeout"),
        ("meet alone", 124, "process 1 of 2 waits in a function that all", "event()"),
        ("end", 124, "the program has already ended in process 1", "timeout"),
    ],
)
def test_a_job_ends_with_an_error_that_names_the_process(event, status, cause, hint):
    with start(event) as job:
        output, errors = job.communicate(timeout=20 * TIMEOUT)
    assert job.returncode == status, errors
    last = errors[errors.rindex("cornu launch: ") :]
    assert cause in last, errors
    assert hint in errors
    assert "[0] ready\n" in output and "[1] ready\n" in output


@pytest.mark.slow
def test_sigterm_ends_a_job():
    with start("nothing") as job:
        for line in job.stdout:
            if "ready" in line:
                break
        job.send_signal(signal.SIGTERM)
        _, errors = job.communicate(timeout=20 * TIMEOUT)
    assert job.returncode == 128 + signal.SIGTERM
    assert "received SIGTERM" in errors


@pytest.mark.slow
def test_no_thread_is_left_at_the_end_of_a_job():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    jobs = [
        subprocess.Popen(
            [sys.executable, PROGRAM.with_name("end.py")],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
                "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
                "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    for job in jobs:
        output, errors = job.communicate(timeout=20 * TIMEOUT)
        assert job.returncode == 0, errors
        assert "threads: ['MainThread']" in output
