"""Optax transformations as optimizers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.state.variable import Variable
from cornu.optimizers.base import Optimizer
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.transforms.chain import GradsAndVars
from cornu.registry import is_copying
from cornu.types import Config, GradientTransformation

__all__ = ["OptaxOptimizer", "is_transformation"]


def is_transformation(value: object) -> TypeGuard[GradientTransformation]:
    """Returns whether an object is a gradient transformation of Optax; does not import Optax."""
    optax = sys.modules.get("optax")  # a program that has a transformation has imported it
    return optax is not None and isinstance(value, optax.GradientTransformation)


class OptaxOptimizer(Optimizer):
    """Applies an Optax gradient transformation, whose state is kept in Variables.

    The transformation does everything: clipping, weight decay, schedules, accumulation, averages.
    Its parameters are the list of the model's Variables.

    Args:
        transformation: an `optax.GradientTransformation`.
        name: its name.

    A learning rate can be read and changed if the state of the transformation contains it:
    `optax.inject_hyperparams(optax.adam)(learning_rate=1e-3)`.

    Example:

    >>> import cornu, optax
    >>> w = cornu.Variable(1.0, name="w")
    >>> optimizer = cornu.optimizers.get(optax.sgd(0.25))
    >>> optimizer.apply([jnp.array(2.0)], [w])
    >>> float(w)
    0.5
    """

    def __init__(self, transformation: GradientTransformation, name: str | None = None) -> None:
        super().__init__(learning_rate=0.0, name=name)
        if not is_transformation(transformation):
            raise TypeError(
                f"{self._label_()}: expected an optax.GradientTransformation. "
                f"Received: {transformation!r}"
            )
        self.transformation = transformation
        self._learning_rate = None

    def build(self, variables: Sequence[Variable]) -> None:
        """Creates a Variable for every array in the state of the transformation."""
        if self.built:
            return
        super().build(variables)
        state = self.transformation.init([variable.value for variable in self._updated_variables()])
        leaves, self._structure = jax.tree_util.tree_flatten_with_path(state)
        self._state = [self._add_leaf(path, leaf) for path, leaf in leaves]
        for (path, _), variable in zip(leaves, self._state, strict=True):
            if jax.tree_util.keystr(path).endswith(".hyperparams['learning_rate']"):
                variable.role = "hyper"
                self._learning_rate = variable

    def _add_leaf(self, path: Sequence[Any], leaf: Any) -> Variable:
        # A copy: the state may contain the arrays of the model's Variables, which a step donates.
        array = np.array(jnp.asarray(leaf))
        return self.add_variable(
            array.shape,
            lambda shape, dtype: array,
            array.dtype,
            name=jax.tree_util.keystr(tuple(path), simple=True, separator="_"),
            reference=self._find_reference(path),
        )

    def _state_by_path_(self) -> list[tuple[tuple[str, ...], Variable, Variable | None]]:
        """Returns the Variables of the state, each with its path and its Variable of the model.

        A path consists of the fields and indices of the state, such as `("0", "mu", "3")`.
        """
        found = []
        paths = jax.tree_util.tree_leaves_with_path(
            jax.tree_util.tree_unflatten(self._structure, range(len(self._state)))
        )
        for (path, _), variable in zip(paths, self._state, strict=True):
            parts = tuple(jax.tree_util.keystr((key,), simple=True) for key in path)
            found.append((parts, variable, self._find_reference(path)))
        return found

    def _find_reference(self, path: Sequence[Any]) -> Variable | None:
        # The state consists of numbers and of lists with one array for each of the Variables.
        last, updated = path[-1] if path else None, self._updated_variables()
        if isinstance(last, jax.tree_util.SequenceKey) and last.idx < len(updated):
            reference: Variable = updated[last.idx]
            return reference
        return None

    def _updated_variables(self) -> list[Variable]:
        return [v for v in self._indices_ if not v.overwrite_with_gradient]

    def _update_(self, grads_and_vars: GradsAndVars) -> GradsAndVars:
        known = self._updated_variables()
        gradients = {variable: gradient for gradient, variable in grads_and_vars}
        missing = [v.path for v in known if v not in gradients]
        if missing:
            raise ValueError(
                f"{self._label_()} needs the gradients of all Variables that it was built with. "
                f"Missing: {', '.join(map(repr, missing))}"
            )
        updates, state = self.transformation.update(
            [gradients[variable] for variable in known],
            jax.tree_util.tree_unflatten(self._structure, [v.value for v in self._state]),
            [variable.value for variable in known],
        )
        for variable, update in zip(known, updates, strict=True):
            factor = (self._rate_factors_ or {}).get(variable, 1.0)
            variable.assign(variable.value + (update if factor == 1.0 else factor * update))
        for variable, new in zip(self._state, jax.tree_util.tree_leaves(state), strict=True):
            variable.assign(new)
        return grads_and_vars

    @property
    def learning_rate(self) -> Variable:
        """The learning rate in the state of the transformation."""
        rate: Variable | None = self._learning_rate
        if rate is None:
            raise AttributeError(_NO_RATE.format(label=self._label_()))
        return rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRateLike) -> None:
        rate = self.learning_rate  # raises an error if there is none
        if callable(learning_rate):
            raise TypeError(
                f"{self._label_()}: the learning rate of an Optax transformation can be set to a "
                f"number only. Received: {learning_rate!r}\n"
                "Pass a schedule to the transformation, such as optax.adam(schedule)."
            )
        rate.assign(learning_rate)

    def get_config(self) -> Config:
        """Not supported: a transformation consists of functions, which cannot be serialized."""
        if is_copying():
            return self._constructor_arguments_()
        raise NotImplementedError(
            f"{self._label_()} wraps an Optax transformation, which consists of functions and "
            "cannot be serialized. Save the model without the optimizer, and compile it again."
        )


_NO_RATE = (
    "{label}: the state of the Optax transformation contains no learning rate.\n"
    "Create it with optax.inject_hyperparams(optax.adam)(learning_rate=1e-3), for example."
)
