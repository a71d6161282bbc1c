"""Losses: functions of labels and predictions that training minimizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from cornu import registry
from cornu.core.tracebacks.api_boundary import api_boundary as _api_boundary
from cornu.errors import suggest_names as _suggest_names
from cornu.losses.base import FunctionLoss, Loss
from cornu.losses.margin import CategoricalHinge, Hinge, SquaredHinge
from cornu.losses.probabilistic import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    categorical_generalized_cross_entropy,
)
from cornu.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
)
from cornu.losses.segmentation import Dice, Tversky, dice, tversky
from cornu.losses.sequence import CTC, ctc
from cornu.losses.similarity import Circle, circle
from cornu.parts.formulas.margin import categorical_hinge, hinge, squared_hinge
from cornu.parts.formulas.probabilistic import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from cornu.parts.formulas.regression import (
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from cornu.types import Config, LossLike

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

# Classes are registered when they are defined.
for _name in __all__:
    if _name[0].islower() and _name not in ("deserialize", "get", "serialize"):
        registry.add_function("losses", globals()[_name])
for _name, _fn in {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
}.items():
    registry.add_function("losses", _fn, _name, _name.upper())


@overload
def get(identifier: None) -> None: ...


@overload
def get(identifier: LossLike) -> Loss | Callable[..., Any]: ...


@_api_boundary
def get(identifier: LossLike | None) -> Loss | Callable[..., Any] | None:
    """Returns a loss from a name, a config or a callable; `None` for `None`.

    Args:
        identifier: one of these. A class is instantiated with its default arguments.

    Returns:
        A loss object or a function.

    Raises:
        ValueError: the name is unknown.
        TypeError: the identifier is of another type.

    Example:

    >>> get("mse") is mean_squared_error, type(get("Huber")).__name__
    (True, 'Huber')
    """
    found: Loss | Callable[..., Any] | None = registry.resolve("losses", identifier)
    return found


@_api_boundary
def serialize(loss: Loss | Callable[..., Any]) -> Config | str:
    """Returns a loss as plain data.

    Args:
        loss: the loss, an object or a function.

    Example:

    >>> import cornu
    >>> cornu.losses.serialize(cornu.losses.MeanSquaredError())["class_name"]
    'MeanSquaredError'
    """
    config: Config | str = registry.serialize(loss)
    return config


@_api_boundary
def deserialize(name: LossLike | None, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates a loss from the result of `serialize`.

    Args:
        name: the name or config; None gives None.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> cornu.losses.deserialize("mse") is cornu.losses.mean_squared_error
    True
    """
    with registry.custom_object_scope(custom_objects):
        return get(name)


_suggest_names(__name__, __all__)
