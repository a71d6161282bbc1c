"""A process is killed in the middle of an epoch; the same command continues exactly."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.processes import ROOT

PROGRAM = ROOT / "benchmarks" / "distribution" / "interrupted_training.py"


def run(folder, results, count, *event):
    """Trains in several processes; returns the finished process."""
    launch = ("-m", "cornu", "launch", "-n", str(count)) if count > 1 else ()
    results.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, *launch, PROGRAM, folder, results, *event],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"},
        capture_output=True,
        text=True,
    )


def load(results):
    with np.load(results / "weights.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    done = run(folder / "state", folder / "results", 2)
    assert done.returncode == 0, done.stderr
    return load(folder / "results")


@pytest.mark.slow
def test_the_same_command_continues_with_the_same_bits(uninterrupted, tmp_path):
    killed = run(tmp_path / "state", tmp_path / "results", 2, "SIGKILL", "1")
    # Far below the time limit of 60 seconds: the launcher sees the end of the process.
    assert time.time() - float((tmp_path / "results" / "event").read_text()) < 30
    assert killed.returncode == 137
    error = killed.stderr[killed.stderr.rindex("cornu launch: ") :]
    assert "process 1 of 2 (0 is the first) was ended by signal SIGKILL" in error
    assert "the same command continues" in error
    for count in (1, 4):
        shutil.copytree(tmp_path / "state", tmp_path / f"state{count}")
    again = run(tmp_path / "state", tmp_path / "results", 2)
    assert again.returncode == 0 and again.stdout.count("Training continues after step 4") == 1
    found = load(tmp_path / "results")
    assert found.keys() == uninterrupted.keys()
    for name, expected in uninterrupted.items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name)
    # With other numbers of processes, sums are rounded differently.
    for count in (1, 4):
        other = run(tmp_path / f"state{count}", tmp_path / f"results{count}", count)
        assert other.returncode == 0, other.stderr
        for name, value in load(tmp_path / f"results{count}").items():
            if name != "history":
                np.testing.assert_allclose(value, uninterrupted[name], atol=1e-5, err_msg=name)
