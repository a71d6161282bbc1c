"""Runs the programs of packages on both libraries, and compares the results of their steps."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {"optuna": "optuna-integration"}
"""The distribution that a program needs, if it is not named like the program."""


@dataclass
class Result:
    """What a program does on cornu, compared with Keras.

    Attributes:
        passed: the steps that run on cornu.
        failed: the last line of the error of each other step.
        unequal: the steps whose results differ from those of Keras.
        failed_on_keras: the last line of the error of each step that fails on Keras itself.
        modules_of_keras: the modules of the real Keras that were loaded in the run on cornu.
        seconds: the time of both runs, on Keras and on cornu.
    """

    passed: list[str]
    failed: dict[str, str]
    unequal: list[str]
    failed_on_keras: dict[str, str]
    modules_of_keras: list[str]
    seconds: tuple[float, float]


def names():
    """Returns the names of the programs."""
    return sorted(path.stem for path in PROGRAMS.glob("*.py"))


def distribution(program):
    return DISTRIBUTIONS.get(program, program.replace("_", "-"))


def installed_version(program):
    """Returns the version of the package of a program, or None."""
    try:
        return metadata.version(distribution(program))
    except metadata.PackageNotFoundError:
        return None


def run(library, program, results):
    """Runs a program on a library; returns its report."""
    results = Path(results, f"{library}_{program}.json")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, "-m", "tests.packages.harness", library, program, str(results)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{program} on {library}: {done.stderr[-3000:]}")
    return json.loads(results.read_text())


def compare(theirs, mine):
    """Returns the Result of two reports."""
    result = Result([], {}, [], {}, mine["modules_of_keras"], (theirs["seconds"], mine["seconds"]))
    assert theirs["steps"].keys() == mine["steps"].keys()
    for name, step in mine["steps"].items():
        expected = theirs["steps"][name]
        if "error" in expected:
            result.failed_on_keras[name] = _last_line(expected["error"])
        if "error" in step:
            result.failed[name] = _last_line(step["error"])
            continue
        result.passed.append(name)
        if "error" not in expected and not equal(expected["value"], step["value"]):
            result.unequal.append(name)
    return result


def equal(expected, found):
    """Whether two results are equal; numbers up to the rounding of other orders of operations."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(equal(expected[k], found[k]) for k in found)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(equal, expected, found))
    if isinstance(expected, float) and isinstance(found, float):
        both_nan = math.isnan(expected) and math.isnan(found)
        return both_nan or math.isclose(expected, found, rel_tol=1e-3, abs_tol=1e-5)
    return expected == found


def _last_line(error):
    lines = [line for line in error.strip().splitlines() if line.strip()]
    raised = [line for line in lines if not line.startswith((" ", "For simplicity"))]
    return raised[-1]
