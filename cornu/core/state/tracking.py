"""VariableOwner: a layer, metric or optimizer, whose attributes hold Variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary_init
from cornu.registry import Configurable

__all__ = ["VariableOwner", "owning_attributes", "iterate_owned"]

# Attributes that refer to owners of Variables without owning them.
_NOT_OWNED = frozenset(("_constructed_with_",))


class VariableOwner(Configurable):
    """Base class of objects that own Variables: layers, metrics and optimizers.

    The attributes are searched for Variables and other owners, including nested lists, tuples and
    dicts. Assignment of an attribute does not register anything, so plain Python lists can be
    used, and can grow at any time.
    """

    # The names of attributes in saved files, for those that Keras names differently.
    _saved_names_: ClassVar[dict[str, str]] = {}
    # Attributes that do not affect what the object computes.
    _bookkeeping_: ClassVar[frozenset[str]] = frozenset(("_constructed_with_",))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Not the constructors of users, whose frames and lines an error must show.
        if "__init__" in cls.__dict__ and cls.__module__.partition(".")[0] == "cornu":
            cls.__init__ = api_boundary_init(cls.__init__)  # type: ignore[method-assign]
            if "__new__" in cls.__dict__:
                # `help` and `inspect.signature` prefer `__new__`, whose parameters are generic.
                cls.__new__.__wrapped__ = cls.__init__  # type: ignore[attr-defined]

    @property
    def variables(self) -> list[Variable]:
        """The Variables of this object and of the objects it owns, each once."""
        found: dict[int, Variable] = {}
        for owned in iterate_owned(self):
            for variable in [owned] if isinstance(owned, Variable) else owned.variables:
                found.setdefault(id(variable), variable)
        return list(found.values())

    def _saved_attributes_(self) -> list[tuple[str, Any]]:
        """Returns the attributes with their names in saved files, in the order of the files."""
        named = [(self._saved_names_.get(k, k), value) for k, value in owning_attributes(self)]
        return sorted(named, key=lambda item: (item[0].startswith("_"), item[0]))

    def _structural_attributes_(self) -> dict[str, Any]:
        """Returns the attributes that determine, together with the class, the computation."""
        return {k: v for k, v in vars(self).items() if k not in self._bookkeeping_}


def iterate_owned(owner: Any) -> Iterator[Any]:
    """Yields the Variables and owners in the attributes of an object, each once."""
    # An attribute may refer back to its owner.
    seen: set[int] = {id(owner)}
    for _, value in owning_attributes(owner):
        yield from _iterate_value(value, seen)


def owning_attributes(owner: Any) -> list[tuple[str, Any]]:
    """Returns the attributes of an object that may contain Variables or owners that it owns."""
    return [(name, value) for name, value in vars(owner).items() if name not in _NOT_OWNED]


def _iterate_value(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, (Variable, VariableOwner)):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _iterate_value(item, seen)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _iterate_value(item, seen)
