"""Checks of `compile` arguments: learning rate, metrics, trainable weights."""

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
# Rules whose steps are about as large as the learning rate, whatever the gradient is.
_NORMALIZING = ("Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "Lion", "Lamb")


def check_optimizer(context: CheckContext) -> Iterator[Finding]:
    """Checks the learning rate, and that there are trainable weights."""
    model = context.model
    if model.built and model.weights and not model.trainable_variables:
        text = f"All weights of model {model.name!r} are frozen."
        yield Finding("C003", text)
    optimizer = model._trainer_.optimizer
    if optimizer is None:
        return
    scaled = isinstance(optimizer, LossScaleOptimizer)
    if model.dtype_policy.compute_dtype == "float16" and not scaled:
        yield Finding("C053", f"Optimizer {optimizer.name!r} does not scale the loss.")
    inner = optimizer.inner_optimizer if scaled else optimizer
    try:
        rate = inner.learning_rate
        rate = float(rate.numpy() if isinstance(rate, Variable) else rate)
    except (AttributeError, TypeError):  # inside an optax transformation, or a schedule
        return
    path = f"optimizer {inner.name!r}"
    if not math.isfinite(rate):
        yield Finding("C002", f"It is {rate}.", path)
    elif rate < 0:
        yield Finding("C052", f"It is {rate:g}: the loss grows with each step.", path)
    elif type(inner).__name__ in _NORMALIZING and rate > 1:
        yield Finding(
            "C052", f"It is {rate:g}: each step changes every weight by about that.", path
        )
    elif rate > 1000:
        yield Finding("C052", f"It is {rate:g}.", path)


def check_metrics(context: CheckContext) -> Iterator[Finding]:
    """Finds accuracy metrics that do not match the loss."""
    for position, metric in context.metrics:
        if position >= len(context.outputs) or not isinstance(metric, _ACCURACIES):
            continue
        output = context.outputs[position]
        if output.loss is None:
            continue
        where = f"metric {metric.name!r} of output {output.name!r}"
        if (
            is_regression_loss(output.loss)
            and output.target is not None
            and _fractions(output.target.values)
        ):
            yield Finding("C050", f"The loss is {output.loss.name!r}.", where)
        if (
            crossentropy_kind(output.loss) == "binary"
            and expects_logits(output.loss)
            and _threshold(metric) == 0.5
        ):
            ends = (
                final_activations(context.model, output.tensor)
                if context.functional_graph is not None
                else []
            )
            if ends and ends[0][0] == "linear":
                yield Finding("C051", "The loss has from_logits=True.", where)


def _threshold(metric: Metric) -> float | None:
    if not isinstance(metric, BinaryAccuracy):
        return None
    threshold: float = metric.get_config()["threshold"]
    return threshold


def _fractions(values: np.ndarray) -> bool:
    return values.dtype.kind == "f" and bool(np.mean(values != np.trunc(values)) > 0.05)
