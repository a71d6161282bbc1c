"""Constraints: projections of weights, applied after each training step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu import names, ops, registry, settings
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.registry import Configurable
from cornu.types import Array, ConstraintLike

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

Axis = int | Sequence[int]


class Constraint(Configurable):
    """Base class of constraints: functions that project weights onto a feasible set.

    Example:

    >>> class Centered(Constraint):
    ...     def __call__(self, w):
    ...         return w - ops.mean(w)
    >>> Centered()(ops.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """

    _category_ = "constraints"

    def __call__(self, w: Array) -> Array:
        """Returns the constrained weights."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__call__`.")


class MaxNorm(Constraint):
    """Limits the norm of the weights of each unit.

    Args:
        max_value: the maximum norm.
        axis: the axes over which the norm is computed: 0 for a Dense kernel (inputs, units),
            `[0, 1, 2]` for a Conv2D kernel (height, width, channels, filters).

    Example:

    >>> w = MaxNorm(2.5)(ops.array([[3.0, 0.0], [4.0, 1.0]]))
    >>> ops.round(10 * w).tolist()
    [[15.0, 0.0], [20.0, 10.0]]

    References: Nitish Srivastava et al. (2014), "Dropout: A Simple Way to Prevent Neural Networks
    from Overfitting".
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        norm = _norm(w, self.axis)
        return _rescale(w, norm, ops.clip(norm, 0, self.max_value))


class MinMaxNorm(Constraint):
    """Limits the norm of the weights of each unit to an interval.

    Args:
        min_value: the minimum norm.
        max_value: the maximum norm.
        rate: the fraction of the distance to the interval that each step removes; 1 enforces the
            interval.
        axis: the axes over which the norm is computed; see `MaxNorm`.

    Example:

    >>> MinMaxNorm(1.0, 5.0)(ops.array([[6.0], [8.0]])).tolist()
    [[3.0], [4.0]]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        norm = _norm(w, self.axis)
        clipped = ops.clip(norm, self.min_value, self.max_value)
        # With a rate below 1, weights approach the interval over several steps.
        return _rescale(w, norm, self.rate * clipped + (1 - self.rate) * norm)


class UnitNorm(Constraint):
    """Rescales the weights of each unit to norm 1.

    Args:
        axis: the axes over which the norm is computed; see `MaxNorm`.

    Example:

    >>> UnitNorm()(ops.array([[3.0], [0.0]])).tolist()
    [[1.0], [0.0]]
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Array) -> Array:
        return _rescale(w, _norm(w, self.axis), 1.0)


class NonNeg(Constraint):
    """Replaces negative weights by 0.

    Example:

    >>> NonNeg()(ops.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        return ops.maximum(w, 0)


def _norm(w: Array, axis: Axis) -> Array:
    axis = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


def _rescale(w: Array, norm: Array, target: Array | float) -> Array:
    # Epsilon avoids 0 / 0 for units whose weights are all zero.
    return w * (target / (settings.get("epsilon") + norm))


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

for _cls in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm):
    registry.add_class("constraints", _cls, names.snake_case(_cls.__name__))


@api_boundary
def get(identifier: ConstraintLike | None) -> Any:
    """Returns a constraint from a name, a config or a callable; `None` for `None`.

    Args:
        identifier: a name such as `"max_norm"`, which gives an object with default arguments; what
            `serialize` returned; a class; or an object or function, which is returned unchanged.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> get("max_norm").max_value
    2
    """
    return registry.resolve("constraints", identifier)


@api_boundary
def serialize(constraint: Callable[..., Any]) -> Any:
    """Returns the config of a constraint.

    Args:
        constraint: a constraint, an object or a function.

    Example:

    >>> import cornu
    >>> cornu.constraints.serialize(cornu.constraints.NonNeg())["class_name"]
    'NonNeg'
    """
    return registry.serialize(constraint)


@api_boundary
def deserialize(config: ConstraintLike, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates a constraint from a config that `serialize` returned.

    Args:
        config: the name or config.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.constraints.serialize(cornu.constraints.MaxNorm(2))
    >>> cornu.constraints.deserialize(config).max_value
    2
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
