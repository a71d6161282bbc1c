"""`get_updates` of optimizers of Keras 1 and 2: a step as one of the updates of `function`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cornu.core.graph.tensor import Tensor
from cornu.core.state.overridable import overridable_property
from cornu.core.state.sharing import copy_to_host
from cornu.core.state.variable import Variable
from cornu.dialects.backend.functions import Evaluation, Step, gradients
from cornu.dialects.optimizer_configs import OptimizerConfigs, TensorflowConfigs
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.optimizers.base import Optimizer
from cornu.registry.custom_objects import registered_names

__all__ = [
    "LaterOptimizerMethods",
    "ModernOptimizerMethods",
    "OptimizerMethods",
    "OptimizerStep",
    "TensorflowOptimizerMethods",
    "derive_old_class",
    "derive_optimizer",
]


class OptimizerStep(Step):
    """Applies the gradients of a loss to Variables.

    Args:
        optimizer: the optimizer.
        variables: the Variables.
        loss: the loss, a Tensor.
    """

    def __init__(self, optimizer: Optimizer, variables: Sequence[Variable], loss: Any) -> None:
        self._optimizer = optimizer
        self._trained = list(variables)
        self._gradients = gradients(loss, self._trained)
        optimizer.build(self._trained)

    def variables(self) -> list[Variable]:
        """Returns the Variables that are trained, and those of the optimizer."""
        return [*self._trained, *self._optimizer.variables]

    def tensors(self) -> list[Tensor]:
        """Returns the gradients."""
        return self._gradients

    def run(self, evaluation: Evaluation) -> None:
        """Changes the Variables."""
        self._optimizer.apply(evaluation.compute(self._gradients), self._trained)


class OptimizerMethods(OptimizerConfigs):
    """Mixin with the methods of optimizers that Keras 3 no longer has."""

    weights = overridable_property(lambda self: list(self.variables))

    def get_updates(self: Any, params: Any, constraints: Any = None, loss: Any = None) -> list[Any]:
        """Returns the step that reduces a loss, for the updates of `function`.

        Args:
            params: the Variables.
            constraints: a dict of constraints by Variable, in addition to those of the Variables.
            loss: the loss, a Tensor.
        """
        for variable, constraint in (constraints or {}).items():
            variable.constraint = constraint
        return [OptimizerStep(self, params, loss)]

    def get_gradients(self: Any, loss: Any, params: Any) -> list[Tensor]:
        """Returns the gradients of a loss."""
        return gradients(loss, params)

    def get_weights(self: Any) -> list[Any]:
        """Returns the values of the Variables of the optimizer."""
        return copy_to_host(self.variables)

    def set_weights(self: Any, weights: Any) -> None:
        """Sets the values of the Variables of the optimizer."""
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)


class LaterOptimizerMethods(OptimizerMethods):
    """The methods of optimizers of Keras 2, whose arguments are in another order."""

    def get_updates(  # type: ignore[override]  # another order
        self: Any, loss: Any, params: Any, *constraints_and_loss: Any
    ) -> list[Any]:
        """Returns the step that reduces a loss, for the updates of `function`.

        Args:
            loss: the loss, a Tensor.
            params: the Variables.
            *constraints_and_loss: the second and third argument of Keras 1, whose order is
                `(params, constraints, loss)`.
        """
        if constraints_and_loss:
            given = (loss, params, *constraints_and_loss)
            return OptimizerMethods.get_updates(self, *given)
        return OptimizerMethods.get_updates(self, params, None, loss)


class TensorflowOptimizerMethods(LaterOptimizerMethods):
    """The methods of optimizers of tf.keras."""

    @property
    def lr(self: Any) -> Any:
        """The learning rate: the old name of `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self: Any, value: Any) -> None:
        self.learning_rate = value

    def apply_gradients(
        self: Any, grads_and_vars: Any, name: str | None = None, **kwargs: Any
    ) -> Any:
        """Changes Variables; see `apply_gradients` of the class of today.

        Args:
            grads_and_vars: pairs of a gradient and a Variable.
            name: ignored.
            **kwargs: ignored: how devices of TensorFlow combine gradients.
        """
        return super().apply_gradients(grads_and_vars)  # type: ignore[misc]


class ModernOptimizerMethods(TensorflowConfigs, TensorflowOptimizerMethods):
    """The methods of optimizers of tf.keras that have the class of today."""


def derive_optimizer(
    cls: type,
    name: str = "",
    methods: type = LaterOptimizerMethods,
    members: Mapping[str, Any] | None = None,
) -> type:
    """Returns a subclass of an optimizer with the methods of old versions.

    Args:
        cls: the class.
        name: its name; by default that of the class.
        methods: the mixin.
        members: further attributes, those of `OptimizerConfigs`.
    """
    body = {**(members or {}), "__module__": __name__, "_is_derived_": True}
    made = type(name or cls.__name__, (methods, cls), body)
    if cls in registered_names:
        registered_names[made] = registered_names[cls]
    return made


def derive_old_class(find: Callable[..., Any], *of_version: Any, methods: type) -> Any:
    """Returns how an old class makes the class of its objects.

    Args:
        find: returns the class for `of_version` and its name, in pickles.
        of_version: the first arguments of `find`.
        methods: the mixin.
    """

    def derive(target: type, old_class: OldClass) -> type:
        name = old_class.mapping.old_name
        reference = (find, *of_version, name)
        members = {"_class_reference_": reference, "_old_class_": old_class}
        return derive_optimizer(target, name, methods, members)

    return derive
