"""Values of arguments in Keras 2: names and objects of initializers, activations and so on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cornu import ops
from cornu.core.state.variable import Variable
from cornu.dialects.keras2.implementation.version import Version
from cornu.errors import suggest
from cornu.legacy.activations import hard_sigmoid
from cornu.legacy.keras1.argument_values import ArrayInitializer
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.parts import activations, constraints, initializers, regularizers

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINTS",
    "INITIALIZERS",
    "LATER_ACTIVATIONS",
    "REGULARIZERS",
    "TENSORFLOW_INITIALIZERS",
    "TENSORFLOW_REGULARIZERS",
    "ArrayInitializer",
    "FunctionInitializer",
    "converter_of",
    "get_activation",
    "get_constraint",
    "get_initializer",
    "get_regularizer",
]

Factory = Callable[..., Any]


class Constant(initializers.Constant):
    """The same value in all elements, by default 0."""

    _is_derived_ = True

    def __init__(self, value: Any = 0) -> None:
        super().__init__(value)


class FunctionInitializer(initializers.Initializer):
    """Wraps a function of a shape that returns an array or a Variable.

    Args:
        function: a function `f(shape)` or `f(shape, dtype=None)`.
    """

    def __init__(self, function: Factory) -> None:
        self.function = function

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        value = self.function(shape)
        return ops.cast(value.value if isinstance(value, Variable) else value, dtype or "float32")


def make_variance_scaling(
    scale: float = 1.0, mode: Any = "fan_in", distribution: str = "normal", seed: Any = None
) -> initializers.VarianceScaling:
    """Returns an initializer whose scale depends on the numbers of inputs and outputs."""
    kind: Any = "truncated_normal" if distribution == "normal" else distribution
    return initializers.VarianceScaling(scale, mode, kind, seed)


# Every name of Keras 2.
INITIALIZERS: dict[str, Factory] = {
    "Initializer": initializers.Initializer,
    **dict.fromkeys(("Zeros", "zeros", "zero"), initializers.Zeros),
    **dict.fromkeys(("Ones", "ones", "one"), initializers.Ones),
    **dict.fromkeys(("Constant", "constant"), Constant),
    **dict.fromkeys(("RandomNormal", "random_normal", "normal"), initializers.RandomNormal),
    **dict.fromkeys(("RandomUniform", "random_uniform", "uniform"), initializers.RandomUniform),
    **dict.fromkeys(("TruncatedNormal", "truncated_normal"), initializers.TruncatedNormal),
    "VarianceScaling": make_variance_scaling,
    **dict.fromkeys(("Orthogonal", "orthogonal"), initializers.Orthogonal),
    **dict.fromkeys(("Identity", "identity"), initializers.Identity),
    "lecun_uniform": initializers.LecunUniform,
    "lecun_normal": initializers.LecunNormal,
    "glorot_normal": initializers.GlorotNormal,
    "glorot_uniform": initializers.GlorotUniform,
    "he_normal": initializers.HeNormal,
    "he_uniform": initializers.HeUniform,
}


_SCALING = initializers.VarianceScaling
# Classes of tf.keras, and those with other defaults.
TENSORFLOW_INITIALIZERS: dict[str, Factory] = {
    **{
        name: getattr(initializers, name)
        for name in (
            *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal"),
            "LecunUniform",
        )
    },
    **dict.fromkeys(("VarianceScaling", "variance_scaling"), _SCALING),
}


def get_initializer(identifier: Any) -> Any:
    """Returns the initializer for a name, a config or a function of a shape."""
    if isinstance(identifier, str):
        return _look_up("initializer", identifier, INITIALIZERS)()
    if isinstance(identifier, Mapping):
        return initializers.get(dict(identifier))
    if identifier is None or isinstance(identifier, initializers.Initializer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, initializers.Initializer):
        return identifier()
    return FunctionInitializer(identifier)


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
        return _look_up("activation", identifier, {**_BY_NAME, **LATER_ACTIVATIONS})
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
        return _look_up("regularizer", identifier, REGULARIZERS)()
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
        return _look_up("constraint", identifier, CONSTRAINTS)()
    return constraints.get(dict(identifier)) if isinstance(identifier, Mapping) else identifier


def _get_summed(identifier: Any) -> Any:
    found = get_regularizer(identifier)
    return None if found is None else SummedActivityRegularizer(found)


_BY_SUFFIX: dict[str, Factory] = {
    "_initializer": get_initializer,
    "_regularizer": get_regularizer,
    "_constraint": get_constraint,
}


def converter_of(argument: str, version: Version) -> Factory | None:
    """Returns the function that converts the values of an argument, or None."""
    if argument == "activity_regularizer" and not version.source.is_tensorflow:
        return _get_summed
    if argument in ("activation", "recurrent_activation"):
        return get_activation
    return next((fn for suffix, fn in _BY_SUFFIX.items() if argument.endswith(suffix)), None)


def _look_up(kind: str, name: str, table: Mapping[str, Factory]) -> Factory:
    if name in table:
        return table[name]
    raise ValueError(f"Keras 2 has no {kind} {name!r}. {suggest(name, table)}")
