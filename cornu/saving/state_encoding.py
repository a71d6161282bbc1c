"""Nested Python values as JSON and arrays, and back."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

__all__ = ["is_encodable", "encode_state", "decode_state"]

_MARK = "of"


def encode_state(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Returns a value as JSON can hold it; arrays in it go into `arrays`, by name.

    Args:
        value: numbers, texts, None, arrays, and lists, tuples and dicts of these.
        arrays: where arrays go.
        name: what the names of the arrays begin with.

    Raises:
        TypeError: something else is in it.

    Example:

    >>> arrays = {}
    >>> text = encode_state({"best": np.ones(2), "at": 1}, arrays, "stop")
    >>> text, list(arrays)
    ({'best': {'of': 'array', 'name': 'stop/best'}, 'at': 1}, ['stop/best'])
    >>> decode_state(text, arrays)
    {'best': array([1., 1.]), 'at': 1}
    """
    if value is None or isinstance(value, (bool, int, float, str)) and not _is_numpy(value):
        return value
    if isinstance(value, list):
        return [encode_state(item, arrays, f"{name}/{i}") for i, item in enumerate(value)]
    if isinstance(value, tuple):
        items = [encode_state(item, arrays, f"{name}/{i}") for i, item in enumerate(value)]
        return {_MARK: "tuple", "items": items}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value) and _MARK not in value:
            return {key: encode_state(item, arrays, f"{name}/{key}") for key, item in value.items()}
        pairs = [
            [encode_state(part, arrays, f"{name}/{i}") for part in pair]
            for i, pair in _numbered_items(value)
        ]
        return {_MARK: "dict", "items": pairs}
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        array = np.asarray(value)
        if array.dtype.kind in "fiubV":
            arrays[name] = array
            return {_MARK: "number" if isinstance(value, np.generic) else "array", "name": name}
    raise TypeError(
        f"{name} holds {value!r} (of type {type(value).__name__}), which cannot be kept. A state "
        "is made of numbers, texts, arrays, and lists, tuples and dicts of these."
    )


def decode_state(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Returns the value of which `encode_state` made JSON and arrays."""
    if isinstance(value, list):
        return [decode_state(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_MARK)
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
    """Tells whether `encode_state` takes a value."""
    try:
        encode_state(value, {}, "")
    except (TypeError, RecursionError):
        return False
    return True


def _is_numpy(value: Any) -> bool:
    return isinstance(value, np.generic)


def _numbered_items(value: dict[Any, Any]) -> Any:
    return enumerate(value.items())
