"""Compares the outcomes of a program with Keras and with cornu."""

import ast
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from scripts.keras_programs.execution import PROGRAMS, Outcome

ROOT = Path(__file__).parents[2]
LIBRARIES = ("keras", "cornu")
TOLERANCE = 1e-4
# Compilation is part of the times, so nothing is read from a cache.
ENVIRONMENT = {
    "CORNU_COMPILATION_CACHE": "off",
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "JAX_PLATFORMS": "cpu",
    "KERAS_BACKEND": "jax",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass
class Comparison:
    """A row of the table.

    Attributes:
        subject: the part of the API that the program uses.
        reason: why the libraries differ, if they do so on purpose.
        loss: the largest difference of the losses, relative where a loss exceeds 1.
        result: the largest difference of the results of `train`, or None if there are none.
        seconds: per library, the seconds until the first loss, and between two losses.
        failure: the last line of the error of a program that failed.
    """

    subject: str
    reason: str = ""
    loss: float | None = None
    result: float | None = None
    seconds: dict[str, tuple[float, float]] | None = None
    failure: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether losses and results agree."""
        gaps = (self.loss, self.result or 0.0)
        return not self.failure and all(gap is not None and gap <= TOLERANCE for gap in gaps)


def compare(names: Sequence[str]) -> dict[str, Comparison]:
    """Runs programs with Keras and, from the same weights, with cornu."""
    with tempfile.TemporaryDirectory() as folder:
        for library in LIBRARIES:
            module = "scripts.keras_programs.run_programs"
            command = [sys.executable, "-m", module, library, folder, *names]
            # Programs may put files into the cache folder of the libraries, which is temporary.
            home = {"KERAS_HOME": str(Path(folder) / "home")}
            subprocess.run(command, cwd=ROOT, env={**os.environ, **ENVIRONMENT, **home}, check=True)
        return {
            name: _compare_outcomes(
                name,
                {one: pickle.loads((Path(folder) / one / name).read_bytes()) for one in LIBRARIES},
            )
            for name in names
        }


def _compare_outcomes(name: str, outcomes: dict[str, Outcome | str]) -> Comparison:
    row = Comparison(*describe(name))
    for library, outcome in outcomes.items():
        if isinstance(outcome, str):
            print(f"{name} with {library}:\n{outcome}", file=sys.stderr)
            row.failure = f"{library}: {outcome.strip().splitlines()[-1]}"
            return row
    keras, cornu = outcomes["keras"], outcomes["cornu"]
    assert isinstance(keras, Outcome) and isinstance(cornu, Outcome)
    row.seconds = {"keras": keras.seconds, "cornu": cornu.seconds}
    try:
        row.loss = difference(keras.losses, cornu.losses)
        row.result = None if keras.result is None else difference(keras.result, cornu.result)
    except ValueError as error:
        row.failure = str(error)
    return row


def describe(name: str) -> tuple[str, str]:
    """Returns the subject of a program and its constant DIFFERENCE, without running it."""
    module = ast.parse((PROGRAMS / f"{name}.py").read_text(encoding="utf-8"))
    docstring = ast.get_docstring(module)
    assert docstring is not None
    reasons = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DIFFERENCE"
    ]
    return docstring.partition("\n\n")[0].replace("\n", " "), "".join(reasons)


def difference(a: Any, b: Any) -> float:
    """Returns the largest difference of two structures of numbers, relative where |a| > 1."""
    if jax.tree.structure(a) != jax.tree.structure(b):
        raise ValueError(f"different structures: {jax.tree.structure(a)}, {jax.tree.structure(b)}")
    largest = 0.0
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if x.shape != y.shape:
            raise ValueError(f"different shapes: {x.shape}, {y.shape}")
        gap = np.abs(x - y) / np.maximum(1.0, np.abs(x))
        # A NaN differs from any number, and equals a NaN.
        gap = np.where(np.isnan(x) & np.isnan(y), 0.0, np.nan_to_num(gap, nan=np.inf))
        largest = max(largest, float(gap.max(initial=0.0)))
    return largest
