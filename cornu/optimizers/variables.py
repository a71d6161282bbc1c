"""OptimizerVariables: creates, names, saves and loads the Variables of an optimizer."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from jax.sharding import Sharding

from cornu.core.state import scope
from cornu.core.state.placement import LayoutLike
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_location, user_stacklevel
from cornu.errors import quantity
from cornu.names import auto_name
from cornu.parts import initializers
from cornu.types import ArrayLike, DTypeLike, InitializerLike, ShapeLike

__all__ = ["OptimizerVariables"]

# None for a Variable that is overwritten by its gradient and needs no Variable of the optimizer.
VariablesOrNone: TypeAlias = list[Variable | None]


class OptimizerVariables(VariableOwner):
    """Base of `Optimizer`: owns Variables in a fixed order, each named after a model's Variable."""

    def __init__(self, name: str | None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        with self._variable_paths_():
            self._iterations = Variable(
                0,
                dtype="int32",
                trainable=False,
                aggregation="only_first_replica",
                name="iteration",
                role="state",
            )
        # Variables are collected in the order of attributes, and files number them in that order:
        # iteration, learning rate, then the others as they were created.
        self._learning_rate: Any = None
        self._added_: list[Variable] = []

    def add_variable(
        self,
        shape: ShapeLike,
        initializer: InitializerLike | Callable[..., Any] = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str = "none",
        layout: Sharding | LayoutLike | None = None,
        name: str | None = None,
        *,
        reference: Variable | None = None,
    ) -> Variable:
        """Creates a Variable of the optimizer.

        Args:
            shape, initializer, dtype, aggregation, layout, name: as for `Variable`.
            reference: the model's Variable that it belongs to. If their shapes are equal, both are
                divided among devices in the same way.
        """
        with self._variable_paths_():
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
                layout=layout,
                role="slot",
                reference=reference,
            )
        self._added_.append(variable)
        return variable

    def add_variable_from_reference(
        self,
        reference_variable: Variable,
        name: str | None = None,
        initializer: InitializerLike = "zeros",
    ) -> Variable:
        """Creates a Variable with the shape and dtype of a model's Variable.

        Args:
            reference_variable: the model's Variable. Both are divided among devices in the same
                way.
            name: what the Variable is for, such as "momentum"; its name begins with the path of the
                model's Variable.
            initializer: an initializer or its name.
        """
        return self.add_variable(
            shape=reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            reference=reference_variable,
            name=f"{reference_variable.path.replace('/', '_')}_{name or 'var'}",
        )

    @overload
    def add_optimizer_variables(  # type: ignore[overload-overlap]  # str is a Sequence[str] too
        self, trainable_variables: Sequence[Variable], name: str, initializer: Any = "zeros"
    ) -> VariablesOrNone: ...

    @overload
    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: Sequence[str],
        initializer: Any = "zeros",
    ) -> tuple[VariablesOrNone, ...]: ...

    def add_optimizer_variables(
        self,
        trainable_variables: Sequence[Variable],
        name: str | Sequence[str],
        initializer: Any = "zeros",
    ) -> VariablesOrNone | tuple[VariablesOrNone, ...]:
        """Creates a Variable (or several, for a list of names) for each of a model's Variables.

        Args:
            trainable_variables: the model's Variables.
            name: a name, or a list of names.
            initializer: an initializer for all, or a list with one for each name.

        Returns:
            A list; a tuple of lists for several names. It contains `None` for a Variable that its
            gradient overwrites (`overwrite_with_gradient`).
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, (list, tuple))
        initial = list(initializer) if several else [initializer] * len(names)
        if len(names) != len(initial):
            raise ValueError(
                f"{self._label_()}: expected {len(names)} initializers, one for each name. "
                f"Received: {len(initial)}"
            )
        rows = [
            [
                None
                if variable.overwrite_with_gradient
                else self.add_variable_from_reference(variable, one, start)
                for one, start in zip(names, initial, strict=True)
            ]
            for variable in trainable_variables
        ]
        columns = tuple([row[index] for row in rows] for index in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def assign(self, variable: Variable, value: ArrayLike) -> None:
        """Sets a Variable.

        Args:
            variable: the Variable.
            value: the new value, of the same shape.
        """
        variable.assign(value)

    def assign_add(self, variable: Variable, value: ArrayLike) -> None:
        """Adds to a Variable.

        Args:
            variable: the Variable.
            value: what is added to its value.
        """
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: ArrayLike) -> None:
        """Subtracts from a Variable.

        Args:
            variable: the Variable.
            value: what is subtracted from its value.
        """
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Assigns arrays to all Variables of the optimizer, in the order of `variables`.

        Args:
            weights: an array for each Variable.

        Raises:
            ValueError: the optimizer is not built, or the number of arrays differs.
        """
        self._check_built_("set_weights")
        self._check_count_("weights", weights, self.variables)
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Assigns all Variables from a mapping that `save_own_variables` filled."""
        variables = self.variables
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"{self._label_()} has {len(variables)} Variables, but {len(store.keys())} were "
                "saved: none is loaded.\nBuild it first, on the model it was saved with.",
                stacklevel=user_stacklevel(),
            )
            return
        for number, variable in enumerate(variables):
            variable.assign(np.asarray(store[str(number)]))

    def _label_(self) -> str:
        """Returns the name of the optimizer for error messages."""
        return f"Optimizer {self.name!r}"

    def _check_built_(self, operation: str) -> None:
        if not self.built:
            raise ValueError(
                f"{self._label_()}: {operation} requires that the optimizer is built.\n"
                "Call `optimizer.build(model.trainable_variables)` first."
            )

    def _check_count_(
        self, argument: str, received: Sequence[Any], expected: Sequence[Variable]
    ) -> None:
        if len(received) != len(expected):
            raise ValueError(
                f"{self._label_()}: {argument} must be {quantity(len(expected), 'array')}. "
                f"Received: {len(received)}\n"
                "Pass one for each Variable, in the same order. "
                f"This happened {user_location()}."
            )

    @contextlib.contextmanager
    def _variable_paths_(self) -> Iterator[None]:
        """Prefixes the paths of Variables created in the block with the optimizer's name."""
        current = scope.current()
        outer = current.layer_path
        current.layer_path = (self.name,)
        try:
            yield
        finally:
            current.layer_path = outer
