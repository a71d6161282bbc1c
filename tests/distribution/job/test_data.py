"""All kinds of data in one and in two processes: the same batches, metrics and weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.processes import ROOT

PROGRAMS = Path(__file__).parent / "programs"
LAUNCH = ("-m", "cornu", "launch", "-n", "2")
UNSEEDED = "torch without a seed"


def run(program, folder, launch=()):
    """Runs a program; returns the results of each process."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"}
    command = [sys.executable, *launch, PROGRAMS / program, folder]
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The results of one process."""
    return run("data.py", tmp_path_factory.mktemp("alone"))[0]


@pytest.mark.slow
def test_two_processes_train_as_one(alone, tmp_path):
    first, second = run("data.py", tmp_path, launch=LAUNCH)
    assert first == second  # the same bits
    assert first.keys() == alone.keys()
    for kind in first.keys() - {UNSEEDED}:
        assert first[kind].keys() == alone[kind].keys()
        for name, expected in alone[kind].items():
            np.testing.assert_allclose(first[kind][name], expected, atol=1e-5, err_msg=kind)


@pytest.mark.slow
def test_each_process_may_be_given_its_part(tmp_path):
    (alone,) = run("parts.py", tmp_path / "1")
    first, second = run("parts.py", tmp_path / "2", launch=LAUNCH)
    for name in ("whole", "parts", "sharded"):
        assert first[name] == second[name]
        for part, expected in alone["whole"].items():
            np.testing.assert_allclose(first[name][part], expected, atol=1e-5, err_msg=name)
    # Data that differs by mistake would be trained in part, without an error.
    for name, error in {
        "other data": "The processes of the job read different data: batch 0 of process 1",
        "other number": "The processes of the job have different numbers of batches: 6, 5",
    }.items():
        assert first[name] == second[name]
        assert first[name].startswith(error)
