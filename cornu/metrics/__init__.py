"""Metrics: quantities that are accumulated while a model is trained or evaluated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from cornu import names, registry
from cornu.core.tracebacks.api_boundary import api_boundary as _api_boundary
from cornu.errors import suggest_names as _suggest_names
from cornu.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from cornu.metrics.base import Metric
from cornu.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from cornu.metrics.correlation import (
    ConcordanceCorrelation,
    PearsonCorrelation,
    concordance_correlation,
    pearson_correlation,
)
from cornu.metrics.curve import (
    AUC,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from cornu.metrics.f_score import F1Score, FBetaScore
from cornu.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from cornu.metrics.margin import CategoricalHinge, Hinge, SquaredHinge
from cornu.metrics.mean import Mean, MeanMetricWrapper, Sum
from cornu.metrics.probabilistic import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from cornu.metrics.r2 import R2Score
from cornu.metrics.regression import (
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    RootMeanSquaredError,
)
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
from cornu.types import Config, MetricLike

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

_ALIASES: dict[type[Metric], tuple[str, ...]] = {
    BinaryCrossentropy: ("bce", "BCE"),
    MeanAbsoluteError: ("mae", "MAE"),
    MeanAbsolutePercentageError: ("mape", "MAPE"),
    MeanSquaredError: ("mse", "MSE"),
    MeanSquaredLogarithmicError: ("msle", "MSLE"),
}
# The name of a function resolves to the class of the same name in snake case. Under "formulas",
# configs of MeanMetricWrapper find the function itself.
for _name in __all__:
    if _name[0].isupper():
        _cls = globals()[_name]
        registry.add_class("metrics", _cls, names.snake_case(_name), *_ALIASES.get(_cls, ()))
    elif _name not in ("deserialize", "get", "serialize"):
        registry.add_function("formulas", globals()[_name])


@overload
def get(identifier: None) -> None: ...


@overload
def get(identifier: MetricLike) -> Metric | Callable[..., Any]: ...


@_api_boundary
def get(identifier: MetricLike | None) -> Metric | Callable[..., Any] | None:
    """Returns a metric from a name, a config or a callable; `None` for `None`.

    Args:
        identifier: one of these. A class is instantiated with its default arguments.

    Returns:
        A metric object or a function.

    Raises:
        ValueError: the name is unknown.
        TypeError: the identifier is of another type.

    Example:

    >>> get("mse").name, get("auc").name
    ('mean_squared_error', 'auc')
    """
    found: Metric | Callable[..., Any] | None = registry.resolve("metrics", identifier)
    return found


@_api_boundary
def serialize(metric: Metric | Callable[..., Any]) -> Config | str:
    """Returns a metric as plain data.

    Args:
        metric: the metric, an object or a function.

    Example:

    >>> import cornu
    >>> cornu.metrics.serialize(cornu.metrics.MeanSquaredError())["class_name"]
    'MeanSquaredError'
    """
    config: Config | str = registry.serialize(metric)
    return config


@_api_boundary
def deserialize(config: MetricLike | None, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates a metric from the result of `serialize`.

    Args:
        config: the name or config; None gives None.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the name is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.metrics.serialize(cornu.metrics.MeanSquaredError(name="error"))
    >>> cornu.metrics.deserialize(config).name
    'error'
    """
    with registry.custom_object_scope(custom_objects):
        return get(config)


_suggest_names(__name__, __all__)
