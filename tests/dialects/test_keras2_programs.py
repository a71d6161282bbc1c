"""Programs of Keras 2 have the losses of Keras 2.2.4.

`python -m scripts.era_programs` wrote the losses of Keras 2.2.4, and the table in
docs/old_programs_table.md.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cornu.dialects.detection import detect

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples/eras/keras2"
LOSSES = json.loads((Path(__file__).parent / "keras2_programs.json").read_text())
# Of each kind one: gradients of K, a generator, shared layers, and arguments of Keras 1.
RUN = ("filter_visualization", "sequence_and_files", "acgan", "old_spellings")


def test_every_program_has_losses():
    assert {path.stem for path in PROGRAMS.glob("*.py")} == LOSSES.keys()
    assert all(len(losses) >= 2 for losses in LOSSES.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_losses_are_those_of_keras_2(name, tmp_path):
    result = tmp_path / "result.json"
    program = PROGRAMS / f"{name}.py"
    record = ROOT / "scripts/era_programs/record.py"
    command = [sys.executable, "-W", "ignore", record, result, program, "--cornu"]
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(result.read_text())["losses"]
    np.testing.assert_allclose(found, LOSSES[name], rtol=1e-5, atol=1e-5)


# A program with arguments of Keras 1 alone is one of Keras 1.
@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"old_spellings"}))
def test_no_program_is_taken_for_one_of_keras_1(name):
    assert detect(PROGRAMS / f"{name}.py").dialect in ("keras2", "keras3")
