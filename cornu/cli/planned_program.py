"""Finds the model of a program for `cornu plan`."""

from __future__ import annotations

import inspect
import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cornu.distribution.planning.training_step import without_weights
from cornu.models import Model

__all__ = ["find_model"]

# Not "__main__": a program that trains `if __name__ == "__main__"` does not train.
_RUN_NAME = "__plan__"


def find_model(file: str, name: str | None = None) -> Model:
    """Runs a program and returns its model, without the values of its weights.

    Args:
        file: the program.
        name: the name of the model, or of a function without arguments that returns it; by default
            the only compiled model among the global variables of the program.

    Raises:
        ValueError: the file does not exist, or there is no such model, or several of them.
    """
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"file {file!r} does not exist")
    sys.path.insert(0, str(path.resolve().parent))
    with without_weights():
        variables = runpy.run_path(str(path), run_name=_RUN_NAME)
        if name is not None:
            return _named(file, name, variables)
    models = {key: value for key, value in variables.items() if isinstance(value, Model)}
    compiled = {key: model for key, model in models.items() if model.compiled}
    if len({id(model) for model in compiled.values()}) == 1:
        return next(iter(compiled.values()))
    if compiled:
        raise ValueError(
            f"{file} has several compiled models: {', '.join(compiled)}.\n"
            "Choose one of them: --model NAME."
        )
    if models:
        raise ValueError(
            f"{file} has no compiled model; not compiled: {', '.join(models)}.\n"
            "Call compile(optimizer, loss) in the program."
        )
    functions = [
        key for key, value in variables.items() if _is_own_function(value) and key[0] != "_"
    ]
    hint = f" Its functions are {', '.join(functions)}." if functions else ""
    raise ValueError(
        f"{file} has no global variable that is a model.{hint}\n"
        "Assign the model to one, or name a function that returns it: --model NAME."
    )


def _named(file: str, name: str, variables: Mapping[str, Any]) -> Model:
    if name not in variables:
        known = [key for key, value in variables.items() if isinstance(value, Model)]
        known += [key for key, value in variables.items() if _is_own_function(value)]
        raise ValueError(f"{file} has no {name!r}. Known: {', '.join(known) or 'nothing'}.")
    found = variables[name]
    if _is_own_function(found):
        found = found()
    if not isinstance(found, Model):
        raise ValueError(
            f"{name!r} in {file} is not a model, nor a function that returns one. Received: "
            f"{type(found).__name__}"
        )
    return found


def _is_own_function(value: object) -> bool:
    """Whether a value is a function that the program defines."""
    return inspect.isfunction(value) and value.__module__ == _RUN_NAME
