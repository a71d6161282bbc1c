"""A test process stays on its cores, but counts all of them, and its processes use all."""

import os
import sys

import pytest

from tests.processes import run_program

PROGRAM = """
import os, subprocess, sys
from tests.affinity import Affinity

of_kernel = os.sched_getaffinity
cores = of_kernel(0)
own = {min(cores)}
affinity = Affinity(cores, own)
affinity.apply()
assert of_kernel(0) == own and os.sched_getaffinity(0) == cores
child = os.fork()
if child == 0:
    os._exit(of_kernel(0) != cores)
assert os.waitpid(child, 0)[1] == 0 and of_kernel(0) == own
program = "import os; print(os.sched_getaffinity(0))"
assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == str(cores)
assert of_kernel(0) == cores
affinity.pytest_runtest_setup()
assert of_kernel(0) == own
"""


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="two cores on Linux"
)
def test_processes_that_a_process_starts_use_all_cores():
    run_program(PROGRAM)
