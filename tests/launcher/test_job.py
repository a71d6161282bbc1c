"""Jobs of small programs: they end together, whatever happens to one of them."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest

from cornu import cli
from cornu.launcher import job
from cornu.launcher.environment import Settings
from cornu.launcher.job import Job
from cornu.launcher.output import Output
from cornu.launcher.report import HUNG
from tests.processes import ROOT

INDEX = "import os, signal, sys, time; me = int(os.environ['KERAS_DISTRIBUTION_PROCESS_ID']); "


def run(program, count=2, timeout=30.0):
    """Runs a program in several processes; returns the exit status of the job."""
    command = [sys.executable, "-I", "-S", "-c", INDEX + program]
    with Output(count, False, None) as output:
        return Job(command, Settings(count, "127.0.0.1:1", timeout), output).run()


@pytest.mark.parametrize(
    "program, status, error",
    [
        ("print('done')", 0, ""),
        ("sys.exit(3) if me else time.sleep(99)", 3, "process 1 of 2 (0 is the first) ended with"),
        ("os.kill(os.getpid(), 9) if me else time.sleep(99)", 137, "SIGKILL (9)"),
        ("os.kill(os.getpid(), 6) if me else os.kill(os.getpid(), 9)", 137, "process 0 of 2"),
        ("1 / 0 if me else time.sleep(99)", 1, "ZeroDivisionError: division by zero\n"),
    ],
)
def test_a_job_ends_as_its_processes_do(program, status, error, capsys):
    assert run(program) == status
    shown = capsys.readouterr()
    if error:
        assert error in shown.err and "All processes of the job were ended" in shown.err
    else:
        assert sorted(shown.out.splitlines()) == ["[0] done", "[1] done"]
        assert shown.err == ""


@pytest.fixture
def slow_machine(monkeypatch):
    """A clock by which every deadline has passed when it is looked at."""
    ticks = itertools.count(0.0, 100.0)
    monkeypatch.setattr(job, "time", types.SimpleNamespace(monotonic=lambda: next(ticks)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the size of a pipe")
@pytest.mark.parametrize("ends", ["", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_all_that_was_written_is_shown(slow_machine, ends, capsys):
    # Many times what is read at once, so that the process has ended long before it is shown.
    program = (
        "import fcntl\n"
        "for stream in (1, 2):\n"
        "    fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 1 << 20)\n"
        "    os.write(stream, b'0123456789\\n' * 50_000 + b'end')\n"
        f"{ends}"
    )
    run(program, count=1)
    shown = capsys.readouterr()
    for text in (shown.out, shown.err):
        assert text.startswith("0123456789\n" * 50_000 + "end\n")


def test_a_process_outside_the_job_that_goes_on_writing_delays_nothing(slow_machine, tmp_path):
    file = tmp_path / "pid"
    child = "import itertools, os; [os.write(1, b'x' * 4096) for _ in itertools.count()]"
    program = (
        "import subprocess; child = subprocess.Popen([sys.executable, '-I', '-S', '-c', "
        f"{child!r}], start_new_session=True); open({str(file)!r}, 'w').write(str(child.pid))"
    )
    assert run(program, count=1) == 0
    with pytest.raises(ProcessLookupError):  # it ends as nobody reads
        _wait_for_end(int(file.read_text()))


def test_the_reason_is_known_if_the_process_ends_while_output_is_read(monkeypatch, capsys):
    message = b'{"index": 1, "reason": "process 1 of 2 hangs"}\n'
    program = (
        "pipe = int(os.environ['CORNU_LAUNCHER_FDS'].split(',')[1])\n"
        f"if me == 0: os.write(pipe, {message!r}); os._exit(7)\n"
        "time.sleep(99)"
    )
    read = Job._read

    def read_late(self, seconds):
        """The first time, reads nothing before the first process has ended."""
        monkeypatch.setattr(Job, "_read", read)
        os.waitid(os.P_PID, self._processes[0].pid, os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(Job, "_read", read_late)
    assert run(program) == HUNG
    assert "cornu launch: process 1 of 2 hangs. All processes" in capsys.readouterr().err


def test_a_process_may_say_that_another_one_hangs(capsys):
    message = 'b\'{"index": 1, "reason": "process 1 of 2 hangs"}\\n\''
    program = (
        f"pipe = int(os.environ['CORNU_LAUNCHER_FDS'].split(',')[1]); "
        f"os.write(pipe, b'not JSON\\n' + {message}) if me == 0 else 0; time.sleep(99)"
    )
    assert run(program) == HUNG
    assert "cornu launch: process 1 of 2 hangs. All processes" in capsys.readouterr().err


def test_a_stopped_process_ends_with_the_others():
    assert run("sys.exit(5) if me else os.kill(os.getpid(), signal.SIGSTOP)") == 5


def test_what_the_processes_started_ends_as_well(tmp_path):
    file = tmp_path / "pid"
    program = (
        "import subprocess; "
        f"child = subprocess.Popen(['sleep', '99']); open({str(file)!r}, 'w').write(str(child.pid))"
    )
    assert run(program, count=1) == 0
    with pytest.raises(ProcessLookupError):
        _wait_for_end(int(file.read_text()))


def _wait_for_end(pid):
    """Raises a ProcessLookupError as soon as a process has ended."""
    for _ in range(200):
        os.kill(pid, 0)
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/stat") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "Z":  # nobody has collected it
                raise ProcessLookupError
        time.sleep(0.05)


@pytest.mark.parametrize(
    "handler, status, timeout",
    [
        ("", 128 + signal.SIGTERM, 30.0),  # the default ends the processes
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); ", 0, 30.0),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); ", 128 + signal.SIGKILL, 1.0),
    ],
)
def test_a_signal_reaches_all_processes(handler, status, timeout, capsys):
    program = f"{handler}print('ready', flush=True); time.sleep(99)"
    before = signal.getsignal(signal.SIGTERM)
    sender = threading.Thread(target=_send_when_ready, args=(capsys, signal.SIGTERM))
    sender.start()
    assert run(program, timeout=timeout) == status
    sender.join()
    assert signal.getsignal(signal.SIGTERM) == before
    assert "cornu launch: received SIGTERM, which is sent to all processes" in _shown(capsys)


_SHOWN = []


def _shown(capsys):
    _SHOWN.extend(capsys.readouterr())
    return "".join(_SHOWN)


def _send_when_ready(capsys, number):
    _SHOWN.clear()
    while _shown(capsys).count("ready") < 2:
        time.sleep(0.02)
    os.kill(os.getpid(), number)


def test_the_processes_end_if_the_launcher_is_killed(tmp_path):
    file = tmp_path / "pid"
    program = (
        "import os, time\n"
        "from cornu.distribution.job.ending import watch_launcher\n"
        "watch_launcher()\n"
        f"open({str(file)!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(99)\n"
    )
    launcher = (
        "import sys; from cornu.launcher.environment import Settings; "
        "from cornu.launcher.job import Job; from cornu.launcher.output import Output\n"
        f"Job([sys.executable, '-c', {program!r}], Settings(1, '127.0.0.1:1', 9.0), "
        "Output(1, False, None)).run()"
    )
    with subprocess.Popen([sys.executable, "-c", launcher], cwd=ROOT) as parent:
        while not file.exists() or not file.read_text():
            assert parent.poll() is None
            time.sleep(0.05)
        parent.kill()
    with pytest.raises(ProcessLookupError):
        _wait_for_end(int(file.read_text()))


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        (["-n", "2", "nowhere.py"], 2, "file 'nowhere.py' does not exist"),
        (["-n", "0", "x.py"], 2, "expected a positive integer, received '0'"),
        (["-n", "2", "--timeout", "-1", "x.py"], 2, "expected a positive number, received '-1'"),
        (["-n", "3", "-m", "x"], 2, "3 processes need 3 GPUs, and this machine has 2"),
    ],
)
def test_wrong_arguments(arguments, status, error, capsys, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    try:
        found = cli.main(["launch", *arguments])
    except SystemExit as exit:
        found = exit.code
    assert found == status
    assert error in capsys.readouterr().err
