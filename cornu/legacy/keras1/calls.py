"""The calls of old classes: which class of an old version an object is one of, with its arguments.

An object of today does not have the arguments of its old class any more. Files and configs of the
old version are written from the call that created it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from cornu.legacy.keras1.class_mapping import ClassMapping

__all__ = ["OldCall", "find_call", "record_call"]


class OldCall(NamedTuple):
    """A call of an old class.

    Attributes:
        mapping: the row of the class.
        arguments: all arguments by their old names, without arrays of weights.
    """

    mapping: ClassMapping
    arguments: Mapping[str, Any]


_calls: WeakKeyDictionary[Any, OldCall] = WeakKeyDictionary()


def record_call(made: Any, mapping: ClassMapping, arguments: Mapping[str, Any]) -> None:
    """Records the call that created an object.

    Args:
        made: the object.
        mapping: the row of its old class.
        arguments: all arguments by their old names.
    """
    # The layer has the weights; arrays that it began with would stay in memory.
    kept = {name: value for name, value in arguments.items() if name != "weights"}
    _calls[made] = OldCall(mapping, kept)


def find_call(made: Any) -> OldCall | None:
    """Returns the call that created an object, or None if it is not one of an old class."""
    return _calls.get(made)
