"""Conversion of data that contains strings, for models that convert them to numbers."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from cornu.data import frames
from cornu.data.conversion import as_arrays, is_array
from cornu.data.lazy_columns import Column
from cornu.foreign import is_a, library_of
from cornu.types import PyTree

__all__ = ["arrays_with_strings", "has_strings", "is_list_of_strings"]

_PROBED = 1000  # elements of an array of objects in which a string is searched


def arrays_with_strings(
    structure: PyTree, what: str, names: tuple[str, ...] = (), lazy: bool = True
) -> Any:
    """Converts a nested structure to arrays like `as_arrays`, where arrays may hold strings.

    Args:
        structure: arrays, tensors, frames or lists of numbers and strings, arbitrarily nested.
        what: the name of the structure in error messages.
        names: the names of the model's inputs. For several inputs, a list of as many lists holds
            the values of each.
        lazy: as in `as_arrays`.

    Raises:
        TypeError: the structure is a string rather than a list of strings.
    """
    if isinstance(structure, (str, bytes)):
        raise TypeError(
            f"{what} is the string {structure!r:.80}; expected a list or array of strings.\n"
            "Pass a list for a single sample, too: ['...']."
        )
    if isinstance(structure, dict):
        return {
            key: arrays_with_strings(item, f"{what}[{key!r}]", lazy=lazy)
            for key, item in structure.items()
        }
    if isinstance(structure, (list, tuple)):
        return _from_list(structure, what, names, lazy)
    if isinstance(structure, np.ndarray):
        return structure if has_strings(structure) else as_arrays(structure, what, names, lazy)
    if isinstance(structure, Column):
        return structure
    if frames.is_frame(structure):
        return _from_frame(structure, what, names)
    if frames.is_series(structure):
        return _from_series(structure, what)
    if library_of(structure) == "tensorflow" and is_a(structure, "tensorflow", "Tensor"):
        array = np.asarray(structure.numpy())
        return array if has_strings(array) else as_arrays(array, what, names, lazy)
    return as_arrays(structure, what, names, lazy)


def has_strings(array: np.ndarray) -> bool:
    """Whether an array holds strings or bytes; an array of objects may also hold other objects."""
    if array.dtype.kind != "O":
        return array.dtype.kind in "UST"
    return any(isinstance(item, (str, bytes)) for item in array.ravel()[:_PROBED])


def is_list_of_strings(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether a value is a list or tuple of strings, and not empty."""
    is_list = isinstance(value, (list, tuple)) and bool(value)
    return is_list and all(isinstance(item, (str, bytes)) for item in value)


def _from_list(value: Any, what: str, names: tuple[str, ...], lazy: bool) -> Any:
    several = len(names) > 1 and len(value) == len(names)
    if any(is_array(item) for item in value) or (
        # One list could not hold the values of several inputs.
        several and all(isinstance(item, (list, tuple)) for item in value)
    ):
        items = [
            arrays_with_strings(item, f"{what}[{i}]", lazy=lazy) for i, item in enumerate(value)
        ]
        kind = type(value)
        return kind(*items) if hasattr(value, "_fields") else kind(items)
    if not _begins_with_string(value):
        return as_arrays(value, what, names, lazy)
    # An array of objects: one of fixed size would need the memory of the longest string for each.
    if not isinstance(value[0], (list, tuple)):
        array = np.empty(len(value), object)
        array[:] = value
        return array
    try:
        array = np.array(value, object)
    except ValueError:
        array = np.empty(len(value), object)
        array[:] = value
    if any(isinstance(item, (list, tuple)) for item in array.ravel()[:_PROBED]):
        raise ValueError(
            f"{what} is ragged: its rows have different numbers of strings and do not form an "
            "array.\nJoin the words of a row to one text, or pad the rows with ''."
        )
    return array


def _begins_with_string(value: Any) -> bool:
    while isinstance(value, (list, tuple)) and len(value):
        value = value[0]
    return isinstance(value, (str, bytes))


def _from_frame(table: Any, what: str, names: tuple[str, ...]) -> Any:
    frame = frames.collected(table)
    columns = frames.columns_of(frame)
    wanted = [name for name in names if name in columns]
    if names and len(wanted) == len(names):
        parts = {name: _from_series(frame[name], f"{what}[{name!r}]") for name in names}
        return parts if len(names) > 1 else parts[names[0]]
    parts = {name: _from_series(frame[name], f"{what}[{name!r}]") for name in columns}
    if not parts or not any(map(has_strings, parts.values())):
        return frames.arrays_of(frame, what, names)
    arrays = list(parts.values())
    # By name, so that the error for an input without a column names the columns.
    return np.stack(arrays, axis=1) if all(map(has_strings, arrays)) else parts


def _from_series(series: Any, what: str) -> Any:
    objects = frames.strings_of(series)
    return objects if objects is not None else frames.arrays_of(series, what)
