"""YAML of models of Keras 1 and 2, as plain data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from cornu.errors import missing_package, visible_cause

__all__ = ["yaml_to_json"]

# Reading takes about 10 microseconds per value. A model of 1,000 layers has 30,000 values.
_MAX_TEXT, _MAX_VALUES = 8 * 2**20, 100_000
_MAX_DEPTH = 100
_DTYPES = ("b1", "f4", "f8", "i4", "i8")
# What readers of damaged text raise.
_DAMAGES = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
# Words without quotes may be numbers, whose conversion takes quadratic time.
_MAX_WORD = 1000
# Tags that Keras wrote: tuples, numbers of NumPy, and texts of Python 2.
_TUPLE = "tag:yaml.org,2002:python/tuple"
_NUMBER = "tag:yaml.org,2002:python/object/apply:numpy.core.multiarray.scalar"
_TEXTS = ("tag:yaml.org,2002:python/unicode", "tag:yaml.org,2002:python/str")


def yaml_to_json(text: str, name: str) -> str:
    """Converts YAML to JSON. Objects of Python other than tuples and texts are refused.

    Args:
        text: the YAML text.
        name: the text, as messages show it.

    Raises:
        ImportError: PyYAML is not installed.
        ValueError: the text is not YAML of plain data, is too large, or repeats parts of itself
            more often than models do.

    Example:

    >>> yaml_to_json("strides: !!python/tuple [1, 2]", "config")
    '{"strides": [1, 2]}'
    """
    try:
        import yaml
    except ImportError as error:
        raise missing_package("pyyaml", "yaml", "model_from_yaml") from visible_cause(error)
    if len(text) > _MAX_TEXT:
        raise ValueError(f"{name} has {len(text)} characters. At most {_MAX_TEXT} are read.")
    try:
        _check_size(yaml, text, name)
        value = yaml.load(text, _make_loader(yaml))
        return json.dumps(_Copy(len(text), name).copy(value))
    except (yaml.YAMLError, *_DAMAGES) as error:
        if str(error).startswith(name):
            raise  # it is explained
        raise ValueError(
            f"{name} is not the YAML of a model: {error}\n"
            "Pass the string that to_yaml() of Keras 1 or 2 returned."
        ) from visible_cause(error)


def _make_loader(yaml: Any) -> Any:
    """Returns a loader of plain data: no tag makes it import or call anything."""
    loader: Any = type("PlainLoader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
    loader.add_constructor(_TUPLE, lambda own, node: own.construct_sequence(node, deep=True))
    loader.add_constructor(_NUMBER, _construct_number)
    for tag in _TEXTS:
        loader.add_constructor(tag, lambda own, node: own.construct_scalar(node))
    return loader


def _construct_number(loader: Any, node: Any) -> int | float | bool:
    """Returns a number of NumPy, which is written as a dtype and its bytes."""
    dtype, data = node.value
    fields = {key.value: value for key, value in dtype.value}
    (kind, *_) = fields["args"].value
    order = fields["state"].value[1].value
    if kind.value not in _DTYPES or order not in ("<", ">", "|"):
        raise ValueError(f"unknown dtype {order}{kind.value:.20}")
    content = loader.construct_yaml_binary(data)
    array = np.frombuffer(content, np.dtype(order + kind.value))
    if array.shape != (1,):
        raise ValueError(f"expected the bytes of one {kind.value}, received {len(content)}")
    number: int | float | bool = array[0].item()
    return number


def _check_size(yaml: Any, text: str, name: str) -> None:
    """Raises ValueError for text that takes long to read, or would overflow the stack."""
    depth = 0
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for count, event in enumerate(yaml.parse(text, loader)):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.events.ScalarEvent) and event.implicit[0]:
            if len(event.value) > _MAX_WORD:
                raise ValueError(f"{name} has a word of {len(event.value)} characters.")
        if depth > _MAX_DEPTH:
            raise ValueError(f"{name} is nested more than {_MAX_DEPTH} levels deep.")
        if count > _MAX_VALUES:
            raise ValueError(f"{name} has more than {_MAX_VALUES} values.")


class _Copy:
    """Copies data in which aliases are the same objects, up to a number of values."""

    def __init__(self, count: int, name: str) -> None:
        self._left = count
        self._name = name

    def copy(self, value: Any) -> Any:
        """Returns a copy.

        Raises:
            ValueError: it has more values than the text has characters.
        """
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"{self._name} repeats parts of itself by aliases, without bound.")
        if isinstance(value, (list, tuple)):
            return [self.copy(item) for item in value]
        if isinstance(value, dict):
            return {str(key): self.copy(item) for key, item in value.items()}
        return value
