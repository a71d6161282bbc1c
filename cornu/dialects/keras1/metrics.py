"""Metrics of Keras 1: functions of `(y_true, y_pred)`, and the resolution of "accuracy"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import metrics
from cornu.core.graph.tensor import Tensor
from cornu.errors import suggest
from cornu.legacy.keras1 import objectives

__all__ = [
    "FUNCTIONS",
    "binary_accuracy",
    "categorical_accuracy",
    "resolve",
    "sparse_categorical_accuracy",
    "top_k_categorical_accuracy",
]

binary_accuracy = metrics.binary_accuracy
categorical_accuracy = metrics.categorical_accuracy
sparse_categorical_accuracy = metrics.sparse_categorical_accuracy
top_k_categorical_accuracy = metrics.top_k_categorical_accuracy

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "binary_accuracy": binary_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
    **{name: fn for name, fn in objectives.FUNCTIONS.items() if name != "squared_hinge"},
    "squared_hinge": objectives.squared_hinge,
}


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
    name = objectives.SHORT.get(identifier, identifier)
    if name not in FUNCTIONS:
        raise ValueError(
            f"Unknown metric of Keras 1: {identifier!r}. {suggest(identifier, FUNCTIONS)}"
        )
    return metrics.MeanMetricWrapper(FUNCTIONS[name], name=name)


def _accuracy(objective: Any, output: Tensor | None) -> Callable[..., Any]:
    formula = objective.fn if isinstance(objective, objectives.Objective) else None
    single = output is not None and output.shape[-1] == 1
    if single or formula is objectives.binary_crossentropy:
        return binary_accuracy
    if formula is objectives.sparse_categorical_crossentropy:
        return sparse_categorical_accuracy
    return categorical_accuracy
