"""Factory functions of `keras.initializations`, `regularizers`, `constraints`, and activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu.core.state.variable import Variable
from cornu.dialects.keras1 import backend
from cornu.legacy.keras1.argument_values import (
    CONSTRAINTS,
    INITIALIZERS,
    get_activation,
    get_initializer,
)
from cornu.parts import constraints, regularizers
from cornu.parts import initializers as modern

__all__ = ["ACTIVATIONS", "CONSTRAINT_MAKERS", "INITIALIZATIONS", "REGULARIZER_MAKERS"]

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


INITIALIZATIONS: dict[str, Factory] = {
    **{name: _make_factory(name) for name in INITIALIZERS},
    **{fn.__name__: fn for fn in (uniform, normal, orthogonal, identity)},
    "get": get_initializer,
}

ACTIVATIONS: dict[str, Factory] = {
    **{
        name: get_activation(name)
        for name in (
            *("elu", "hard_sigmoid", "linear", "sigmoid", "softmax", "softplus", "softsign"),
            "tanh",
        )
    },
    "relu": backend.FUNCTIONS["relu"],
    "get": get_activation,
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
}


def maxnorm(m: float = 2, axis: Any = 0) -> Any:
    """Returns a constraint that limits the norm along an axis of the Keras 1 kernel."""
    return constraints.MaxNorm(m, axis)


def minmaxnorm(low: float = 0.0, high: float = 1.0, rate: float = 1.0, axis: Any = 0) -> Any:
    """Returns a constraint that keeps the norm along an axis within bounds."""
    return constraints.MinMaxNorm(low, high, rate, axis)


CONSTRAINT_MAKERS: dict[str, Factory] = {
    **CONSTRAINTS,
    "maxnorm": maxnorm,
    "MaxNorm": maxnorm,
    "MinMaxNorm": minmaxnorm,
    "NonNeg": constraints.NonNeg,
    "UnitNorm": constraints.UnitNorm,
}
