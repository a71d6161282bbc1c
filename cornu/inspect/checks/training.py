"""Checks of the recipe: learning rate, metrics, what is trained at all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from cornu.core.state.variable import Variable
from cornu.inspect.checks.context import CheckContext
from cornu.inspect.checks.outputs import (
    crossentropy_kind,
    expects_logits,
    final_activations,
    is_regression_loss,
)
from cornu.inspect.checks.report import Finding
from cornu.metrics import (
    BinaryAccuracy,
    CategoricalAccuracy,
    Metric,
    SparseCategoricalAccuracy,
)
from cornu.metrics.accuracy import Accuracy
from cornu.optimizers import LossScaleOptimizer

__all__ = ["check_metrics", "check_optimizer"]

_ACCURACIES = (Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy)
# Rules whose step is about as long as the learning rate, whatever the gradient is.
_NORMALIZING = ("Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Lion", "Lamb")


def check_optimizer(view: CheckContext) -> Iterator[Finding]:
    """The learning rate, and whether there is something to train."""
    model = view.model
    if model.built and model.weights and not model.trainable_variables:
        text = f"All {len(model.weights)} weights of model {model.name!r} are frozen."
        yield Finding("C003", text)
    optimizer = model.optimizer
    if optimizer is None:
        return
    scaled = isinstance(optimizer, LossScaleOptimizer)
    if model.dtype_policy.compute_dtype == "float16" and not scaled:
        yield Finding("C053", f"Optimizer {optimizer.name!r} scales nothing.")
    inner = optimizer.inner_optimizer if scaled else optimizer
    try:
        rate = inner.learning_rate
        rate = float(rate.numpy() if isinstance(rate, Variable) else rate)
    except (AttributeError, TypeError):  # hidden in an optax transformation, or a schedule
        return
    who = f"optimizer {inner.name!r}"
    if not math.isfinite(rate):
        yield Finding("C002", f"It is {rate}.", who)
    elif rate < 0:
        yield Finding("C052", f"It is {rate:g}: the loss grows with each step.", who)
    elif type(inner).__name__ in _NORMALIZING and rate > 1:
        yield Finding("C052", f"It is {rate:g}: every weight moves by about as much.", who)
    elif rate > 1000:
        yield Finding("C052", f"It is {rate:g}.", who)


def check_metrics(view: CheckContext) -> Iterator[Finding]:
    """Accuracy where it means nothing."""
    for position, metric in view.metrics:
        if position >= len(view.heads) or not isinstance(metric, _ACCURACIES):
            continue
        head = view.heads[position]
        if head.loss is None:
            continue
        where = f"metric {metric.name!r} of output {head.name!r}"
        if (
            is_regression_loss(head.loss)
            and head.target is not None
            and _fractions(head.target.values)
        ):
            yield Finding("C050", f"The loss is {head.loss.name!r}.", where)
        if (
            crossentropy_kind(head.loss) == "binary"
            and expects_logits(head.loss)
            and _threshold(metric) == 0.5
        ):
            ends = final_activations(view.model, head.tensor) if view.drawing is not None else []
            if ends and ends[0][0] == "linear":
                yield Finding("C051", "The loss has from_logits=True.", where)


def _threshold(metric: Metric) -> float | None:
    if not isinstance(metric, BinaryAccuracy):
        return None
    return metric.get_config()["threshold"]


def _fractions(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.mean(values != np.trunc(values)) > 0.05)
