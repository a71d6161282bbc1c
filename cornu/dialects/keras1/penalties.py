"""Regularizers and constraints of Keras 1, whose configs have the name of their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from cornu import ops, registry
from cornu.dialects.part_configs import PartConfigs
from cornu.legacy.keras1.argument_values import get_constraint, get_regularizer
from cornu.legacy.keras1.config_values import CONSTRAINT_ARGUMENTS
from cornu.parts import constraints, regularizers
from cornu.types import Config

__all__ = ["CONSTRAINT_MAKERS", "REGULARIZER_MAKERS"]

Factory = Callable[..., Any]


class _NamedConfig(PartConfigs):
    """Mixin with `get_config` of Keras 1: the name of the class, and the arguments by their names.

    Attributes:
        _names_: the names of today of arguments, by those of Keras 1, where they differ.
    """

    _names_: ClassVar[Mapping[str, str]] = {}

    def get_config(self) -> Config:
        """Returns the name of the class and the arguments."""
        return {"name": type(self).__name__, **self._in_old_names_(self._config_of_today_())}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> Any:
        """Creates an object from the result of `get_config()`, or from a config of today."""
        given = {name: value for name, value in config.items() if name != "name"}
        return super().from_config(cls._in_old_names_(given), custom_objects)

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        return super()._from_stored_config_(cls._in_old_names_(config))

    @classmethod
    def _in_old_names_(cls, config: Config) -> Config:
        old = {new: name for name, new in cls._names_.items()}
        return {old.get(name, name): value for name, value in config.items()}

    def _config_of_today_(self) -> Config:
        config = super()._config_of_today_()
        return {self._names_.get(name, name): value for name, value in config.items()}


class L1L2Regularizer(_NamedConfig, regularizers.L1L2):
    """A regularizer with an L1 and an L2 penalty.

    Args:
        l1, l2: the factors.
    """


def l1(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L1 regularizer."""
    return L1L2Regularizer(l1=l)


def l2(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L2 regularizer."""
    return L1L2Regularizer(l2=l)


def l1l2(l1: float = 0.01, l2: float = 0.01) -> Any:
    """Returns a regularizer with an L1 and an L2 penalty."""
    return L1L2Regularizer(l1, l2)


@registry.register_keras_serializable(package="keras1")
class EigenvalueRegularizer(_NamedConfig, regularizers.Regularizer):
    """Penalizes the largest eigenvalue of `W.T @ W`: `k * sqrt(eigenvalue)`.

    The eigenvalue is that of nine steps of the power method, from a vector of ones.

    Args:
        k: the factor.
    """

    _is_derived_ = False  # there is no such class today

    def __init__(self, k: float) -> None:
        self.k = k

    def __call__(self, x: Any) -> Any:
        """Returns the penalty of a matrix."""
        if len(x.shape) != 2:
            raise ValueError(f"EigenvalueRegularizer needs a matrix. Received: shape {x.shape}")
        square = ops.matmul(ops.transpose(x), x)
        vector = ops.ones((square.shape[0], 1))
        for _ in range(9):
            vector = ops.matmul(square, vector)
            vector = vector / ops.sqrt(ops.sum(ops.square(vector)))
        return self.k * ops.sqrt(ops.sum(vector * ops.matmul(square, vector)))


def _make_get(makers: dict[str, Factory], find: Callable[[Any], Any]) -> Factory:
    """Returns the function `get` of a module.

    Args:
        makers: the classes and functions of the module by name.
        find: raises an error for an unknown name, and returns objects unchanged.
    """

    def get(identifier: Any, kwargs: Mapping[str, Any] | None = None) -> Any:
        """Returns the object for a name and its arguments; returns objects unchanged."""
        if isinstance(identifier, str) and identifier in makers:
            return makers[identifier](**(kwargs or {}))
        return find(identifier)

    return get


_REGULARIZERS: dict[str, Factory] = {
    "l1": l1,
    "l2": l2,
    "l1l2": l1l2,
    "activity_l1": l1,
    "activity_l2": l2,
    "activity_l1l2": l1l2,
    "L1L2Regularizer": L1L2Regularizer,
    "WeightRegularizer": L1L2Regularizer,
    "ActivityRegularizer": L1L2Regularizer,
    "EigenvalueRegularizer": EigenvalueRegularizer,
    "Regularizer": regularizers.Regularizer,
}
REGULARIZER_MAKERS = {**_REGULARIZERS, "get": _make_get(_REGULARIZERS, get_regularizer)}


class MaxNorm(_NamedConfig, constraints.MaxNorm):
    """Limits the norm along an axis of the Keras 1 kernel; see `cornu.constraints.MaxNorm`."""

    _names_ = CONSTRAINT_ARGUMENTS["MaxNorm"]

    def __init__(self, m: float = 2, axis: Any = 0) -> None:
        super().__init__(m, axis)


class MinMaxNorm(_NamedConfig, constraints.MinMaxNorm):
    """Keeps the norm along an axis within bounds; see `cornu.constraints.MinMaxNorm`."""

    _names_ = CONSTRAINT_ARGUMENTS["MinMaxNorm"]

    def __init__(
        self, low: float = 0.0, high: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        super().__init__(low, high, rate, axis)


class NonNeg(_NamedConfig, constraints.NonNeg):
    """See `cornu.constraints.NonNeg`."""


class UnitNorm(_NamedConfig, constraints.UnitNorm):
    """See `cornu.constraints.UnitNorm`."""


_CONSTRAINTS: dict[str, Factory] = {
    **dict.fromkeys(("maxnorm", "MaxNorm"), MaxNorm),
    **dict.fromkeys(("nonneg", "NonNeg"), NonNeg),
    **dict.fromkeys(("unitnorm", "UnitNorm"), UnitNorm),
    "MinMaxNorm": MinMaxNorm,
    "Constraint": constraints.Constraint,
}
CONSTRAINT_MAKERS = {**_CONSTRAINTS, "get": _make_get(_CONSTRAINTS, get_constraint)}
