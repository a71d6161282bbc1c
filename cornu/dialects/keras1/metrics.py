"""Metrics of Keras 1: functions of `(y_true, y_pred)`, and the resolution of "accuracy"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import metrics, ops, settings
from cornu.core.graph.tensor import Tensor
from cornu.errors import suggest
from cornu.legacy.keras1 import objectives

__all__ = [
    "FUNCTIONS",
    "binary_accuracy",
    "categorical_accuracy",
    "fbeta_score",
    "fmeasure",
    "get",
    "matthews_correlation",
    "precision",
    "recall",
    "resolve",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
]

binary_accuracy = metrics.binary_accuracy
categorical_accuracy = metrics.categorical_accuracy
sparse_categorical_accuracy = metrics.sparse_categorical_accuracy
top_k_categorical_accuracy = metrics.top_k_categorical_accuracy


def _counts(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """Returns the numbers of true positives, of predicted and of actual positives in the batch."""

    def rounded(x: Any) -> Any:
        return ops.round(ops.clip(x, 0, 1))

    return ops.sum(rounded(y_true * y_pred)), ops.sum(rounded(y_pred)), ops.sum(rounded(y_true))


def precision(y_true: Any, y_pred: Any) -> Any:
    """Returns the share of predicted positives of a batch that are positive."""
    both, predicted, _ = _counts(y_true, y_pred)
    return both / (predicted + settings.get("epsilon"))


def recall(y_true: Any, y_pred: Any) -> Any:
    """Returns the share of positives of a batch that are predicted."""
    both, _, actual = _counts(y_true, y_pred)
    return both / (actual + settings.get("epsilon"))


def fbeta_score(y_true: Any, y_pred: Any, beta: float = 1) -> Any:
    """Returns the weighted harmonic mean of precision and recall; 0 without positives."""
    if beta < 0:
        raise ValueError(f"beta must not be negative. Received: {beta}")
    p, r = precision(y_true, y_pred), recall(y_true, y_pred)
    score = (1 + beta**2) * p * r / (beta**2 * p + r + settings.get("epsilon"))
    return ops.where(_counts(y_true, y_pred)[2] == 0, 0.0, score)


def fmeasure(y_true: Any, y_pred: Any) -> Any:
    """Returns the harmonic mean of precision and recall."""
    return fbeta_score(y_true, y_pred, beta=1)


def matthews_correlation(y_true: Any, y_pred: Any) -> Any:
    """Returns the correlation of the rounded predictions of a batch with the labels."""
    predicted, actual = (ops.round(ops.clip(x, 0, 1)) for x in (y_pred, y_true))
    tp, tn = ops.sum(actual * predicted), ops.sum((1 - actual) * (1 - predicted))
    fp, fn = ops.sum((1 - actual) * predicted), ops.sum(actual * (1 - predicted))
    root = ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return (tp * tn - fp * fn) / (root + settings.get("epsilon"))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
    **{name: fn for name, fn in objectives.FUNCTIONS.items() if name != "squared_hinge"},
    "squared_hinge": objectives.squared_hinge,
    "f1score": fmeasure,
    "fbeta_score": fbeta_score,
    "fmeasure": fmeasure,
    "fscore": fmeasure,
    "matthews_correlation": matthews_correlation,
    "precision": precision,
    "recall": recall,
}


def get(identifier: Any) -> Any:
    """Returns the function for a name; returns functions unchanged."""
    if callable(identifier):
        return identifier
    name = objectives.SHORT.get(identifier, identifier)
    if name not in FUNCTIONS:
        raise ValueError(
            f"Unknown metric of Keras 1: {identifier!r}. {suggest(identifier, FUNCTIONS)}"
        )
    return FUNCTIONS[name]


def resolve(identifier: Any, objective: Any = None, output: Tensor | None = None) -> metrics.Metric:
    """Returns the metric for a name or function, named as in the logs of Keras 1.

    Args:
        identifier: a name or a function; "accuracy" and "acc" depend on objective and output.
        objective: the objective of the output, or None.
        output: the output.
    """
    if isinstance(identifier, metrics.Metric):
        return identifier
    if identifier in ("accuracy", "acc"):
        return metrics.MeanMetricWrapper(_accuracy(objective, output), name="acc")
    if not isinstance(identifier, str):
        return metrics.MeanMetricWrapper(identifier, name=objectives.function_name(identifier))
    function = get(identifier)
    return metrics.MeanMetricWrapper(function, name=function.__name__)


def _accuracy(objective: Any, output: Tensor | None) -> Callable[..., Any]:
    formula = objective.fn if isinstance(objective, objectives.Objective) else None
    single = output is not None and output.shape[-1] == 1
    if single or formula is objectives.binary_crossentropy:
        return binary_accuracy
    if formula is objectives.sparse_categorical_crossentropy:
        return sparse_categorical_accuracy
    return categorical_accuracy
