"""Assignment of the columns of a table to inputs, targets and sample weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cornu.data import frames
from cornu.errors import suggest
from cornu.types import DataLike, PyTree

__all__ = ["NAMELESS", "Names", "bind", "bind_batch", "bind_frame"]

# Default names of a column of targets, if no column is named like an output.
_TARGETS = ("y", "label", "labels")
_WEIGHT = "sample_weight"


@dataclass(frozen=True)
class Names:
    """The names of a model's inputs and outputs, which are matched with column names.

    Attributes:
        inputs: the names of the inputs; empty for a model without functional graph.
        outputs: the names of the outputs; empty if they are unknown.
        read: a function that converts x to arrays instead of `as_arrays`, with the same arguments.
        sparse: whether sparse matrices in x remain sparse.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    read: Callable[[Any, str, tuple[str, ...], bool], Any] | None = None
    sparse: bool = False


NAMELESS = Names()


def bind(
    columns: list[str], names: Names, y: DataLike = None, weight: PyTree = None
) -> tuple[Any, Any, Any]:
    """Returns `(x, y, sample_weight)` with names of columns in place of arrays.

    Targets are the columns given by `y` (a name, or a list or dict of names); otherwise the
    columns named like outputs; otherwise the first of `y`, `label` and `labels`. Weights are the
    column given by `weight`, otherwise `sample_weight`. Inputs are the columns named like inputs,
    otherwise all remaining columns.

    Args:
        columns: the names of the columns.
        names: the names of inputs and outputs.
        y, weight: names of columns.

    Returns:
        x as a name, or as a dict of names for several columns; y and sample_weight as names or
        nested names.

    Example:

    >>> bind(["image", "label", "id"], Names(("image",)))
    ('image', 'label', None)
    >>> bind(["a", "b", "age"], Names(("a", "b"), ("age",)))
    ({'a': 'a', 'b': 'b'}, 'age', None)
    >>> bind(["width", "height", "area"], Names(), y="area")
    ({'width': 'width', 'height': 'height'}, 'area', None)
    """
    _check_columns("The data", columns, [*_leaves(y), *_leaves(weight)])
    free = [name for name in columns if name not in names.inputs]
    if y is None:
        found = [name for name in names.outputs if name in free]
        found = found or [name for name in _TARGETS if name in free][:1]
        if len(names.outputs) > 1:
            y = {name: name for name in found} or None
        else:
            y = found[0] if found else None
    if weight is None and _WEIGHT in free:
        weight = _WEIGHT
    used = {*_leaves(y), *_leaves(weight)}
    rest = [name for name in columns if name not in used]
    if names.inputs and all(name in rest for name in names.inputs):
        rest = list(names.inputs)
    elif len(names.inputs) <= 1 and "x" in rest:
        rest = ["x"]
    if not rest:
        raise ValueError(f"The data has no column for x. Its columns are {', '.join(columns)}.")
    single = len(rest) == 1 and len(names.inputs) <= 1
    return (rest[0] if single else {name: name for name in rest}), y, weight


def _leaves(structure: PyTree) -> list[Any]:
    if structure is None:
        return []
    if isinstance(structure, dict):
        return list(structure.values())
    return list(structure) if isinstance(structure, (list, tuple)) else [structure]


def _select(structure: PyTree, table: Any) -> Any:
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: table[name] for key, name in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [table[name] for name in structure]
    return table[structure]


def bind_batch(
    table: dict[str, Any], names: Names, y: DataLike = None, weight: PyTree = None
) -> Any:
    """Returns `(x, y, sample_weight)` from a dict of columns."""
    return tuple(_select(part, table) for part in bind(list(table), names, y, weight))


def bind_frame(frame: Any, y: DataLike, weight: PyTree) -> Any:
    """Returns `(x, y, sample_weight)` from a frame; y and weight may be names of columns."""
    named = [part if _is_names(part) else None for part in (y, weight)]
    used = [name for part in named for name in _leaves(part)]
    frame = frames.collected(frame)
    columns = frames.columns_of(frame)
    _check_columns("x", columns, used)
    parts = [
        _select(given, frame) if given is not None else part
        for given, part in zip(named, (y, weight), strict=True)
    ]
    return (frames.without(frame, used) if used else frame, *parts)


def _check_columns(what: str, columns: list[Any], wanted: list[str]) -> None:
    for name in wanted:
        if name not in columns:
            raise ValueError(f"{what} has no column {name!r}. {suggest(name, map(str, columns))}")


def _is_names(part: Any) -> bool:
    found = _leaves(part) if isinstance(part, (str, list, tuple, dict)) else []
    return bool(found) and all(isinstance(name, str) for name in found)
