"""Nested Python values as JSON and arrays, and back."""

from __future__ import annotations

import collections
import reprlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

__all__ = ["decode_state", "encode_state", "find_unencodable", "is_encodable"]

# The key that marks a dict as the description of a value that JSON does not have.
_TYPE = "of"
# Kinds of dtypes; V is the kind of bfloat16 and other dtypes of `ml_dtypes`.
_KINDS = "fiubcMmUSV"

# Only these factories: a state names what it needs, and nothing is looked up or imported for it.
_FACTORIES: dict[str, Callable[[], Any] | None] = {
    "None": None,
    **{
        factory.__name__: factory
        for factory in (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
    **{
        factory.__name__: factory
        for factory in (collections.Counter, collections.OrderedDict, collections.deque)
    },
}
_SEQUENCES: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
_MAPPINGS: dict[type, str] = {
    dict: "dict",
    collections.OrderedDict: "OrderedDict",
    collections.Counter: "Counter",
}


class _Unencodable(TypeError):
    """Raised for a value that a state cannot hold.

    Attributes:
        value: the value.
    """

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(
            f"{name} holds {reprlib.repr(value)} (of type {type(value).__name__}), which cannot be "
            "saved. A state consists of numbers, strings, arrays, and lists, tuples, sets, dicts "
            "and similar containers of these."
        )
        self.value = value


def encode_state(value: Any, arrays: dict[str, np.ndarray], name: str) -> Any:
    """Converts a value to JSON data; arrays in it are added to `arrays` by name.

    Args:
        value: numbers, strings, bytes, None, arrays, and containers of these: lists, tuples,
            namedtuples, sets, dicts, and those of `collections`.
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
    # The exact type, because an instance of a subclass would be restored as one of its base.
    kind = type(value)
    if kind is list:
        return _encode_items(value, arrays, name)
    if kind in _SEQUENCES:
        return {_TYPE: _SEQUENCES[kind], "items": _encode_items(value, arrays, name)}
    if kind is collections.deque:
        items = _encode_items(value, arrays, name)
        return {_TYPE: "deque", "items": items, "maxlen": value.maxlen}
    if _is_namedtuple(kind):
        return {
            _TYPE: "namedtuple",
            "module": kind.__module__,
            "class": kind.__qualname__,
            "fields": list(kind._fields),
            "items": _encode_items(value, arrays, name),
        }
    if kind is dict and all(type(key) is str for key in value) and _TYPE not in value:
        return {key: encode_state(item, arrays, f"{name}/{key}") for key, item in value.items()}
    if kind in _MAPPINGS:
        return {_TYPE: _MAPPINGS[kind], "items": _encode_pairs(value, arrays, name)}
    if kind is collections.defaultdict:
        factory = getattr(value.default_factory, "__name__", "None")
        if _FACTORIES.get(factory) is value.default_factory:
            items = _encode_pairs(value, arrays, name)
            return {_TYPE: "defaultdict", "factory": factory, "items": items}
    if kind is bytes:
        arrays[name] = np.frombuffer(value, np.uint8)
        return {_TYPE: "bytes", "name": name}
    if kind is complex:
        return {_TYPE: "complex", "items": [value.real, value.imag]}
    if isinstance(value, (np.ndarray, np.generic, jax.Array)):
        array = np.asarray(value)
        if array.dtype.kind in _KINDS and array.dtype.names is None:
            arrays[name] = array
            return {_TYPE: "number" if _is_numpy(value) else "array", "name": name}
    raise _Unencodable(name, value)


def _encode_items(value: Any, arrays: dict[str, np.ndarray], name: str) -> list[Any]:
    return [encode_state(item, arrays, f"{name}/{i}") for i, item in enumerate(value)]


def _encode_pairs(value: Any, arrays: dict[str, np.ndarray], name: str) -> list[list[Any]]:
    return [
        [encode_state(part, arrays, f"{name}/{i}/{k}") for k, part in enumerate(pair)]
        for i, pair in enumerate(value.items())
    ]


def decode_state(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Returns the value that `encode_state` converted to JSON data and arrays.

    Raises:
        ValueError: the data has an unknown type.
    """
    if isinstance(value, list):
        return [decode_state(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TYPE)
    if kind is None:
        return {key: decode_state(item, arrays) for key, item in value.items()}
    if kind in ("array", "number", "bytes"):
        array = arrays[value["name"]]
        if kind == "bytes":
            return array.tobytes()
        return array[()] if kind == "number" else array
    items = value["items"]
    for sequence, label in _SEQUENCES.items():
        if kind == label:
            return sequence(decode_state(item, arrays) for item in items)
    for mapping, label in _MAPPINGS.items():
        if kind == label:
            return mapping(dict(_decode_pairs(items, arrays)))
    if kind == "defaultdict":
        return collections.defaultdict(
            _FACTORIES[value["factory"]], dict(_decode_pairs(items, arrays))
        )
    if kind == "deque":
        return collections.deque(decode_state(items, arrays), value["maxlen"])
    if kind == "complex":
        return complex(*items)
    if kind == "namedtuple":
        cls = _find_namedtuple(value["module"], value["class"], tuple(value["fields"]))
        # Not the constructor, which may be code of the program.
        return tuple.__new__(cls, decode_state(items, arrays))
    raise ValueError(f"unknown type {kind!r} in a state")


def _decode_pairs(items: Any, arrays: dict[str, np.ndarray]) -> Iterator[tuple[Any, Any]]:
    for key, item in items:
        yield decode_state(key, arrays), decode_state(item, arrays)


def _is_namedtuple(cls: type) -> bool:
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def _find_namedtuple(module: str, name: str, fields: tuple[str, ...]) -> Any:
    """Returns the namedtuple class of the program, or a new one with the same name and fields.

    Nothing is imported, since a state is not trusted: only modules that the program has loaded are
    searched. A class that is defined in a function is not found.
    """
    found = vars(sys.modules.get(module, collections)).get(name)
    if isinstance(found, type) and _is_namedtuple(found) and found.__dict__["_fields"] == fields:
        return found
    made = collections.namedtuple(name.rpartition(".")[2], fields, module=module)  # type: ignore[misc]
    made.__qualname__ = name
    return made


def find_unencodable(value: Any) -> Any:
    """Returns the innermost value because of which `encode_state` refuses a value, or None."""
    try:
        encode_state(value, {}, "")
    except _Unencodable as error:
        return error.value
    except RecursionError:
        return value
    return None


def is_encodable(value: Any) -> bool:
    """Tells whether `encode_state` supports a value."""
    return value is None or find_unencodable(value) is None


def _is_numpy(value: Any) -> bool:
    return isinstance(value, np.generic)
