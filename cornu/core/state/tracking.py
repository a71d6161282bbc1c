"""VariableOwner: a layer, metric or optimizer, whose attributes hold Variables."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary_init
from cornu.names import is_library_class
from cornu.registry import Configurable

__all__ = ["VariableOwner", "iterate_owned", "owning_attributes"]

# Attributes that refer to owners of Variables without owning them.
_NOT_OWNED = frozenset(("_constructed_with_",))
# Types whose values contain neither Variables nor owners.
_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


class VariableOwner(Configurable):
    """Base class of objects that own Variables: layers, metrics and optimizers.

    The attributes are searched for Variables and other owners, including nested lists, tuples and
    dicts. Assignment of an attribute does not register anything, so plain Python lists can be
    used, and can grow at any time.
    """

    _has_identity_ = True
    # The names of attributes in saved files, for those that Keras names differently.
    _saved_names_: ClassVar[dict[str, str]] = {}
    # Attributes that do not affect what the object computes.
    _bookkeeping_: ClassVar[frozenset[str]] = frozenset(("_constructed_with_",))
    # Whether a user's class defines what is stored of an object, and how it is restored.
    _stores_itself_: ClassVar[bool] = False
    # Whether a user's class stores files of its own, such as a vocabulary.
    _has_assets_: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not is_library_class(cls):
            defined = cls.__dict__
            if "save_own_variables" in defined or "load_own_variables" in defined:
                cls._stores_itself_ = True
            if "save_assets" in defined or "load_assets" in defined:
                cls._has_assets_ = True
        # Not the constructors of users, whose frames and lines an error must show.
        if "__init__" in cls.__dict__ and is_library_class(cls):
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

    def _own_variables_(self) -> list[Variable]:
        """Returns the Variables that are stored under the name of this object itself."""
        return self.variables

    def _stored_variables_(self) -> list[Variable]:
        """Returns the Variables of this object itself in the order of files."""
        return self._own_variables_()

    def _saved_attributes_(self) -> list[tuple[str, Any]]:
        """Returns the attributes with their names in saved files, in the order of the files."""
        # As in Keras, the values of properties are saved like attributes, and an object with two
        # names is saved under the first.
        named = {name: value for name, value in _computed_attributes(self)}
        named |= {self._saved_names_.get(k, k): value for k, value in owning_attributes(self)}
        return sorted(named.items(), key=lambda item: (item[0].startswith("_"), item[0]))

    def _storage_class_name_(self) -> str:
        """Returns the class name by which files refer to an object in a list or dict."""
        return type(self).__name__

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the values of the object's own Variables; a subclass may store other arrays.

        Args:
            store: the arrays of this object by name. Files keep them under the path of the object.
        """
        for i, variable in enumerate(self._stored_variables_()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assigns the arrays of a store that `save_own_variables` filled.

        Args:
            store: arrays by name.

        Raises:
            ValueError: the store has another number of arrays than this object has Variables.
        """
        variables = self._stored_variables_()
        if len(store) != len(variables):
            raise ValueError(
                f"{type(self).__name__} has {len(variables)} Variables of its own. "
                f"Received: {len(store)} arrays\n"
                "If they are created in an unusual way, define `build_from_config()`, or override "
                "`load_own_variables()`."
            )
        for i, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(i)]))

    def _structural_attributes_(self) -> dict[str, Any]:
        """Returns the attributes that determine, together with the class, the computation."""
        return {k: v for k, v in vars(self).copy().items() if k not in self._bookkeeping_}


def _computed_attributes(owner: Any) -> Iterator[tuple[str, Any]]:
    """Yields the values of the properties that user classes add to those of cornu."""
    classes = type(owner).__mro__
    reserved = {name for cls in classes if is_library_class(cls) for name in vars(cls).copy()}
    for cls in classes:
        if is_library_class(cls):
            continue
        for name, member in vars(cls).copy().items():
            if name not in reserved and isinstance(member, (property, functools.cached_property)):
                try:
                    yield name, getattr(owner, name)
                except Exception:  # a property may be undefined in the present state
                    continue


def iterate_owned(owner: Any) -> list[Any]:
    """Returns the Variables and owners in the attributes of an object, each once."""
    found: list[Any] = []
    # An attribute may refer back to its owner.
    _collect_owned([value for _, value in owning_attributes(owner)], {id(owner)}, found)
    return found


def owning_attributes(owner: Any) -> list[tuple[str, Any]]:
    """Returns the attributes of an object that may contain Variables or owners that it owns."""
    # As in all loops over attributes, a copy: another thread may build the object during the loop.
    return [(name, value) for name, value in vars(owner).copy().items() if name not in _NOT_OWNED]


def _collect_owned(values: Iterable[Any], seen: set[int], found: list[Any]) -> None:
    for value in values:
        # Most attributes are plain values, and the search runs many times in each epoch.
        if type(value) in _PLAIN:
            continue
        if isinstance(value, (Variable, VariableOwner)):
            if id(value) not in seen:
                seen.add(id(value))
                found.append(value)
        # Copies, because another thread may add entries during the loop.
        elif isinstance(value, (list, tuple, set)):
            _collect_owned(tuple(value), seen, found)
        elif isinstance(value, dict):
            _collect_owned(tuple(value.values()), seen, found)
