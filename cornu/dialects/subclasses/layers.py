"""What a layer of a program assigns to attributes that are properties today."""

from __future__ import annotations

from typing import Any

from cornu.core.state.tracking import iterate_owned
from cornu.core.state.variable import Variable
from cornu.dialects.backend.lazy import SymbolicVariable
from cornu.layers import InputSpec

__all__ = ["ListedSpec", "ProgramLayer"]


class ProgramLayer:
    """Mixin for layers of the program: lists of weights, and the requirements on inputs."""

    def _own_variables_(self: Any) -> list[Variable]:
        """Returns the weights, in the order in which the program lists them.

        What `variable` made is a weight only if the program lists it.
        """
        lists = [vars(self).get(name, ()) for name in ("_trained", "_untrained")]
        listed = {id(v): i for i, v in enumerate(v for each in lists for v in each)}
        own = [
            v
            for v in super()._own_variables_()  # type: ignore[misc]
            if not isinstance(v, SymbolicVariable) or id(v) in listed
        ]
        return sorted(own, key=lambda v: (v.role != "param", listed.get(id(v), len(listed))))

    @property
    def _all_variables_(self: Any) -> list[Variable]:
        """The Variables that a call may use, also those that are not weights."""
        further = [v for v in iterate_owned(self) if isinstance(v, SymbolicVariable)]
        found = [*super()._all_variables_, *further]  # type: ignore[misc]
        return list({id(v): v for v in found}.values())

    @property
    def input_spec(self) -> Any:
        """What the input must be; a list with one entry is that of the only input."""
        return self.__dict__.get("_input_spec")

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        single = isinstance(value, (list, tuple)) and len(value) == 1
        self._input_spec = value[0] if single else value

    @property
    def trainable_weights(self: Any) -> list[Variable]:
        """The weights that training changes; can be set."""
        found: list[Variable] = super().trainable_weights  # type: ignore[misc]
        return found

    @trainable_weights.setter
    def trainable_weights(self, variables: Any) -> None:
        self._trained = list(variables)

    @property
    def non_trainable_weights(self: Any) -> list[Variable]:
        """The weights that training does not change; can be set."""
        found: list[Variable] = super().non_trainable_weights  # type: ignore[misc]
        return found

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables: Any) -> None:
        self._untrained = list(variables)
        for variable in self._untrained:
            variable.trainable = False


class ListedSpec(InputSpec):
    """A spec that is a list of itself: a layer with one input reads `self.input_spec[0]`."""

    def __getitem__(self, index: int) -> ListedSpec:
        """Returns the spec, the only one."""
        return [self][index]
