"""All kinds of data in one, two and four processes: the same batches, metrics and weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.processes import ROOT

PROGRAM = Path(__file__).parent / "programs" / "data.py"
UNSEEDED = "torch without a seed"


def run(folder, *kinds, launch=()):
    """Runs the program; returns the results of each process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"}
    command = [sys.executable, *launch, PROGRAM, folder, *kinds]
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    return [json.loads(path.read_text()) for path in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The results of one process."""
    return run(tmp_path_factory.mktemp("alone"))[0]


@pytest.mark.slow
@pytest.mark.parametrize("count, kinds", [(2, ()), (4, ("arrays",))])
def test_several_processes_train_as_one(count, kinds, alone, tmp_path):
    found = run(tmp_path, *kinds, launch=("-m", "cornu", "launch", "-n", str(count)))
    assert len(found) == count
    # The same bits in all processes.
    assert all(other == found[0] for other in found[1:])
    assert found[0].keys() == (set(kinds) or alone.keys())
    for kind in found[0].keys() - {UNSEEDED}:
        assert found[0][kind].keys() == alone[kind].keys()
        for name, expected in alone[kind].items():
            np.testing.assert_allclose(found[0][kind][name], expected, atol=1e-5, err_msg=kind)
