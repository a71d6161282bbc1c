"""Programs of Keras 1 compute the losses that Keras 1.2.2 computed from the same weights.

`docs/old_programs_table.md` has the table of all programs. Here a part of them runs.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.eras.table import PROGRAMS, STORED, largest_difference

ROOT = Path(__file__).parents[2]
LOSSES = json.loads(STORED.read_text())


def run(name, path):
    program = ROOT / "examples" / "eras" / "keras1" / f"{name}.py"
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "benchmarks.eras.record"),
            *(str(program), str(path), "--dialect"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(path.read_text())["losses"]


def test_every_program_has_reference_losses():
    assert [program.stem for program in PROGRAMS] == sorted(LOSSES)
    assert len(LOSSES) >= 20
    assert all(len(values) >= 3 for values in LOSSES.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["variational_autoencoder", "memory_network", "deep_dream", "acgan", "custom_recurrent"]
)
def test_a_program_computes_the_losses_of_keras_1(name, tmp_path):
    assert largest_difference(run(name, tmp_path / "losses.json"), LOSSES[name]) < 1e-5
