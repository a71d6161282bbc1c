"""Objectives, the losses of Keras 1, and their weighting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from cornu import losses, ops, registry
from cornu.core.state import scope
from cornu.errors import suggest

__all__ = [
    "FUNCTIONS",
    "SHORT",
    "SHORT_FUNCTIONS",
    "Objective",
    "binary_crossentropy",
    "categorical_crossentropy",
    "cosine_proximity",
    "get",
    "hinge",
    "kullback_leibler_divergence",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

binary_crossentropy = losses.binary_crossentropy
categorical_crossentropy = losses.categorical_crossentropy
kullback_leibler_divergence = losses.kl_divergence
mean_absolute_error = losses.mean_absolute_error
mean_absolute_percentage_error = losses.mean_absolute_percentage_error
mean_squared_error = losses.mean_squared_error
mean_squared_logarithmic_error = losses.mean_squared_logarithmic_error
poisson = losses.poisson
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Computes `mean(max(1 - y_true * y_pred, 0))`; does not convert labels 0 to -1."""
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Computes `mean(max(1 - y_true * y_pred, 0) ** 2)`; does not convert labels 0 to -1."""
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def cosine_proximity(y_true: Any, y_pred: Any) -> Any:
    """Computes minus the *mean* over features of the product of unit vectors; Keras 3: the sum."""
    return -ops.mean(ops.normalize(y_true, axis=-1) * ops.normalize(y_pred, axis=-1), axis=-1)


for _fn in (hinge, squared_hinge, cosine_proximity):
    registry.register_keras_serializable(package="keras1")(_fn)

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "cosine_proximity": cosine_proximity,
    "hinge": hinge,
    "kullback_leibler_divergence": kullback_leibler_divergence,
    "mean_absolute_error": mean_absolute_error,
    "mean_absolute_percentage_error": mean_absolute_percentage_error,
    "mean_squared_error": mean_squared_error,
    "mean_squared_logarithmic_error": mean_squared_logarithmic_error,
    "poisson": poisson,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "squared_hinge": squared_hinge,
}
_SHORT = {
    "cosine": "cosine_proximity",
    "kld": "kullback_leibler_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
SHORT = {**_SHORT, **{name.upper(): whole for name, whole in _SHORT.items() if name != "cosine"}}
SHORT_FUNCTIONS = {name: FUNCTIONS[whole] for name, whole in SHORT.items()}


@registry.register_keras_serializable(package="keras1")
class Objective(losses.FunctionLoss):
    """A loss with the weighting of Keras 1: the mean is over samples with a nonzero weight."""

    def _reduce_(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        total = super()._reduce_(y_true, y_pred, sample_weight)
        if sample_weight is None:
            return total
        counted = jnp.asarray(sample_weight) != 0
        rows = scope.current().row_mask
        # Rows that fill up a partial batch are not samples.
        data = None if rows is None else jnp.reshape(rows != 0, (-1,) + (1,) * (counted.ndim - 1))
        share = jnp.mean(counted, where=data, dtype=total.dtype)
        # The inner `where` prevents a gradient of NaN if all weights are 0.
        return jnp.where(share == 0, 0, total / jnp.where(share == 0, 1, share))


def function_name(function: Any) -> str:
    """Returns the name of a function or other callable."""
    return getattr(function, "__name__", type(function).__name__)


def resolve_name(identifier: str) -> str:
    """Returns the full name of an objective, which may be abbreviated.

    Raises:
        ValueError: the name is unknown.
    """
    name = SHORT.get(identifier, identifier)
    if name not in FUNCTIONS:
        raise ValueError(
            f"Unknown objective of Keras 1: {identifier!r}. "
            f"{suggest(identifier, [*FUNCTIONS, *SHORT])}"
        )
    return name


def get(identifier: Any) -> Any:
    """Returns the objective for a name or a function of `(y_true, y_pred)`.

    Example:

    >>> get("mse").name
    'mean_squared_error'
    """
    if identifier is None or isinstance(identifier, losses.Loss):
        return identifier
    if isinstance(identifier, str):
        name = resolve_name(identifier)
        return Objective(FUNCTIONS[name], name=name)
    return Objective(identifier, name=function_name(identifier))
