"""Conversion of frames and series of pandas and polars to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.core.state.dtypes import narrowed
from cornu.foreign import is_a
from cornu.types import DataLike

__all__ = [
    "arrays_of",
    "collected",
    "columns_of",
    "contents",
    "is_frame",
    "is_series",
    "stacked",
    "strings_of",
    "without",
]


def is_frame(x: DataLike) -> bool:
    """Whether an object is a frame of pandas or polars."""
    return is_a(x, "pandas", "DataFrame") or is_a(x, "polars", "DataFrame", "LazyFrame")


def is_series(x: DataLike) -> bool:
    """Whether an object is a series of pandas or polars, or an extension array of pandas."""
    return is_a(x, "pandas", "Series", "Index", "ExtensionArray") or is_a(x, "polars", "Series")


def columns_of(frame: Any) -> list[Any]:
    """Returns the names of a frame's columns."""
    return list(collected(frame).columns)


def without(frame: Any, names: list[Any]) -> Any:
    """Returns a frame without some columns."""
    return collected(frame).drop(names) if _is_polars(frame) else frame.drop(columns=names)


def arrays_of(table: Any, what: str, names: tuple[str, ...] = ()) -> Any:
    """Converts a series to an array, and a frame to an array or a dict of arrays.

    Args:
        table: a frame or series.
        what: its name in error messages.
        names: the names of the model's inputs or outputs. If there are several and the frame has
            a column for each, a dict of these columns is returned. Otherwise all columns are
            stacked in one array of shape (rows, columns).
    """
    if not is_frame(table):
        return narrowed(_numbers(table, what))
    frame = collected(table)
    columns = list(frame.columns)
    if len(names) > 1 and all(name in columns for name in names):
        return {name: narrowed(_numbers(frame[name], f"{what}[{name!r}]")) for name in names}
    parts, wrong, kinds = [], [], set()
    for i, name in enumerate(columns):
        part = frame[name] if _is_polars(frame) else frame.iloc[:, i]
        try:
            parts.append(_numbers(part, f"{what}[{name!r}]"))
        except TypeError:
            wrong.append(str(name))
            kinds.add(contents(_objects(part)))
    if wrong:
        raise TypeError(
            f"{what} contains {' and '.join(sorted(kinds))}, not numbers, in the columns "
            f"{', '.join(wrong)}. Convert them to numbers first: categories to integers, texts to "
            "token ids, None to finite values."
        )
    if not parts:
        raise ValueError(
            f"{what} is a frame without columns; expected at least one column of numbers.\n"
            "Check how the columns are selected."
        )
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        listed = ", ".join(f"{n}: {p.shape[1:]}" for n, p in zip(columns, parts, strict=True))
        raise ValueError(
            f"{what}: the columns contain arrays of different shapes ({listed}), which cannot be "
            "stacked.\nCreate an Input for each, named like the column, or pass a dict of arrays."
        )
    if len(parts) == 1 and parts[0].ndim > 1:
        return narrowed(parts[0])
    return narrowed(np.stack(parts, axis=1))


def _is_polars(frame: Any) -> bool:
    return is_a(frame, "polars", "DataFrame", "LazyFrame", "Series")


def collected(frame: Any) -> Any:
    """Returns a frame in memory; a lazy frame is computed."""
    return frame.collect() if is_a(frame, "polars", "LazyFrame") else frame


def _objects(series: Any) -> np.ndarray:
    return series.to_numpy() if _is_polars(series) else np.asarray(series, dtype=object)


def strings_of(series: Any) -> np.ndarray | None:
    """Returns a series of strings as an array of objects; None for a series of other values."""
    if _is_polars(series):
        kinds = ("String", "Utf8", "Categorical", "Enum", "Binary")
        return np.array(series.to_list(), object) if str(series.dtype).startswith(kinds) else None
    if getattr(series.dtype, "kind", "O") in "biufcMm":
        return None
    objects = _objects(series)
    found = any(isinstance(item, (str, bytes)) for item in objects.ravel()[:1000])
    return objects if found else None


def _numbers(series: Any, what: str) -> np.ndarray:
    """Converts a series to numbers; missing values become NaN."""
    if _is_polars(series):
        if str(series.dtype).startswith(("Categorical", "Enum", "Date", "Time", "Duration")):
            raise _no_numbers(what, str(series.dtype))
        array = series.to_numpy()
    else:
        kind = str(series.dtype)
        if kind.startswith(("category", "datetime", "timedelta", "period", "interval")):
            raise _no_numbers(what, kind)
        numpy_kind = getattr(series.dtype, "kind", "O")
        missing = numpy_kind in "biuf" and bool(series.isna().any())
        if numpy_kind not in "biuf":
            array = np.asarray(series, dtype=object)
        elif missing:
            array = series.to_numpy(dtype="float64", na_value=np.nan)
        else:
            # Without a dtype, an extension type such as Int64 would become an array of objects.
            array = series.to_numpy(dtype=getattr(series.dtype, "numpy_dtype", None))
    array = np.asarray(array)
    if array.dtype.kind == "O":
        array = stacked(array, what)
    if array.dtype.kind not in "biuf":
        raise _no_numbers(what, contents(array))
    return array


def _no_numbers(what: str, kind: str) -> TypeError:
    hint = ": categories to integers (series.cat.codes)" if kind == "category" else ""
    return TypeError(f"{what} contains {kind}, not numbers. Convert it to numbers first{hint}.")


def stacked(objects: np.ndarray, what: str) -> np.ndarray:
    """Stacks an object array of numeric arrays; other object arrays are returned unchanged.

    Raises:
        ValueError: the arrays have different shapes.
    """
    if objects.ndim != 1 or not len(objects) or not _is_row(objects[0]):
        return objects
    rows = [np.asarray(row) for row in objects if _is_row(row)]
    shapes = {row.shape for row in rows}
    if len(rows) < len(objects) or any(row.dtype.kind not in "biuf" for row in rows):
        return objects
    if len(shapes) > 1:
        some = sorted(shapes)[:3]
        raise ValueError(
            f"{what} is ragged: its rows have different shapes ({', '.join(map(str, some))}) and "
            "do not form an array.\nPad sequences with cornu.utils.pad_sequences; resize images."
        )
    return np.stack(rows)


def _is_row(item: Any) -> bool:
    return isinstance(item, (list, tuple, np.ndarray))


def contents(array: np.ndarray) -> str:
    """Describes the contents of an array that is not numeric, for error messages."""
    if array.dtype.kind in "US":
        return "strings"
    if array.dtype.kind in "Mm":
        return "times"
    if array.dtype.names is not None:
        return f"structured rows (fields {', '.join(array.dtype.names[:5])})"
    found = array.ravel()[:1000]
    kinds = sorted({"None" if item is None else type(item).__name__ for item in found})
    if kinds == ["int"] and any(abs(item) >= 1 << 63 for item in found):
        return "integers beyond 64 bits"
    return "strings" if kinds == ["str"] else f"objects ({', '.join(kinds[:3])})"
