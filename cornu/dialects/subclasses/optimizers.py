"""Optimizers of Keras 1 and 2 for subclasses of the program.

An optimizer of these versions is a method `get_updates`, which creates the slots and returns the
assignments of a step, and `get_gradients`. Optimizers that are not subclassed are those of
`cornu.legacy.optimizers`.

The method is called once before training, to create the Variables, and in each trace of a step,
where the calls that created Variables return the same ones in the same order.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np

from cornu import ops, optimizers
from cornu.core.state import scope
from cornu.core.state.sharing import copy_to_host
from cornu.core.state.variable import Variable
from cornu.dialects.backend.functions import GivenGradients, flatten_updates, gradients
from cornu.dialects.backend.variables import recorded_creation, variable
from cornu.errors import suggest
from cornu.late_names import import_all
from cornu.legacy.keras1.class_mapping import BaseClassMeta
from cornu.optimizers import Optimizer
from cornu.optimizers.transforms.chain import GradsAndVars

__all__ = ["LIMITS", "DerivedOptimizer", "Keras1Optimizer"]

# A name without a package is that of the class that is defined first: the one of today.
import_all(optimizers.__name__)

LIMITS = ("clipnorm", "clipvalue")


class DerivedOptimizer(Optimizer, metaclass=BaseClassMeta):
    """Base class of optimizers: a subclass defines `get_updates`.

    Args:
        **kwargs: `clipnorm`, a limit of the norm of all gradients, and `clipvalue`, a limit of
            their elements, for `get_gradients`; a name is ignored.

    Attributes:
        updates: the result of `get_updates`.
        weights: the Variables whose values `get_weights` returns.
        takes_constraints: whether `get_updates` has the order of Keras 1: params, constraints,
            loss.
    """

    stands_for: ClassVar[type] = Optimizer
    takes_constraints: ClassVar[bool] = False

    def __init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in (*LIMITS, "name", "learning_rate"):
                raise TypeError(
                    f"{type(self).__name__}: an optimizer of this version has no argument "
                    f"{name!r}. {suggest(name, LIMITS)}"
                )
        super().__init__(0.01, name=kwargs.get("name"))
        # Programs ask whether these attributes exist.
        for name in LIMITS:
            delattr(self, name)
            if kwargs.get(name) is not None:
                setattr(self, name, kwargs[name])
        if "learning_rate" in kwargs:
            self.lr = variable(kwargs["learning_rate"])
        self.updates: list[Any] = []
        self.weights: list[Variable] = []
        self._created_: list[Variable] = []

    # ------------------------------------------------------------------------ attributes of the era

    @property
    def learning_rate(self) -> Any:
        """The learning rate."""
        return self._learning_rate_source_

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._learning_rate_source_ = value

    @property
    def lr(self) -> Any:
        """The learning rate; a number that is assigned becomes a Variable."""
        return self._learning_rate_source_

    @lr.setter
    def lr(self, value: Any) -> None:
        self._learning_rate_source_ = value

    @property
    def iterations(self) -> Any:
        """The number of steps, which `get_updates` counts."""
        return self._iterations

    @iterations.setter
    def iterations(self, value: Variable) -> None:
        self._iterations = value

    def get_gradients(self, loss: Any, params: Sequence[Variable]) -> list[Any]:
        """Returns the gradients of the loss, limited by `clipnorm` and `clipvalue`.

        Args:
            loss: the loss that `get_updates` received.
            params: Variables.
        """
        found = gradients(loss, params)
        limits = [vars(self).get(name) or 0 for name in LIMITS]
        if limits[0] > 0:
            norm = ops.sqrt(sum(ops.sum(ops.square(g)) for g in found))
            factor = ops.where(norm >= limits[0], limits[0] / norm, 1.0)
            found = [g * factor for g in found]
        if limits[1] > 0:
            found = [ops.clip(g, -limits[1], limits[1]) for g in found]
        return found

    def get_updates(self, loss: Any, params: Sequence[Variable]) -> list[Any]:
        """Returns the assignments of a step.

        Args:
            loss: passed to `get_gradients`.
            params: the Variables that are trained.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `get_updates`.")

    def get_weights(self) -> list[np.ndarray]:
        """Returns the values of `weights`."""
        return copy_to_host(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of `weights`.

        Args:
            weights: arrays, as `get_weights` returns them.
        """
        for one, value in zip(self.weights, weights, strict=True):
            one.assign(value)

    def get_config(self) -> dict[str, Any]:
        """Returns the limits of gradients; a subclass adds its arguments."""
        return {name: vars(self)[name] for name in LIMITS if name in vars(self)}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Self:
        """Creates an optimizer from its config.

        Args:
            config: the arguments of the constructor.
            custom_objects: not used: the class is known.
        """
        return cls(**config)

    # --------------------------------------------------------------------------------------- steps

    def build(self, variables: Sequence[Variable]) -> None:
        """Calls `get_updates` with gradients of zero, which creates the Variables.

        Args:
            variables: the Variables that are trained.
        """
        super().build(variables)
        self._created_ = []
        zeros = [jnp.zeros(v.shape, v.dtype) for v in variables]
        # Within a scope, expressions of Variables are values, not parts of a graph.
        with scope.use_scope(scope.Scope(scope.current())):
            self._make_updates(zeros, variables)

    def _apply_(self, grads_and_vars: GradsAndVars) -> None:
        values = [gradient for gradient, _ in grads_and_vars]
        before = self.updates
        updates = self._make_updates(values, [v for _, v in grads_and_vars])
        self.updates = before  # not those of a trace
        new = [(one, jnp.asarray(_value_of(value), one.dtype)) for one, value in updates]
        for one, value in new:
            one.assign(value)

    def _make_updates(self, values: list[Any], params: Sequence[Variable]) -> list[Any]:
        """Returns the result of `get_updates` for gradients."""
        arguments = self._arguments(GivenGradients(params, values), params)
        with recorded_creation(self._created_):
            return list(flatten_updates(self.get_updates(*arguments)))

    def _arguments(self, loss: Any, params: Sequence[Variable]) -> tuple[Any, ...]:
        """Returns the arguments of `get_updates` in the order of its parameters."""
        constraints = {v: v.constraint for v in params if v.constraint is not None}
        known = {"params": list(params), "constraints": constraints, "loss": loss}
        names = [*inspect.signature(self.get_updates).parameters]
        if names and set(names) <= set(known):
            return tuple(known[name] for name in names)
        return tuple(known.values()) if self.takes_constraints else (loss, list(params))

    def _for_other_variables_(self) -> Self:
        # As in the old versions, each model has slots of its own; the rate and the number of steps
        # are those of the optimizer.
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        made.built = False
        return made


def _value_of(value: Any) -> Any:
    return value.value if isinstance(value, Variable) else value


class Keras1Optimizer(DerivedOptimizer):
    """The base class of optimizers of Keras 1, whose `get_updates` also takes constraints."""

    takes_constraints = True

    def get_updates(  # type: ignore[override]  # another order
        self, params: Sequence[Variable], constraints: Any, loss: Any
    ) -> list[Any]:
        """Returns the assignments of a step.

        Args:
            params: the Variables that are trained.
            constraints: their constraints, by Variable.
            loss: passed to `get_gradients`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `get_updates`.")
