"""Runs the tests in `on_eight_devices` in a process with eight virtual devices.

The number of devices is fixed when JAX starts; the other tests have two.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "on_eight_devices"


@pytest.mark.parametrize("kind", ("not slow", pytest.param("slow", marks=pytest.mark.slow)))
def test_on_eight_devices(kind):
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "python_files=check_*")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", kind, str(FOLDER)],
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "8", "JAX_PLATFORMS": "cpu"},
        cwd=FOLDER.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
