"""OptimizerVariables: makes, names, saves and loads the Variables of an optimizer."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cornu.core.state import scope
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_location
from cornu.names import auto_name
from cornu.parts import initializers

__all__ = ["OptimizerVariables"]


class OptimizerVariables(VariableOwner):
    """An owner whose Variables have an order and stand for those of a model."""

    def __init__(self, name: str | None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        with self._naming():
            self._iterations = Variable(
                0,
                dtype="int32",
                trainable=False,
                aggregation="only_first_replica",
                name="iteration",
                role="state",
            )
        # Variables are found in the order of attributes, and files number them in that order.
        self._learning_rate: Any = None
        self._added: list[Variable] = []

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a Variable of the optimizer's own (`layout` is accepted and has no meaning)."""
        with self._naming():
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
                role="slot",
            )
        self._added.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Makes a Variable with the shape and dtype of a model's Variable."""
        return self.add_variable(
            shape=reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            name=f"{reference_variable.path.replace('/', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Makes a Variable (or several, for a list of names) for each of a model's Variables.

        Returns:
            A list; a tuple of lists for several names. It has `None` for a Variable that its
            gradient overwrites (`overwrite_with_gradient`).
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        starts = list(initializer) if several else [initializer] * len(names)
        if len(names) != len(starts):
            raise ValueError(
                f"{self._label()}: {len(names)} names need as many initializers. "
                f"Received: {len(starts)}"
            )
        rows = [
            [
                None
                if variable.overwrite_with_gradient
                else self.add_variable_from_reference(variable, one, start)
                for one, start in zip(names, starts, strict=True)
            ]
            for variable in trainable_variables
        ]
        columns = tuple([row[place] for row in rows] for place in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a Variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a Variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a Variable."""
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assigns arrays to all Variables of the optimizer, in the order of `variables`."""
        self._check_built("set_weights")
        self._check_count("weights", weights, self.variables)
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Puts all Variables as arrays into a mapping, by their number."""
        for number, variable in enumerate(self.variables):
            store[str(number)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Assigns all Variables from a mapping as `save_own_variables` makes it."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"{self._label()} has {len(variables)} Variables, but {len(store.keys())} were "
                "saved: none is loaded.\nBuild it first, on the model it was saved with.",
                stacklevel=2,
            )
            return
        for number, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(number)]))

    def _label(self) -> str:
        return f"Optimizer {self.name!r}"

    def _check_built(self, what: str) -> None:
        if not self.built:
            raise ValueError(
                f"{self._label()}: {what} needs an optimizer that is built.\n"
                "Call `optimizer.build(model.trainable_variables)` first."
            )

    def _check_count(self, what: str, received: Sequence[Any], known: Sequence[Any]) -> None:
        if len(received) != len(known):
            raise ValueError(
                f"{self._label()}: {what} must be {len(known)} arrays. Received: {len(received)}\n"
                "There is one for each Variable, in the same order. "
                f"This happened {user_location()}."
            )

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        """Makes the paths of new Variables begin with the optimizer's name."""
        around = scope.current()
        before = around.layer_path
        around.layer_path = (self.name,)
        try:
            yield
        finally:
            around.layer_path = before
