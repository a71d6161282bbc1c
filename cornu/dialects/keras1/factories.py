"""Factory functions of `keras.initializations`, activations and optimizers of Keras 1."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from cornu.core.state.variable import Variable
from cornu.dialects.keras1 import backend
from cornu.dialects.optimizer_steps import OptimizerMethods, derive_old_class
from cornu.dialects.subclasses.optimizer_rules import make_subclassable
from cornu.dialects.subclasses.optimizers import Keras1Optimizer
from cornu.legacy import optimizers
from cornu.legacy.keras1.argument_values import (
    INITIALIZERS,
    get_activation,
    get_initializer,
)
from cornu.legacy.keras1.class_mapping import ClassMapping, Era, OldClass, automatic_name
from cornu.parts import initializers as modern

__all__ = [
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "OPTIMIZERS",
    "OPTIMIZER_ROWS",
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


def find_old_optimizer(name: str) -> OldClass:
    """Returns the class of an optimizer that programs call; pickles refer to this function."""
    found: OldClass = _CLASSES[name]
    return found


def find_optimizer_class(name: str) -> type:
    """Returns the class of the objects of an optimizer; pickles refer to this function."""
    old_class = find_old_optimizer(name)
    return old_class.class_for(old_class.mapping.target)  # type: ignore[arg-type]  # a class


def _make_optimizer(name: str, signature: str) -> OldClass:
    mapping = ClassMapping(name, signature, vars(optimizers)[name], keywords=_LIMITS, era=_ERA)
    made = OldClass(mapping, (), make_subclassable(name, signature, _LIMITS, is_keras_1=True))
    made.derive = derive_old_class(find_optimizer_class, methods=OptimizerMethods)
    made.reference = (find_old_optimizer, name)
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
