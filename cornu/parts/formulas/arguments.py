"""KeywordArguments: keyword arguments of a function that are attributes of its wrapper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cornu.registry import Configurable

__all__ = ["KeywordArguments"]


class KeywordArguments(Configurable):
    """Base of losses and metrics of a function, whose keyword arguments are attributes.

    An argument that has the name of a member of the class is in `_arguments_` only.
    """

    _given_arguments: Mapping[str, Any]

    def _set_arguments_(self, arguments: Mapping[str, Any]) -> None:
        """Sets the arguments; a constructor calls this."""
        self._given_arguments = dict(arguments)
        for name, value in arguments.items():
            if not hasattr(type(self), name):
                setattr(self, name, value)

    @property
    def _arguments_(self) -> dict[str, Any]:
        """The arguments, with values that were assigned to the attributes."""
        return {name: vars(self).get(name, value) for name, value in self._given_arguments.items()}

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, with assigned values."""
        found = super()._constructor_arguments_()
        return found | {name: value for name, value in self._arguments_.items() if name in found}
