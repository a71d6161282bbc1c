"""VariableOwner: a layer, metric or optimizer, whose attributes hold Variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary_init
from cornu.registry import Configurable

__all__ = ["VariableOwner", "owning_attributes", "iterate_owned"]

# Bookkeeping attributes that may refer to owners without owning them.
_NOT_OWNED = frozenset(("_constructed_with", "_compiled_with", "_recipe", "optimizer", "history"))


class VariableOwner(Configurable):
    """Something that owns Variables, found by looking through its attributes.

    Attributes may be Variables or other owners, or lists, tuples and dicts of them, at any depth.
    Nothing is registered when an attribute is set, so that plain Python lists may grow at any
    time.
    """

    # Names of attributes in saved files, where Keras names them differently.
    saved_names: ClassVar[dict[str, str]] = {}
    # Attributes that do not affect what the object computes.
    bookkeeping: ClassVar[frozenset[str]] = frozenset(("_constructed_with",))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__ and cls.__module__.partition(".")[0] == "cornu":
            cls.__init__ = api_boundary_init(cls.__init__)  # type: ignore[method-assign]

    @property
    def variables(self) -> list[Variable]:
        """All Variables of this object and of what it owns."""
        found: dict[int, Variable] = {}
        for thing in iterate_owned(self):
            for variable in [thing] if isinstance(thing, Variable) else thing.variables:
                found.setdefault(id(variable), variable)
        return list(found.values())

    def saved_attributes(self) -> list[tuple[str, Any]]:
        """Returns the attributes by the names under which owners in them are saved, in order."""
        named = [(self.saved_names.get(k, k), value) for k, value in owning_attributes(self)]
        return sorted(named, key=lambda item: (item[0].startswith("_"), item[0]))

    def structural_attributes(self) -> dict[str, Any]:
        """Returns the attributes that, with the class, determine what the object computes."""
        return {k: v for k, v in vars(self).items() if k not in self.bookkeeping}


def iterate_owned(owner: Any) -> Iterator[Any]:
    """Yields the Variables and owners among an object's attributes, each once."""
    seen: set[int] = {id(owner)}
    for _, value in owning_attributes(owner):
        yield from _look(value, seen)


def owning_attributes(owner: Any) -> list[tuple[str, Any]]:
    """Returns the attributes of an object that may hold what it owns."""
    return [(name, value) for name, value in vars(owner).items() if name not in _NOT_OWNED]


def _look(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, (Variable, VariableOwner)):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _look(item, seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _look(item, seen)
