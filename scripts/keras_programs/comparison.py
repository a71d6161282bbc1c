"""Compares the outcomes of a program with Keras and with cornu."""

import ast
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from scripts.keras_programs.execution import PROGRAMS, Outcome

ROOT = Path(__file__).parents[2]
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
        return self.loss is not None and max(self.loss, self.result or 0.0) <= TOLERANCE


def compare(name: str) -> Comparison:
    """Runs a program with Keras and with cornu, from the same weights."""
    subject, reason = describe(name)
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = {library: os.path.join(folder, library) for library in ("keras", "cornu")}
        for library, file in files.items():
            command = [sys.executable, "-m", "scripts.keras_programs.run_program"]
            command += [library, name, file, *([files["keras"]] if library == "cornu" else [])]
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True
            )
            if done.returncode:
                print(done.stderr, file=sys.stderr)
                failure = f"{library}: {done.stderr.strip().splitlines()[-1]}"
                return Comparison(subject, reason, failure=failure)
            outcomes[library] = pickle.loads(Path(file).read_bytes())
    keras, cornu = outcomes["keras"], outcomes["cornu"]
    return Comparison(
        subject,
        reason,
        loss=difference(keras.losses, cornu.losses),
        result=None if keras.result is None else difference(keras.result, cornu.result),
        seconds={
            library: (outcome.first_seconds, outcome.step_seconds)
            for library, outcome in outcomes.items()
        },
    )


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
