"""Factory functions of `keras.initializations`, `regularizers`, `constraints`, and activations."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from cornu import ops, registry
from cornu.core.state.variable import Variable
from cornu.dialects.keras1 import backend
from cornu.dialects.optimizer_steps import derive_of_keras_1
from cornu.dialects.subclasses.optimizer_rules import make_subclassable
from cornu.dialects.subclasses.optimizers import Keras1Optimizer
from cornu.legacy import optimizers
from cornu.legacy.keras1.argument_values import (
    CONSTRAINTS,
    INITIALIZERS,
    get_activation,
    get_constraint,
    get_initializer,
    get_regularizer,
)
from cornu.legacy.keras1.class_mapping import ClassMapping, Era, OldClass, automatic_name
from cornu.parts import constraints, regularizers
from cornu.parts import initializers as modern

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINT_MAKERS",
    "INITIALIZATIONS",
    "OPTIMIZERS",
    "OPTIMIZER_ROWS",
    "REGULARIZER_MAKERS",
]

Factory = Callable[..., Any]


def _make_variable(shape: Any, values: Any, name: str | None) -> Variable:
    return Variable(values, shape=tuple(shape), name=name)


def uniform(
    shape: Any, scale: float = 0.05, name: str | None = None, dim_ordering: str = "th"
) -> Variable:
    """Returns a Variable of numbers between `-scale` and `scale`."""
    return _make_variable(shape, modern.RandomUniform(-scale, scale), name)


def normal(
    shape: Any, scale: float = 0.05, name: str | None = None, dim_ordering: str = "th"
) -> Variable:
    """Returns a Variable of normally distributed numbers."""
    return _make_variable(shape, modern.RandomNormal(0.0, scale), name)


def orthogonal(
    shape: Any, scale: float = 1.1, name: str | None = None, dim_ordering: str = "th"
) -> Variable:
    """Returns an orthogonal matrix times `scale` as a Variable."""
    return _make_variable(shape, modern.Orthogonal(scale), name)


def identity(
    shape: Any, scale: float = 1, name: str | None = None, dim_ordering: str = "th"
) -> Variable:
    """Returns the identity matrix times `scale` as a Variable."""
    return _make_variable(shape, modern.Identity(scale), name)


def _make_factory(init: str) -> Factory:
    def make(shape: Any, name: str | None = None, dim_ordering: str = "th") -> Variable:
        return _make_variable(shape, INITIALIZERS[init](), name)

    make.__name__ = make.__qualname__ = init
    make.__doc__ = f"Returns a Variable that is initialized by {init!r}."
    return make


def get_initialization(identifier: Any, **kwargs: Any) -> Any:
    """Returns the function for a name; returns functions unchanged.

    Args:
        identifier: a name or a function.
        **kwargs: arguments of the function, such as `scale`.
    """
    if callable(identifier):
        return identifier
    if identifier not in INITIALIZATIONS:
        get_initializer(identifier)  # raises
    found = INITIALIZATIONS[identifier]
    return functools.partial(found, **kwargs) if kwargs else found


def get_fans(shape: Any, dim_ordering: str = "th") -> tuple[float, float]:
    """Returns the numbers of inputs and outputs of a kernel.

    Example:

    >>> get_fans((3, 3, 8, 16), dim_ordering="tf")
    (72, 144)
    """
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) in (4, 5):
        first = dim_ordering == "th"
        size = math.prod(shape[2:] if first else shape[:2])
        inputs, outputs = (shape[1], shape[0]) if first else (shape[-2], shape[-1])
        return inputs * size, outputs * size
    root = math.sqrt(math.prod(shape))
    return root, root


INITIALIZATIONS: dict[str, Factory] = {
    **{name: _make_factory(name) for name in INITIALIZERS},
    **{fn.__name__: fn for fn in (uniform, normal, orthogonal, identity)},
    "get": get_initialization,
    "get_fans": get_fans,
}


def get_activation_(identifier: Any) -> Any:
    """Returns the activation for a name; returns functions unchanged."""
    return get_activation("linear" if identifier is None else identifier)


ACTIVATIONS: dict[str, Factory] = {
    **{
        name: get_activation(name)
        for name in (
            *("elu", "hard_sigmoid", "linear", "sigmoid", "softmax", "softplus", "softsign"),
            "tanh",
        )
    },
    "relu": backend.FUNCTIONS["relu"],
    "get": get_activation_,
}


def l1(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L1 regularizer."""
    return regularizers.L1L2(l1=l)


def l2(l: float = 0.01) -> Any:  # noqa: E741
    """Returns an L2 regularizer."""
    return regularizers.L1L2(l2=l)


def l1l2(l1: float = 0.01, l2: float = 0.01) -> Any:
    """Returns a regularizer with an L1 and an L2 penalty."""
    return regularizers.L1L2(l1, l2)


@registry.register_keras_serializable(package="keras1")
class EigenvalueRegularizer(regularizers.Regularizer):
    """Penalizes the largest eigenvalue of `W.T @ W`: `k * sqrt(eigenvalue)`.

    The eigenvalue is that of nine steps of the power method, from a vector of ones.

    Args:
        k: the factor.
    """

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


def get_regularizer_(identifier: Any, kwargs: Any = None) -> Any:
    """Returns the regularizer for a name; returns objects unchanged."""
    if isinstance(identifier, str) and kwargs:
        return REGULARIZER_MAKERS[identifier](**kwargs)
    return get_regularizer(identifier)


REGULARIZER_MAKERS: dict[str, Factory] = {
    "l1": l1,
    "l2": l2,
    "l1l2": l1l2,
    "activity_l1": l1,
    "activity_l2": l2,
    "activity_l1l2": l1l2,
    "L1L2Regularizer": regularizers.L1L2,
    "WeightRegularizer": regularizers.L1L2,
    "ActivityRegularizer": regularizers.L1L2,
    "EigenvalueRegularizer": EigenvalueRegularizer,
    "Regularizer": regularizers.Regularizer,
    "get": get_regularizer_,
}


def maxnorm(m: float = 2, axis: Any = 0) -> Any:
    """Returns a constraint that limits the norm along an axis of the Keras 1 kernel."""
    return constraints.MaxNorm(m, axis)


def minmaxnorm(low: float = 0.0, high: float = 1.0, rate: float = 1.0, axis: Any = 0) -> Any:
    """Returns a constraint that keeps the norm along an axis within bounds."""
    return constraints.MinMaxNorm(low, high, rate, axis)


def get_constraint_(identifier: Any, kwargs: Any = None) -> Any:
    """Returns the constraint for a name; returns objects unchanged."""
    if isinstance(identifier, str) and kwargs:
        return CONSTRAINT_MAKERS[identifier](**kwargs)
    return get_constraint(identifier)


CONSTRAINT_MAKERS: dict[str, Factory] = {
    **CONSTRAINTS,
    "maxnorm": maxnorm,
    "MaxNorm": maxnorm,
    "MinMaxNorm": minmaxnorm,
    "NonNeg": constraints.NonNeg,
    "UnitNorm": constraints.UnitNorm,
    "Constraint": constraints.Constraint,
    "get": get_constraint_,
}


# -------------------------------------------------------------------------------------- optimizers


def clip_norm(g: Any, c: float, n: Any) -> Any:
    """Scales a gradient whose norm is `n` to the norm `c` if it is larger."""
    return backend.FUNCTIONS["switch"](n >= c, g * c / n, g) if c > 0 else g


def optimizer_from_config(config: dict[str, Any], custom_objects: Any = None) -> Any:
    """Returns the optimizer for `{"class_name": ..., "config": ...}`."""
    classes = {**_CLASSES, **(custom_objects or {})}
    found = classes.get(config["class_name"]) or classes.get(config["class_name"].lower())
    if found is None:
        raise ValueError(f"Keras 1 has no optimizer {config['class_name']!r}.")
    given = {k: v for k, v in config["config"].items() if k not in ("name", "learning_rate")}
    return found(**given)


def get_optimizer(identifier: Any, kwargs: Any = None) -> Any:
    """Returns the optimizer for a name; returns optimizers unchanged."""
    if isinstance(identifier, str) and identifier.lower() in _CLASSES:
        return _CLASSES[identifier.lower()](**(kwargs or {}))
    return optimizers.get(identifier)


_LIMITS = "clipnorm=None, clipvalue=None"
_BETAS = "beta_1=0.9, beta_2=0.999, epsilon=1e-08"
_SIGNATURES = {
    "SGD": "lr=0.01, momentum=0.0, decay=0.0, nesterov=False",
    "RMSprop": "lr=0.001, rho=0.9, epsilon=1e-08, decay=0.0",
    "Adagrad": "lr=0.01, epsilon=1e-08, decay=0.0",
    "Adadelta": "lr=1.0, rho=0.95, epsilon=1e-08, decay=0.0",
    "Adam": f"lr=0.001, {_BETAS}, decay=0.0",
    "Adamax": f"lr=0.002, {_BETAS}, decay=0.0",
    "Nadam": f"lr=0.002, {_BETAS}, schedule_decay=0.004",
}
_ERA = Era("Keras 1", lambda mapping, arguments: arguments, automatic_name)


def _make_optimizer(name: str, signature: str) -> OldClass:
    mapping = ClassMapping(name, signature, vars(optimizers)[name], keywords=_LIMITS, era=_ERA)
    made = OldClass(mapping, (), make_subclassable(name, signature, _LIMITS, is_keras_1=True))
    made.derive = derive_of_keras_1
    return made


_CLASSES: dict[str, Any] = {name: _make_optimizer(name, text) for name, text in _SIGNATURES.items()}
# The row of each optimizer.
OPTIMIZER_ROWS: dict[str, ClassMapping] = {name: cls.mapping for name, cls in _CLASSES.items()}
_CLASSES |= {name.lower(): cls for name, cls in _CLASSES.items()}

OPTIMIZERS: dict[str, Any] = {
    **_CLASSES,
    "Optimizer": Keras1Optimizer,
    "clip_norm": clip_norm,
    "get": get_optimizer,
    "optimizer_from_config": optimizer_from_config,
}
