"""Every callback of the library in two processes: files are written once, and all stop together."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cornu
from tests.processes import ROOT

PROGRAM = Path(__file__).parent / "programs" / "callbacks.py"
LAUNCH = ("-m", "cornu", "launch", "-n", "2")
# Their steps depend on the clock, or on when a signal is seen.
TIMED = {"Timer", "OnSignal"}


def run(folder, launch=()):
    """Runs the program; returns the results of each process, and the files."""
    files, results = folder / "files", folder / "results"
    files.mkdir(), results.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"}
    command = [sys.executable, *launch, PROGRAM, files, results]
    done = subprocess.run(
        command, cwd=ROOT, check=True, env=environment, capture_output=True, text=True
    )
    found = [json.loads(path.read_text()) for path in sorted(results.iterdir())]
    return found, files, done.stdout


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run(tmp_path_factory.mktemp("alone"))


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return run(tmp_path_factory.mktemp("two"), LAUNCH)


def list_files(folder):
    """Returns the paths of all files, without the numbers of processes and the times in them."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    # Orbax names files by random numbers; its folders of steps are complete or missing.
    parts = (path.split("/")[:2] if "Orbax" in path else path.split("/") for path in paths)
    return sorted({re.sub(r"\d{3,}[\d_.]*", "N", "/".join(part)) for part in parts})


@pytest.mark.slow
def test_files_are_written_by_the_first_process(alone, two):
    (expected,), files, _ = alone
    (first, second), files_of_two, _ = two
    assert set(expected) == {*cornu.callbacks.__all__} - {"CallbackList"}
    for name, row in second.items():
        own = [path for path in row["written"] if not path.endswith("/process_1")]
        assert own == [] and row["requests"] == 0, name
        assert len(first[name]["written"]) == len(expected[name]["written"]), name
        assert first[name]["requests"] == expected[name]["requests"], name
    writers = {name for name, row in first.items() if row["written"]}
    assert writers == {
        *("BackupAndRestore", "CSVLogger", "ModelCheckpoint", "OnException", "OnSignal"),
        *("OrbaxCheckpoint", "SpikeSkip", "Statistics", "TensorBoard"),
    }
    assert list_files(files_of_two) == list_files(files)
    assert len(list((files_of_two / "TensorBoard" / "train").glob("events*"))) == 1
    log = Path("CSVLogger", "log.csv")
    rows, rows_of_two = (
        np.loadtxt(f / log, delimiter=",", skiprows=1, usecols=(0, 1, 2))
        for f in (files, files_of_two)
    )
    np.testing.assert_allclose(rows_of_two, rows, atol=1e-5)


@pytest.mark.slow
def test_all_processes_stop_together_with_equal_weights(alone, two):
    (expected,), _, _ = alone
    (first, second), _, _ = two
    for name, row in first.items():
        parts = ("steps", "epochs", "weights")
        assert all(row[part] == second[name][part] for part in parts), name
        assert row["epochs"] == expected[name]["epochs"], name
        if name in TIMED:
            break  # the weights differ from now on
        assert row["steps"] == expected[name]["steps"], name
        for mine, theirs in zip(row["weights"], expected[name]["weights"], strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-5, err_msg=name)
    # One process asked to stop after the second step.
    assert first["Callback"]["steps"] == second["Callback"]["steps"] == 2


@pytest.mark.slow
def test_messages_are_printed_once(two):
    _, _, output = two
    lines = output.splitlines()
    for text in ("SWA: the weights are the mean", "Epoch 2: early stopping", "OnSignal: received"):
        found = [line for line in lines if text in line]
        assert len(found) == 1 and found[0].startswith("[0] "), text
    assert sum("/6 - " in line for line in lines) == 3  # a line for each epoch
