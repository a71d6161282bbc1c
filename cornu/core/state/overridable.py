"""overridable_property: a property that attributes of a user's class may replace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["overridable_property"]

T = TypeVar("T")


class overridable_property(Generic[T]):  # noqa: N801 - used like `property`
    """A read-only property that an attribute of the instance replaces.

    Keras's base classes do not have these names, so that a subclass may assign them, as in
    `self.blocks = [...]`; to a `property` it could not. cornu itself must not read them: it would
    read what the user assigned.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.fget = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    # Without `__set__`, the dict of the instance takes precedence over a descriptor.
    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        return self if instance is None else self.fget(instance)
