"""Regularizers: penalties on weights that are added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from cornu import ops, registry
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.registry import Configurable
from cornu.types import Array, RegularizerLike

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer(Configurable):
    """Base class of regularizers: functions of weights (or outputs) that return a scalar.

    Example:

    >>> class Largest(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.max(ops.absolute(x))
    >>> float(Largest()(ops.array([1.0, -3.0])))
    3.0
    """

    _category_ = "regularizers"

    def __call__(self, x: Array) -> Array | float:
        """Returns the penalty for `x`."""
        return 0.0


class L1(Regularizer):
    """Computes the penalty `l1 * sum(|x|)`.

    Args:
        l1: the factor.

    Example:

    >>> float(L1(0.5)(ops.array([1.0, -3.0])))
    2.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _check_factor("l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Array) -> Array:
        return self.l1 * ops.sum(ops.absolute(x))


class L2(Regularizer):
    """Computes the penalty `l2 * sum(x ** 2)`.

    Args:
        l2: the factor.

    Example:

    >>> float(L2(0.5)(ops.array([1.0, -3.0])))
    5.0

    Note: the penalty is not halved, so that `weight_decay` in PyTorch is twice this factor.
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _check_factor("l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Array) -> Array:
        return self.l2 * ops.sum(ops.square(x))


class L1L2(Regularizer):
    """Computes the penalty `l1 * sum(|x|) + l2 * sum(x ** 2)`.

    Args:
        l1: the factor of the absolute values.
        l2: the factor of the squares.

    Example:

    >>> float(L1L2(0.5, 0.5)(ops.array([1.0, -3.0])))
    7.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _check_factor("l1", 0.0 if l1 is None else l1)
        self.l2 = _check_factor("l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Array) -> Array:
        return self.l1 * ops.sum(ops.absolute(x)) + self.l2 * ops.sum(ops.square(x))


class OrthogonalRegularizer(Regularizer):
    """Penalizes rows (or columns) of a matrix that are not orthogonal to each other.

    The penalty is `factor` times the mean of `|cosine|` over all pairs of rows.

    Args:
        factor: the factor.
        mode: `"rows"` or `"columns"`.

    Raises:
        ValueError: the weights are not a matrix.

    Example:

    >>> float(OrthogonalRegularizer(1.0)(ops.array([[2.0, 0.0], [3.0, 0.0]])))
    1.0
    """

    def __init__(self, factor: float = 0.01, mode: Literal["rows", "columns"] = "rows") -> None:
        self.factor = _check_factor("factor", factor)
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns'. Received: {mode!r}")
        self.mode = mode

    def __call__(self, inputs: Array) -> Array:
        if len(inputs.shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer: expected a matrix. Received shape {tuple(inputs.shape)}"
            )
        # Products of unit vectors are cosines.
        rows = ops.normalize(inputs if self.mode == "rows" else ops.transpose(inputs), axis=1)
        cosines = ops.absolute(ops.matmul(rows, ops.transpose(rows)))
        # The trace may be less than the size: the cosine of a row of zeros with itself is 0.
        size = rows.shape[0]
        return self.factor * (ops.sum(cosines) - ops.trace(cosines)) / (size * (size - 1))


def _check_factor(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite, non-negative number. Received: {value!r}")
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

for _cls, _names in {
    L1: ("l1",),
    L2: ("l2",),
    L1L2: ("l1_l2", "l1l2"),
    OrthogonalRegularizer: ("orthogonal_regularizer",),
}.items():
    registry.add_class("regularizers", _cls, *_names)


@api_boundary
def get(identifier: RegularizerLike | None) -> Any:
    """Returns a regularizer from a name, a config or a callable; `None` for `None`.

    Args:
        identifier: a name such as `"l2"`, which gives an object with default arguments; what
            `serialize` returned; a class; or an object or function, which is returned unchanged.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> get("l2").l2
    0.01
    """
    return registry.resolve("regularizers", identifier)


@api_boundary
def serialize(regularizer: Callable[..., Any]) -> Any:
    """Returns the config of a regularizer.

    Args:
        regularizer: a regularizer, an object or a function.

    Example:

    >>> import cornu
    >>> cornu.regularizers.serialize(cornu.regularizers.L2(0.5))["class_name"]
    'L2'
    """
    return registry.serialize(regularizer)


@api_boundary
def deserialize(config: RegularizerLike, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates a regularizer from a config that `serialize` returned.

    Args:
        config: the name or config.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.regularizers.serialize(cornu.regularizers.L2(0.5))
    >>> float(cornu.regularizers.deserialize(config).l2)
    0.5
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)
