"""Matches the arrays of a file with the weights of a model."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Mapping

import numpy as np

from cornu.core.state.dtypes import is_float
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity, suggest
from cornu.names import printable

__all__ = ["check_all_match", "find_mismatches", "to_dtype", "warn_mismatches"]

Shapes = Mapping[str, tuple[int, ...]]


def find_mismatches(variables: Mapping[str, Variable], shapes: Shapes) -> dict[str, str]:
    """Returns the keys whose arrays are missing or do not match, each with the reason.

    Args:
        variables: the Variables by their key in the file.
        shapes: the shapes of the arrays in the file.
    """
    expected, stored = (Counter(_parent_key(key) for key in keys) for keys in (variables, shapes))
    mismatches: dict[str, str] = {}
    for key, variable in variables.items():
        parent = _parent_key(key)
        if key not in shapes:
            mismatches[key] = f"{variable.path} {variable.shape} is not in the file"
        elif shapes[key] != variable.shape:
            mismatches[key] = (
                f"{variable.path} has shape {variable.shape}, the array in the file {shapes[key]}"
            )
        elif stored[parent] > expected[parent]:
            # Otherwise a layer without a bias would silently ignore the bias in the file.
            mismatches[key] = (
                f"{variable.path} belongs to a layer with "
                f"{quantity(expected[parent], 'weight')}, the file has {stored[parent]}"
            )
    return mismatches


def check_all_match(
    variables: Mapping[str, Variable],
    shapes: Shapes,
    mismatches: Mapping[str, str],
    unused: Collection[str],
    remedy: str,
) -> None:
    """Raises ValueError if a weight has no matching array, or an array belongs to no weight.

    Args:
        variables: the Variables by their key in the file.
        shapes: the shapes of the arrays in the file.
        mismatches: the result of `find_mismatches`.
        unused: the keys of arrays that belong to no weight.
        remedy: how to load the weights that match.
    """
    if not mismatches and not unused:
        return
    if mismatches:
        problem = f"The file does not match {len(mismatches)} of the model's "
        problem += f"{quantity(len(variables), 'weight')}. The model was not changed."
        problem += _list_mismatches(mismatches)
        if unused:
            problem += f"\nIt has no weight for {quantity(len(unused), 'array')} of the file:"
            problem += _list_unused(unused, shapes)
        missing = [key for key in mismatches if key not in shapes]
        if missing:
            problem += f"\n{suggest(missing[0], list(unused or shapes)[:50])}"
    else:
        problem = f"The model has no weight for {quantity(len(unused), 'array')} of the file. "
        problem += f"The model was not changed.{_list_unused(unused, shapes)}"
    raise ValueError(
        f"{problem}\nCheck that the file was saved from the same architecture, or {remedy}."
    )


def warn_mismatches(mismatches: Mapping[str, str], unused: Collection[str], shapes: Shapes) -> None:
    """Warns of weights that were not loaded, and of arrays that were not used."""
    if mismatches:
        warnings.warn(
            f"Did not load {quantity(len(mismatches), 'weight')}:{_list_mismatches(mismatches)}",
            stacklevel=user_stacklevel(),
        )
    if unused:
        warnings.warn(
            f"Did not use {quantity(len(unused), 'array')} of the file, for which the model has no "
            f"weight:{_list_unused(unused, shapes)}",
            stacklevel=user_stacklevel(),
        )


def to_dtype(array: np.ndarray, dtype: str, path: str) -> np.ndarray:
    """Returns the array of a file in the dtype of its Variable.

    Args:
        array: an array of another precision, perhaps.
        dtype: the dtype of the Variable.
        path: the path of the Variable, for error messages.

    Raises:
        ValueError: values would change by more than rounding: complex numbers, truth values, or
            numbers beyond the range of the dtype.
    """
    wanted = np.dtype(dtype)
    if array.dtype == wanted:
        return array
    problem = ""
    if array.dtype.kind == "c" and wanted.kind != "c":
        problem = "complex numbers"
    elif (array.dtype.kind == "b") != (wanted.kind == "b"):
        problem = f"values of dtype {array.dtype}"
    if not problem:
        with np.errstate(all="ignore"):
            converted = array.astype(wanted)
        if not _is_same(array, converted):
            problem = f"numbers of dtype {array.dtype} beyond its range"
    if problem:
        raise ValueError(
            f"{path} is of dtype {dtype}; the array in the file holds {problem}.\n"
            "Load the file into a model of the dtype with which it was saved."
        )
    return converted


def _is_same(array: np.ndarray, converted: np.ndarray) -> bool:
    """Returns whether numbers were at most rounded."""
    if is_float(str(converted.dtype)):
        return bool((np.isfinite(converted) | ~np.isfinite(array)).all())
    return bool((converted.astype(array.dtype) == array).all())


def _list_mismatches(mismatches: Mapping[str, str]) -> str:
    return _format_list([f"{key}: {reason}" for key, reason in mismatches.items()])


def _list_unused(unused: Collection[str], shapes: Shapes) -> str:
    return _format_list([f"{key}: shape {shapes[key]}" for key in unused])


def _parent_key(key: str) -> str:
    return key.rpartition("/")[0]


def _format_list(lines: list[str], limit: int = 100) -> str:
    more = [f"... and {len(lines) - limit} more"] if len(lines) > limit else []
    return "".join(f"\n  {printable(line)}" for line in lines[:limit] + more)
