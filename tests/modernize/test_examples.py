"""The example programs, modernized; docs/modernize.md is the table of all of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cornu.modernize import load_era, modernize_source
from scripts.modernize.__main__ import LIMIT, STORED, difference, name_of, programs
from scripts.modernize.page import REASONS

ROOT = Path(__file__).parents[2]
PROGRAMS = {name_of(path): (path, dialect) for path, dialect in programs()}
# Programs that run, but compute other numbers, as their reasons say.
OTHER_NUMBERS = {"founding/functional", "keras2/character_generation"}


def modernize(name):
    path, dialect = PROGRAMS[name]
    return modernize_source(path.read_text(), load_era(dialect))


@pytest.mark.slow
def test_every_program_can_be_read():
    assert len(PROGRAMS) == 60 and set(REASONS) <= set(PROGRAMS)
    for name in PROGRAMS:
        new = modernize(name)
        compile(new.text, name, "exec")
        if name in REASONS.keys() - OTHER_NUMBERS:
            assert new.marks, name


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["founding/sequential_merge", "keras1/acgan", "keras2/multi_output"]
)
def test_a_program_computes_the_losses_of_the_dialect(name, tmp_path):
    program, result = tmp_path / "program.py", tmp_path / "losses.json"
    program.write_text(modernize(name).text)
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "scripts.modernize.record"),
            *(str(result), str(program), "keras3"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    expected = json.loads(STORED.read_text())[name]
    assert difference(expected, json.loads(result.read_text())["losses"]) <= LIMIT
