"""Metrics of Keras 2: functions of `(y_true, y_pred)`, classes since 2.3, and their names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from cornu import losses as modern_losses
from cornu import metrics, ops
from cornu.core.graph.tensor import Tensor
from cornu.dialects.keras2.implementation import losses
from cornu.dialects.keras2.implementation.metric_classes import with_old_methods
from cornu.dialects.keras2.implementation.version import VERSIONS, Version
from cornu.dialects.old_signatures import class_with_signature
from cornu.dialects.part_configs import create_part
from cornu.errors import suggest
from cornu.legacy.keras1 import objectives
from cornu.losses import CategoricalCrossentropy, FunctionLoss, SparseCategoricalCrossentropy
from cornu.registry.custom_objects import registered_names

__all__ = ["make_classes", "make_functions", "resolve"]

Function = Callable[..., Any]

_ACCURACIES: dict[str, Function] = {
    "binary_accuracy": metrics.binary_accuracy,
    "categorical_accuracy": metrics.categorical_accuracy,
    "sparse_categorical_accuracy": metrics.sparse_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": metrics.sparse_top_k_categorical_accuracy,
    "top_k_categorical_accuracy": metrics.top_k_categorical_accuracy,
}
_CLASSES = (
    *("AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy"),
    *("CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "FalseNegatives"),
    *("FalsePositives", "Hinge", "KLDivergence", "LogCoshError", "Mean", "MeanAbsoluteError"),
    *("MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanSquaredError"),
    *("MeanSquaredLogarithmicError", "Metric", "Poisson", "Precision", "Recall"),
    *("RootMeanSquaredError", "SensitivityAtSpecificity", "SparseCategoricalAccuracy"),
    *("SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy"),
    *("SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy"),
    *("TrueNegatives", "TruePositives"),
)
_TENSORFLOW_CLASSES = (
    *("BinaryIoU", "F1Score", "FBetaScore", "IoU", "OneHotIoU", "OneHotMeanIoU"),
    *("PrecisionAtRecall", "R2Score", "RecallAtPrecision"),
)
# Classes of Keras 2.3 without a fixed name.
_NUMBERED = (
    *("AUC", "FalseNegatives", "FalsePositives", "MeanIoU", "Precision", "Recall"),
    *("SensitivityAtSpecificity", "SpecificityAtSensitivity", "TrueNegatives", "TruePositives"),
)
# Constructors of Keras 2.3 and of tf.keras where they differ from today.
_ALL_SIGNATURES = {
    "KLDivergence": "name='kullback_leibler_divergence', dtype=None",
    "Metric": "name=None, dtype=None",
}
_SIGNATURES = _ALL_SIGNATURES | {
    "SensitivityAtSpecificity": "specificity, num_thresholds=200, name=None, dtype=None",
    "SparseCategoricalCrossentropy": "name='sparse_categorical_crossentropy', dtype=None, "
    "from_logits=False, axis=-1",
    "SpecificityAtSensitivity": "sensitivity, num_thresholds=200, name=None, dtype=None",
}
_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")
_SIMILARITIES = frozenset(("cosine", "cosine_proximity", "cosine_similarity"))


def make_functions(version: Version) -> dict[str, Function]:
    """Returns the functions of a version by all of their names."""
    found = {**losses.make_functions(version), **_ACCURACIES}
    if not version.renames_accuracy:
        # The metric is the similarity, of which the loss of the same name is the negative.
        found |= dict.fromkeys(_SIMILARITIES & found.keys(), cosine_similarity)
    if not version.renames_accuracy and not version.source.is_tensorflow:
        found |= {"accuracy": accuracy, "clone_metric": clone_metric}
        found["clone_metrics"] = clone_metrics
    return found


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns the cosine of the angle between targets and predictions, from -1 to 1."""
    return -modern_losses.cosine_similarity(y_true, y_pred, axis)


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where predictions equal targets, else 0."""
    return ops.cast(ops.equal(y_true, y_pred), "float32")


def clone_metric(metric: Any) -> Any:
    """Returns a metric with the same config; functions are returned unchanged."""
    if isinstance(metric, metrics.Metric):
        return type(metric)._from_stored_config_(metric._stored_config_())
    return metric


def clone_metrics(metrics: list[Any]) -> list[Any]:
    """Returns metrics with the same configs."""
    return [clone_metric(metric) for metric in metrics]


def make_classes(version: Version) -> dict[str, type[Any]]:
    """Returns the classes of a version; Keras 2.2 has none."""
    if version.renames_accuracy:
        return {}
    names = _CLASSES + (_TENSORFLOW_CLASSES if version.source.is_tensorflow else ())
    signatures = _ALL_SIGNATURES if version.source.is_tensorflow else _SIGNATURES
    found: dict[str, type] = {name: with_old_methods(getattr(metrics, name)) for name in names}
    found |= {
        name: class_with_signature(
            found[name],
            signature,
            metrics.Metric if name == "Metric" else None,
            reference=(find_class, version.number, name),
        )
        for name, signature in signatures.items()
    }
    if version.source.is_tensorflow:
        return found
    return found | {name: _count_names(found[name], version) for name in _NUMBERED}


def find_class(number: str, name: str) -> type:
    """Returns the class of a metric; pickles refer to this function.

    Args:
        number: the number of the version.
        name: the name of the class.
    """
    return make_classes(VERSIONS[number])[name]


@functools.cache
def _count_names(cls: type, version: Version) -> type:
    """Returns a class whose automatic names are counted from 1, as `precision_1`."""
    signature = inspect.signature(cls)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if signature.bind(*args, **kwargs).arguments.get("name") is None:
            kwargs["name"] = version.automatic_name(cls.__name__)
        cls.__init__(self, *args, **kwargs)  # type: ignore[misc]

    __init__.__signature__ = inspect.signature(cls.__init__)  # type: ignore[attr-defined,misc]
    body = {
        "__init__": __init__,
        "__module__": __name__,
        "__doc__": cls.__doc__,
        "_class_reference_": (find_class, version.number, cls.__name__),
    }
    made = type(cls.__name__, (cls,), body)
    if cls in registered_names:
        registered_names[made] = registered_names[cls]
    return made


def resolve(
    identifier: Any, version: Version, loss: Any = None, output: Tensor | None = None
) -> metrics.Metric:
    """Returns the metric for a name or function, named as in the logs of the version.

    Args:
        identifier: a name, a function or a Metric; "accuracy" and "crossentropy" depend on loss
            and output.
        version: the version.
        loss: the loss of the output, or None.
        output: the output.

    Raises:
        ValueError: the version has no such metric.
    """
    if isinstance(identifier, metrics.Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, metrics.Metric):
        return identifier()
    if isinstance(identifier, dict):
        made: metrics.Metric = create_part(identifier, make_classes(version).get, metrics.get)
        return made
    if not isinstance(identifier, str):
        if not callable(identifier):
            found: metrics.Metric = metrics.get(identifier)
            return found
        return metrics.MeanMetricWrapper(identifier, name=objectives.function_name(identifier))
    if identifier in _ACCURACY:
        function = _ACCURACIES[f"{_kind(loss, output)}_accuracy"]
        return metrics.MeanMetricWrapper(
            function, name="acc" if version.renames_accuracy else identifier
        )
    if identifier in _CROSSENTROPY:
        function = losses.FUNCTIONS[f"{_kind(loss, output)}_crossentropy"]
        name = "ce" if version.renames_accuracy else identifier
        return metrics.MeanMetricWrapper(function, name=name)
    functions = make_functions(version)
    if identifier in functions:
        name = losses.full_name(identifier) if version.renames_accuracy else identifier
        return metrics.MeanMetricWrapper(functions[identifier], name=name)
    classes = make_classes(version)
    if identifier in classes:
        created: metrics.Metric = classes[identifier]()
        return created
    raise ValueError(
        f"Unknown metric of {version.name}: {identifier!r}. "
        f"{suggest(identifier, [*_ACCURACY, *functions, *classes])}"
    )


def _kind(loss: Any, output: Tensor | None) -> str:
    """Returns the prefix of the accuracy that fits to a loss and an output."""
    function = loss.fn if isinstance(loss, FunctionLoss) else None
    single = output is not None and output.shape[-1] == 1
    if single or function is objectives.binary_crossentropy:
        return "binary"
    if isinstance(loss, SparseCategoricalCrossentropy):
        return "sparse_categorical"
    if isinstance(loss, CategoricalCrossentropy):
        return "categorical"
    if function is objectives.sparse_categorical_crossentropy:
        return "sparse_categorical"
    return "categorical"
