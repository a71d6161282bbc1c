"""`cornu launch` and the other commands on systems without the signals and calls of POSIX."""

from __future__ import annotations

from tests.processes import run_program

WINDOWS = """
import asyncio, contextlib, multiprocessing, os, selectors, signal, subprocess, sys

for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for name in ("SIGALRM", "SIGCONT", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
    delattr(signal, name)
for name in ("fork", "killpg", "register_at_fork", "waitid"):
    delattr(os, name)

from cornu.cli import main

assert main(["info", "inline_programs"]) == 0
os.name = "nt"
raise SystemExit(main(["launch", "-n", "2", "program.py"]))
"""


def test_commands_run_without_posix_except_launch():
    # Packages that find no locks warn.
    done = run_program(WINDOWS, check=False, strict=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith("cornu launch: it needs a POSIX system (Linux, macOS).\n")
    assert "inline_programs" in done.stdout
