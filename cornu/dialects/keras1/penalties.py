"""Regularizers and constraints of Keras 1, whose configs have the name of their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from cornu import ops, registry
from cornu.dialects.part_configs import PartConfigs
from cornu.legacy.keras1.argument_values import CONSTRAINTS, get_constraint, get_regularizer
from cornu.legacy.keras1.config_values import restore_value
from cornu.parts import constraints, regularizers

__all__ = ["CONSTRAINT_MAKERS", "REGULARIZER_MAKERS"]

Factory = Callable[..., Any]


class _NamedConfig(PartConfigs):
    """Mixin with `get_config` of Keras 1: the name of the class, and the arguments by their names.

    Attributes:
        kind: "regularizer" or "constraint".
    """

    kind: ClassVar[str]

    def get_config(self) -> dict[str, Any]:
        """Returns the name of the class and the arguments."""
        found: dict[str, Any] = restore_value(f"W_{self.kind}", self)
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates an object from the result of `get_config()`, or from a config of today."""
        if "name" in config:
            makers = REGULARIZER_MAKERS if cls.kind == "regularizer" else CONSTRAINT_MAKERS
            given = {name: value for name, value in config.items() if name != "name"}
            return makers[config["name"]](**given)
        return super().from_config(config, custom_objects)


class L1L2Regularizer(_NamedConfig, regularizers.L1L2):
    """A regularizer with an L1 and an L2 penalty.

    Args:
        l1, l2: the factors.
    """

    kind = "regularizer"


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
    kind = "regularizer"

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
        find: returns the object for a name without arguments; returns objects unchanged.
    """

    def get(identifier: Any, kwargs: Mapping[str, Any] | None = None) -> Any:
        """Returns the object for a name and its arguments; returns objects unchanged."""
        if isinstance(identifier, str) and kwargs:
            return makers[identifier](**kwargs)
        return find(identifier)

    return get


REGULARIZER_MAKERS: dict[str, Factory] = {
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
REGULARIZER_MAKERS["get"] = _make_get(REGULARIZER_MAKERS, get_regularizer)


class MaxNorm(_NamedConfig, constraints.MaxNorm):
    """See `cornu.constraints.MaxNorm`."""

    kind = "constraint"


class MinMaxNorm(_NamedConfig, constraints.MinMaxNorm):
    """See `cornu.constraints.MinMaxNorm`."""

    kind = "constraint"


class NonNeg(_NamedConfig, constraints.NonNeg):
    """See `cornu.constraints.NonNeg`."""

    kind = "constraint"


class UnitNorm(_NamedConfig, constraints.UnitNorm):
    """See `cornu.constraints.UnitNorm`."""

    kind = "constraint"


def maxnorm(m: float = 2, axis: Any = 0) -> Any:
    """Returns a constraint that limits the norm along an axis of the Keras 1 kernel."""
    return MaxNorm(m, axis)


def minmaxnorm(low: float = 0.0, high: float = 1.0, rate: float = 1.0, axis: Any = 0) -> Any:
    """Returns a constraint that keeps the norm along an axis within bounds."""
    return MinMaxNorm(low, high, rate, axis)


CONSTRAINT_MAKERS: dict[str, Factory] = {
    **CONSTRAINTS,
    "nonneg": NonNeg,
    "unitnorm": UnitNorm,
    "maxnorm": maxnorm,
    "MaxNorm": maxnorm,
    "MinMaxNorm": minmaxnorm,
    "NonNeg": NonNeg,
    "UnitNorm": UnitNorm,
    "Constraint": constraints.Constraint,
}
CONSTRAINT_MAKERS["get"] = _make_get(CONSTRAINT_MAKERS, get_constraint)
