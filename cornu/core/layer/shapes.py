"""Shapes of layers: in configs, in nested structures, and in the arguments of first layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.core.graph.tensor import standardize_shape
from cornu.errors import suggest_argument
from cornu.types import PyTree, Shape

__all__ = ["input_shape_from", "map_shapes", "plain_shapes", "shapes_from_json"]

_INPUT_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


def input_shape_from(cls: type, kwargs: dict[str, Any]) -> Shape | None:
    """Returns the batch shape that the keyword arguments of a first layer describe, or None.

    Raises:
        TypeError: `kwargs` contains other names.
    """
    unknown = [name for name in kwargs if name not in _INPUT_ARGUMENTS]
    if unknown:
        known = list(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
        known = [name for name in known if name not in ("kwargs", "args")]
        known += ["name", "dtype", "trainable", *_INPUT_ARGUMENTS]
        raise TypeError(
            f"{cls.__name__} has no argument {unknown[0]!r}. {suggest_argument(unknown[0], known)}"
        )
    whole = kwargs.get("batch_input_shape") or kwargs.get("batch_shape")
    if whole is not None:
        return standardize_shape(whole)
    shape = kwargs.get("input_shape")
    if shape is None and kwargs.get("input_dim") is not None:
        shape = (kwargs["input_dim"],)
    if shape is None:
        return None
    return standardize_shape((kwargs.get("batch_size"), *shape))


def map_shapes(fn: Callable[[Shape], Any], shapes: PyTree) -> PyTree:
    """Applies a function to each shape in nested lists and dicts of shapes."""
    if isinstance(shapes, dict):
        return {name: map_shapes(fn, shape) for name, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shapes):
        return [map_shapes(fn, shape) for shape in shapes]
    return fn(tuple(shapes))


def plain_shapes(value: Any) -> Any:
    """Returns shapes, or nested shapes, as plain data; sizes that are not integers become None."""
    if isinstance(value, dict):
        return {name: plain_shapes(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(plain_shapes(item) for item in value)
    return int(value) if isinstance(value, (int, np.integer)) else None


def shapes_from_json(value: Any) -> Any:
    """Returns shapes, or nested shapes, that were stored as JSON, which has no tuples."""
    if isinstance(value, dict):
        return {name: shapes_from_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple, dict)) for v in value):
        return [shapes_from_json(item) for item in value]
    return tuple(value) if isinstance(value, (list, tuple)) else value
