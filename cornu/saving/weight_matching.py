"""Matches the arrays of a file with the weights of a model."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping

import numpy as np

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity, suggest
from cornu.saving.formats.array_reader import ArrayReader

__all__ = ["find_mismatches", "read_matching_arrays"]


def read_matching_arrays(
    variables: Mapping[str, Variable], reader: ArrayReader, skip_mismatch: bool = False
) -> dict[str, np.ndarray]:
    """Reads an array for each Variable from an open file.

    Args:
        variables: the Variables by their key in the file.
        reader: the file.
        skip_mismatch: whether Variables without a matching array are left out, with a warning.

    Raises:
        ValueError: an array is missing or has another shape, and `skip_mismatch` is False.
    """
    mismatches = find_mismatches(variables, reader.shapes)
    listing = _format_list([f"{key}: {reason}" for key, reason in mismatches.items()])
    if mismatches and not skip_mismatch:
        raise ValueError(
            f"The file does not match {len(mismatches)} of the model's "
            f"{quantity(len(variables), 'weight')}. The model was not changed.{listing}"
            f"{_suggest_key(mismatches, reader)}\n"
            "Check that the file was saved from the same architecture, or pass skip_mismatch=True "
            "to load the weights that match."
        )
    unused = [p for p in reader.shapes if p not in variables and not p.startswith("optimizer/")]
    if mismatches:
        warnings.warn(
            f"Did not load {quantity(len(mismatches), 'weight')}:{listing}",
            stacklevel=user_stacklevel(),
        )
    elif unused:
        warnings.warn(
            f"Did not use {quantity(len(unused), 'array')} of the file, for which the model has no "
            f"weight:{_format_list(unused)}",
            stacklevel=user_stacklevel(),
        )
    return {key: reader.read(key) for key in variables if key not in mismatches}


def find_mismatches(
    variables: Mapping[str, Variable], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, str]:
    """Returns the keys whose arrays are missing or do not match, each with the reason."""
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


def _suggest_key(mismatches: Mapping[str, str], reader: ArrayReader) -> str:
    missing = [key for key in mismatches if key not in reader.shapes]
    return f"\n{suggest(missing[0], list(reader.shapes)[:50])}" if missing else ""


def _parent_key(key: str) -> str:
    return key.rpartition("/")[0]


def _format_list(lines: list[str], limit: int = 20) -> str:
    more = [f"... and {len(lines) - limit} more"] if len(lines) > limit else []
    return "".join(f"\n  {line}" for line in lines[:limit] + more)
