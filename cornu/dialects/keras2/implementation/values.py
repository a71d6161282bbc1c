"""Values of arguments in Keras 2: names and objects of initializers, activations and so on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from cornu.dialects.keras2.implementation.initializers import (
    get_initializer,
    initializers_of,
    look_up,
)
from cornu.dialects.keras2.implementation.version import Version
from cornu.legacy.activations import hard_sigmoid
from cornu.legacy.keras1.argument_values import ArrayInitializer
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.parts import activations, constraints, regularizers

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINTS",
    "LATER_ACTIVATIONS",
    "REGULARIZERS",
    "TENSORFLOW_REGULARIZERS",
    "ArrayInitializer",
    "converter_of",
    "get_activation",
    "get_constraint",
    "get_regularizer",
]

Factory = Callable[..., Any]


def relu(x: Any, alpha: float = 0.0, max_value: Any = None, threshold: float = 0.0) -> Any:
    """Computes `max(x, 0)`, with a slope below the threshold and an upper bound."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


ACTIVATIONS: dict[str, Factory] = {
    **{
        name: getattr(activations, name)
        for name in (
            *("elu", "exponential", "linear", "selu", "sigmoid", "softmax", "softplus"),
            *("softsign", "tanh"),
        )
    },
    "hard_sigmoid": hard_sigmoid,
    "relu": relu,
}
# By name, the function of the library, which files can name.
_BY_NAME = {**ACTIVATIONS, "relu": activations.relu}
# Names that tf.keras added.
LATER_ACTIVATIONS = {name: getattr(activations, name) for name in ("gelu", "mish", "swish")}


def get_activation(identifier: Any) -> Any:
    """Returns the activation for a name; None is the identity, other values are unchanged."""
    if identifier is None:
        return activations.linear
    if isinstance(identifier, str):
        return look_up("activation", identifier, {**_BY_NAME, **LATER_ACTIVATIONS})
    return activations.relu if identifier is relu else identifier


def l1(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L1 penalty."""
    return regularizers.L1L2(l1=l)


def l2(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L2 penalty."""
    return regularizers.L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> Any:
    """Returns the sum of an L1 and an L2 penalty."""
    return regularizers.L1L2(l1, l2)


REGULARIZERS: dict[str, Factory] = {
    "L1L2": regularizers.L1L2,
    "Regularizer": regularizers.Regularizer,
    "l1": l1,
    "l2": l2,
    "l1_l2": l1_l2,
}


TENSORFLOW_REGULARIZERS: dict[str, Factory] = {
    "L1": regularizers.L1,
    "L2": regularizers.L2,
    "l1": regularizers.L1,
    "l2": regularizers.L2,
    **dict.fromkeys(
        ("OrthogonalRegularizer", "orthogonal_regularizer"), regularizers.OrthogonalRegularizer
    ),
}


def get_regularizer(identifier: Any) -> Any:
    """Returns the penalty for a name or a config; other values are unchanged."""
    if isinstance(identifier, str):
        return look_up("regularizer", identifier, REGULARIZERS)()
    return regularizers.get(dict(identifier)) if isinstance(identifier, Mapping) else identifier


CONSTRAINTS: dict[str, Factory] = {
    "Constraint": constraints.Constraint,
    **dict.fromkeys(("MaxNorm", "max_norm", "maxnorm"), constraints.MaxNorm),
    **dict.fromkeys(("MinMaxNorm", "min_max_norm"), constraints.MinMaxNorm),
    **dict.fromkeys(("NonNeg", "non_neg", "nonneg"), constraints.NonNeg),
    **dict.fromkeys(("UnitNorm", "unit_norm", "unitnorm"), constraints.UnitNorm),
}


def get_constraint(identifier: Any) -> Any:
    """Returns the constraint for a name or a config; other values are unchanged."""
    if isinstance(identifier, str):
        return look_up("constraint", identifier, CONSTRAINTS)()
    return constraints.get(dict(identifier)) if isinstance(identifier, Mapping) else identifier


def _get_summed(identifier: Any) -> Any:
    found = get_regularizer(identifier)
    return None if found is None else SummedActivityRegularizer(found)


_BY_SUFFIX: dict[str, Factory] = {
    "_regularizer": get_regularizer,
    "_constraint": get_constraint,
}


def converter_of(argument: str, version: Version) -> Factory | None:
    """Returns the function that converts the values of an argument, or None."""
    if argument == "activity_regularizer" and not version.source.is_tensorflow:
        return _get_summed
    if argument in ("activation", "recurrent_activation"):
        return get_activation
    if argument.endswith("_initializer"):
        return functools.partial(get_initializer, names=initializers_of(version))
    return next((fn for suffix, fn in _BY_SUFFIX.items() if argument.endswith(suffix)), None)
