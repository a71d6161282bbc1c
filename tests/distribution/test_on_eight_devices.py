"""Runs the tests in `on_eight_devices` in a process with eight virtual devices.

The number of devices is fixed when JAX starts; the other tests have two.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import QUICKLY_COMPILED

FOLDER = Path(__file__).parent / "on_eight_devices"
EQUALITY = FOLDER / "check_equality.py"


def run_checks(*arguments, **env):
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "python_files=check_*")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *map(str, arguments)],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu", **env},
        cwd=FOLDER.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


# Devices and collectives are assigned before LLVM optimizes the code of a device.
@pytest.mark.parametrize("kind", ("not slow", pytest.param("slow", marks=pytest.mark.slow)))
def test_on_eight_devices(kind):
    flags = os.environ.get("XLA_FLAGS", QUICKLY_COMPILED)
    run_checks("-m", kind, FOLDER, "--ignore", EQUALITY, XLA_FLAGS=flags)


@pytest.mark.slow
def test_fifty_steps_as_users_compile_them():
    run_checks("-m", "slow", EQUALITY)
