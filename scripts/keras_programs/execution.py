"""Runs one program with one library; see README.md for what a program contains."""

import importlib
import importlib.util
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Outcome:
    """What a program computed, and how long it took.

    Attributes:
        losses: the logged losses.
        result: what `train` returned.
        seconds: the time from building the models to the first logged loss, and the median time
            between two logged losses.
        weights: the initial weights of all models.
    """

    losses: list[float]
    result: Any
    seconds: tuple[float, float]
    weights: list[np.ndarray] = field(repr=False)


def program_names() -> list[str]:
    """Returns the names of all programs."""
    return sorted(path.stem for path in PROGRAMS.glob("*.py"))


def import_program(name: str, library: ModuleType) -> ModuleType:
    """Imports a program in which `import keras` imports `library`."""
    before = sys.modules.get("keras")
    sys.modules["keras"] = library
    try:
        spec = importlib.util.spec_from_file_location(f"{name}_program", PROGRAMS / f"{name}.py")
        assert spec is not None and spec.loader is not None
        program = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = program
        spec.loader.exec_module(program)
    finally:
        del sys.modules["keras"]
        if before is not None:
            sys.modules["keras"] = before
    return program


def run(name: str, library: ModuleType, weights: list[np.ndarray] | None = None) -> Outcome:
    """Runs a program.

    Args:
        name: the name of the program.
        library: what `import keras` imports.
        weights: initial weights of all models, in order; by default those of the initializers.
    """
    program = import_program(name, library)
    losses: list[float] = []
    times: list[float] = []

    class Log(library.callbacks.Callback):  # type: ignore[name-defined, misc]
        """Records the losses of epochs, and those with which it is called."""

        def __call__(self, loss: Any) -> None:
            losses.append(float(loss))
            times.append(time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self(logs["loss"])

    library.utils.set_random_seed(0)
    start = time.perf_counter()
    built = program.build()
    models = built if isinstance(built, tuple) else (built,)
    if weights is not None:
        _set_weights(models, weights)
    initial = [np.array(w) for model in models for w in model.get_weights()]
    result = program.train(*models, Log())
    return Outcome(
        losses,
        result,
        seconds=(times[0] - start, float(np.median(np.diff(times)))),
        weights=initial,
    )


def _set_weights(models: tuple[Any, ...], weights: list[np.ndarray]) -> None:
    remaining = list(weights)
    for model in models:
        count = len(model.get_weights())
        model.set_weights(remaining[:count])
        remaining = remaining[count:]
    if remaining:
        raise ValueError(f"{len(remaining)} of {len(weights)} weights belong to no model")
