"""Nested Python values as JSON and arrays, and back."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

__all__ = ["decode_state", "encode_state", "is_encodable"]

# The key of a dict that stands for something that JSON does not have.
_TYPE = "of"


def encode_state(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Converts a value to JSON data; arrays in it are added to `arrays` by name.

    Args:
        value: numbers, strings, None, arrays, and lists, tuples and dicts of these.
        arrays: where arrays are added.
        name: the prefix of the names of arrays.

    Raises:
        TypeError: the value contains something else.

    Example:

    >>> arrays = {}
    >>> data = encode_state({"best": np.ones(2), "at": 1}, arrays, "stop")
    >>> data, list(arrays)
    ({'best': {'of': 'array', 'name': 'stop/best'}, 'at': 1}, ['stop/best'])
    >>> decode_state(data, arrays)
    {'best': array([1., 1.]), 'at': 1}
    """
    # NumPy's float64 is a subclass of float, but must keep its type.
    if value is None or isinstance(value, (bool, int, float, str)) and not _is_numpy(value):
        return value
    if isinstance(value, list):
        return [encode_state(item, arrays, f"{name}/{i}") for i, item in enumerate(value)]
    if isinstance(value, tuple):
        items = [encode_state(item, arrays, f"{name}/{i}") for i, item in enumerate(value)]
        return {_TYPE: "tuple", "items": items}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and _TYPE not in value:
            return {key: encode_state(item, arrays, f"{name}/{key}") for key, item in value.items()}
        pairs = [
            [encode_state(part, arrays, f"{name}/{i}") for part in pair]
            for i, pair in enumerate(value.items())
        ]
        return {_TYPE: "dict", "items": pairs}
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        array = np.asarray(value)
        # V is the kind of bfloat16 and other dtypes of `ml_dtypes`.
        if array.dtype.kind in "fiubV":
            arrays[name] = array
            return {_TYPE: "number" if _is_numpy(value) else "array", "name": name}
    raise TypeError(
        f"{name} holds {value!r} (of type {type(value).__name__}), which cannot be saved. A state "
        "consists of numbers, strings, arrays, and lists, tuples and dicts of these."
    )


def decode_state(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Returns the value that `encode_state` converted to JSON data and arrays."""
    if isinstance(value, list):
        return [decode_state(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TYPE)
    if kind is None:
        return {key: decode_state(item, arrays) for key, item in value.items()}
    if kind == "tuple":
        return tuple(decode_state(item, arrays) for item in value["items"])
    if kind == "dict":
        return {
            decode_state(key, arrays): decode_state(item, arrays) for key, item in value["items"]
        }
    array = arrays[value["name"]]
    return array[()] if kind == "number" else array


def is_encodable(value: Any) -> bool:
    """Tells whether `encode_state` supports a value."""
    try:
        encode_state(value, {}, "")
    except (TypeError, RecursionError):
        return False
    return True


def _is_numpy(value: Any) -> bool:
    return isinstance(value, np.generic)
