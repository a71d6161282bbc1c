"""Several optimizers for one model, each for its own Variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, NoReturn, Self

from cornu.core.state.variable import Variable
from cornu.foreign import describe_replacement
from cornu.optimizers.base import Optimizer
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.transforms.chain import GradsAndVars
from cornu.optimizers.wrappers.loss_scale import LossScaleOptimizer
from cornu.registry import Configurable, custom_object_scope, serialize
from cornu.types import Config

__all__ = ["MultiOptimizer", "OptimizerMap"]


class OptimizerMap(Configurable, MutableMapping[str, Optimizer]):
    """Maps the paths of Variables to the optimizers that update them.

    A key is a path, or a regular expression that must match a whole path: `"encoder/.*"` matches
    everything in the layer encoder.

    Args:
        default_optimizer: the optimizer of all Variables that no key matches.
        optimizer_map: optimizers by path or regular expression.

    Raises:
        ValueError: when an optimizer is looked up and several keys match.
        TypeError: not an optimizer, or not a dict.

    Example:

    >>> from cornu.optimizers import Adam, SGD
    >>> optimizers = OptimizerMap(Adam(name="rest"), {"encoder/.*": SGD(name="first")})
    >>> optimizers["encoder/dense/kernel"].name, optimizers["decoder/dense/kernel"].name
    ('first', 'rest')
    """

    _category_ = "optimizers"

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(
                f"default_optimizer must be an Optimizer. Received: {default_optimizer!r}"
                + describe_replacement(default_optimizer)
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map must be a dict. Received: {optimizer_map!r}")
        self._default = default_optimizer
        self._by_path: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all Variables that no key matches."""
        return self._default

    def __getitem__(self, key: str) -> Optimizer:
        """Returns the optimizer for a path."""
        if key in self._by_path:
            return self._by_path[key]
        matches = [pattern for pattern in self._by_path if re.fullmatch(pattern, key)]
        if len(matches) > 1:
            raise ValueError(
                f"Several keys match Variable {key!r}: {', '.join(map(repr, matches))}.\n"
                "Make the expressions mutually exclusive."
            )
        return self._by_path[matches[0]] if matches else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        """Sets the optimizer for a path or regular expression that has none yet."""
        if not isinstance(key, str):
            raise ValueError(f"A key must be a string. Received: {key!r}")
        if key in self._by_path:
            raise ValueError(f"The key {key!r} already has an optimizer. Delete it first.")
        self._by_path[key] = _check_wrappable(optimizer, f"the key {key!r}")

    def __delitem__(self, key: str) -> None:
        """Removes a path or regular expression."""
        del self._by_path[key]

    def __len__(self) -> int:
        return len(self._by_path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_path)

    def __call__(self, variable: Variable) -> Optimizer:
        """Returns the optimizer for a Variable."""
        return self[variable.path]

    def get_config(self) -> Config:
        """Returns the optimizers as plain data."""
        return {
            "default_optimizer": serialize(self.default_optimizer),
            "optimizer_map": serialize(self._by_path),
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """Creates a map from the result of `get_config()`."""
        with custom_object_scope(custom_objects):
            optimizers: Self = super().from_config(config)
        return optimizers


class MultiOptimizer(Optimizer):
    """Trains a model with several optimizers, each updating the Variables assigned to it.

    Args:
        optimizer_map: an `OptimizerMap`, or a function that returns the optimizer of a Variable
            (the same object for all Variables that it updates).
        loss_scale_factor: replaces that of all the optimizers.
        name: its name.

    It has no learning rate of its own; see the optimizers in `.optimizers`.

    Example:

    >>> import cornu
    >>> import jax.numpy as jnp
    >>> from cornu.optimizers import SGD
    >>> a, b = cornu.Variable(1.0, name="a"), cornu.Variable(1.0, name="b")
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"b": SGD(0.25)}))
    >>> optimizer.apply([jnp.array(1.0), jnp.array(1.0)], [a, b])
    >>> float(a), float(b)
    (0.5, 0.75)
    """

    # Empty before the constructor runs: the base class assigns loss_scale_factor, whose setter
    # reads it.
    optimizers: Sequence[Optimizer] = ()

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._choose = optimizer_map
        self.optimizers = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Optimizer) -> None:
        if optimizer not in self.optimizers:
            optimizer.loss_scale_factor = self.loss_scale_factor
            self.optimizers = [*self.optimizers, optimizer]

    def build(self, var_list: Sequence[Variable]) -> None:
        """Assigns every Variable to an optimizer, and builds these."""
        if self.built:
            return
        super().build(var_list)
        self._assigned: dict[Variable, Optimizer] = {}
        for variable in var_list:
            optimizer = _check_wrappable(self._choose(variable), f"Variable {variable.path!r}")
            self._add(optimizer)
            self._assigned[variable] = optimizer
        for optimizer, variables in self._group_by_optimizer(var_list).items():
            optimizer.build(variables)

    def _group_by_optimizer(self, variables: Iterable[Variable]) -> dict[Optimizer, list[Variable]]:
        groups: dict[Optimizer, list[Variable]] = {}
        for variable in variables:
            groups.setdefault(self._assigned[variable], []).append(variable)
        return groups

    def _apply_(self, grads_and_vars: GradsAndVars) -> None:
        """Updates Variables, each by its optimizer."""
        # Grouped by optimizer, not by Variable: a norm of all gradients is taken of a whole group.
        gradients = {v: g for g, v in grads_and_vars}
        for optimizer, variables in self._group_by_optimizer(gradients).items():
            optimizer.apply([gradients[variable] for variable in variables], variables)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Sets Variables to the final values that their optimizers have for them."""
        for optimizer, variables in self._group_by_optimizer(var_list).items():
            optimizer.finalize_variable_values(variables)

    @property
    def learning_rate(self) -> NoReturn:
        """Not defined: each of `optimizers` has its own."""
        raise AttributeError(
            f"{self._label_()} has no learning rate. Use those of its `optimizers`."
        )

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRateLike) -> None:
        raise AttributeError(
            f"{self._label_()} has no learning rate. Set those of its `optimizers`."
        )

    @property
    def _step_version_(self) -> int:
        """A number that grows when the version of one of the optimizers grows."""
        return self._changes_ + sum(optimizer._step_version_ for optimizer in self.optimizers)

    def _set_rate_factors_(self, factors: Mapping[Variable, float]) -> None:
        """Sets the factors of all optimizers; they replace rates of their own."""
        super()._set_rate_factors_(factors)
        for optimizer in self.optimizers:
            optimizer._set_rate_factors_(factors)

    @property
    def loss_scale_factor(self) -> float | None:
        """The factor of the loss, which all the optimizers share."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        self._loss_scale_factor = factor
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = factor


def _check_wrappable(optimizer: Any, where: str) -> Optimizer:
    if not isinstance(optimizer, Optimizer) or isinstance(
        optimizer, (LossScaleOptimizer, MultiOptimizer)
    ):
        raise ValueError(
            f"The optimizer for {where} must be an Optimizer, and not a LossScaleOptimizer or "
            f"MultiOptimizer (wrap the whole in these instead). Received: {optimizer!r}"
            + describe_replacement(optimizer)
        )
    return optimizer
