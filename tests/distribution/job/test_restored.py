"""Processes restore a checkpoint of Orbax: each reads the parts of its own devices."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import cornu
from benchmarks.distribution import restored
from tests.processes import ROOT

PROGRAM = ROOT / "benchmarks" / "distribution" / "restored.py"


@pytest.mark.slow
def test_each_process_reads_its_part(tmp_path):
    pytest.importorskip("orbax.checkpoint")
    with cornu.distribution.scope("fsdp"):
        restored.save(tmp_path / "saved")
    losses = restored.load(tmp_path / "saved")["losses"]
    launch = ("-m", "cornu", "launch", "-n", "2", "--distribution", "fsdp")
    subprocess.run(
        [sys.executable, *launch, PROGRAM, "load", tmp_path / "saved", tmp_path],
        cwd=ROOT,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"},
    )
    for index in range(2):
        found = json.loads((tmp_path / f"{index}.json").read_text())
        np.testing.assert_allclose(found["losses"], losses, atol=1e-5)
        assert found["whole"] == 0
        # Beside its half, small weights, which are copied.
        assert found["state"] / 2 <= found["read"] <= found["state"] / 2 + 3 * 4096
