"""Recipe: what `compile` decided; Objective and Scores: it applied to a model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from cornu import losses as losses_module
from cornu import metrics as metrics_module
from cornu.core.graph.tensor import format_shape
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.errors import visible_cause
from cornu.training.outputs import Outputs, is_array

__all__ = ["Objective", "Recipe", "Scores", "check_metrics"]


@dataclass(frozen=True)
class Recipe:
    """The arguments of `compile`, resolved as far as they can be without the outputs."""

    optimizer: Any = None
    loss: Any = None
    loss_weights: Any = None
    metrics: Any = None
    weighted_metrics: Any = None
    run_eagerly: bool = False
    steps_per_execution: int | None = None
    jit_compile: bool = True
    words: dict[str, Any] = field(default_factory=dict)


class Objective:
    """The weighted sum of the losses of the outputs.

    Attributes:
        losses: a Loss for each output, or None.
        trackers: for several outputs, a Mean of each loss, named `<output>_loss`.
    """

    def __init__(self, recipe: Recipe, outputs: Outputs) -> None:
        self.outputs = outputs
        given = outputs.spread(recipe.loss, "loss", to_all=True)
        self.losses = [None if loss is None else losses_module.get(loss) for loss in given]
        self.losses = [_as_loss(loss) for loss in self.losses]
        self.weights = outputs.spread(recipe.loss_weights, "loss_weights")
        self.trackers: list[Any] = []
        if not outputs.single:
            self.trackers = [
                None if loss is None else metrics_module.Mean(name=f"{name}_loss")
                for loss, name in zip(self.losses, outputs.names, strict=True)
            ]

    @property
    def rowwise(self) -> bool:
        """Whether every loss is one of the library's, which give rows of weight zero no part."""
        return all(_of_library(loss) for loss in self.losses if loss is not None)

    def _where(self, i: int, loss: Any, target: Any, prediction: Any) -> str:
        return (
            f"Loss {loss.name!r} of output {self.outputs.names[i]!r}, called on y_true "
            f"{format_shape(target)}, y_pred {format_shape(prediction)}"
        )

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the total as a scalar, and remembers the parts."""
        targets = self.outputs.spread(y, "y", whole=is_array)
        weights = self.outputs.spread(sample_weight, "sample_weight", whole=is_array, to_all=True)
        predictions = self.outputs.flatten(y_pred)
        total: Any = 0.0
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            if targets[i] is None:
                raise ValueError(
                    f"Output {self.outputs.names[i]!r} has the loss {loss.name!r}, and no target. "
                    "Give y for it, or None as its loss."
                )
            try:
                value = loss(targets[i], predictions[i], weights[i])
            except Exception as error:
                new = locate_error(error, self._where(i, loss, targets[i], predictions[i]))
                if isinstance(new, TypeError) and "positional argument" in str(new):
                    new.add_note("A loss is called as loss(y_true, y_pred).")
                if new is error:
                    raise
                raise new from visible_cause(error)
            if self.trackers and self.trackers[i] is not None:
                self.trackers[i].update_state(value, sample_weight=batch_size(predictions[i]))
            if self.weights[i] is not None:
                value = value * self.weights[i]
            total = total + value
        return total

    def losses_by_output(
        self, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> list[tuple[str, losses_module.Loss, Any]]:
        """Returns the output name, the loss and its value for each output with a loss."""
        targets = self.outputs.spread(y, "y", whole=is_array)
        weights = self.outputs.spread(sample_weight, "sample_weight", whole=is_array, to_all=True)
        names, predictions = self.outputs.names, self.outputs.flatten(y_pred)
        parts = zip(names, self.losses, targets, predictions, weights, strict=False)
        return [(n, loss, loss(t, p, w)) for n, loss, t, p, w in parts if loss is not None]


def _as_loss(loss: Any) -> Any:
    if loss is None or isinstance(loss, losses_module.Loss):
        return loss
    return losses_module.FunctionLoss(loss, name=getattr(loss, "__name__", "loss"))


def batch_size(x: Any) -> Any:
    """Returns how many rows of a batch are data."""
    rows = scope.current().row_mask
    return jnp.sum(rows) if rows is not None else x.shape[0]


class Scores:
    """The metrics of the outputs.

    Attributes:
        metrics: all of them, in the order of their results.
    """

    def __init__(self, recipe: Recipe, outputs: Outputs, targets: Sequence[Any]) -> None:
        self.outputs = outputs
        self._entries: list[tuple[int, Any, bool]] = []
        for given, weighted in ((recipe.metrics, False), (recipe.weighted_metrics, True)):
            what = "weighted_metrics" if weighted else "metrics"
            for i, group in enumerate(self._groups(given, what)):
                for metric in group:
                    made = _metric(metric, targets[i], outputs.tensors[i])
                    if not outputs.single:
                        made.name = _prefixed(outputs.names[i], made.name)
                    self._entries.append((i, made, weighted))

    def _groups(self, given: Any, what: str) -> list[list[Any]]:
        if self.outputs.single and isinstance(given, (list, tuple)):
            flat: list[Any] = []
            for item in given:
                flat += item if isinstance(item, (list, tuple)) else [item]
            return [flat]
        groups = self.outputs.spread(given, what)
        return [
            [] if g is None else list(g) if isinstance(g, (list, tuple)) else [g] for g in groups
        ]

    @property
    def rowwise(self) -> bool:
        """Whether every metric is one of the library's, which honor weights of zero."""
        return all(_of_library(metric) for metric in self.metrics)

    @property
    def pairs(self) -> tuple[tuple[int, Any], ...]:
        """Each metric with the position of its output."""
        return tuple((i, metric) for i, metric, _ in self._entries)

    @property
    def metrics(self) -> list[Any]:
        """All metrics, in the order of their results."""
        return [metric for _, metric, _ in self._entries]

    def prepare(self, targets: Sequence[Any]) -> None:
        """Lets each metric create its Variables, for targets of some specs."""
        for i, metric, _ in self._entries:
            if targets[i] is not None:
                try:
                    metric.create_variables(
                        targets[i], _like_batch(self.outputs.tensors[i], targets[i])
                    )
                except Exception as error:
                    new = locate_error(error, self._where(i, metric))
                    if new is error:
                        raise
                    raise new from visible_cause(error)

    def _where(self, i: int, metric: Any) -> str:
        return f"Metric {metric.name!r} of output {self.outputs.names[i]!r}"

    def update(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch into account."""
        targets = self.outputs.spread(y, "y", whole=is_array)
        weights = self.outputs.spread(sample_weight, "sample_weight", whole=is_array, to_all=True)
        predictions = self.outputs.flatten(y_pred)
        rows = scope.current().row_mask
        for i, metric, weighted in self._entries:
            weight = weights[i] if weighted else None
            try:
                metric.update_state(targets[i], predictions[i], sample_weight=_joined(weight, rows))
            except Exception as error:
                new = locate_error(error, self._where(i, metric))
                if new is error:
                    raise
                raise new from visible_cause(error)


def _like_batch(output: Any, target: Any) -> jax.ShapeDtypeStruct:
    """Returns the spec of an output for a batch; unknown sizes are the target's."""
    sizes = [*target.shape, *[1] * len(output.shape)]
    shape = (known or size for known, size in zip(output.shape, sizes, strict=False))
    return jax.ShapeDtypeStruct(tuple(shape), output.dtype)


def _of_library(thing: Any) -> bool:
    formula = getattr(thing, "fn", None) or getattr(thing, "_fn", None) or type(thing)
    return type(thing).__module__.startswith("cornu.") and formula.__module__.startswith("cornu.")


def _joined(weight: Any, rows: Any) -> Any:
    if rows is None or weight is None:
        return rows if weight is None else weight
    weight = jnp.asarray(weight)
    return weight * rows.reshape((-1,) + (1,) * (weight.ndim - 1))


def _prefixed(output: str, name: str) -> str:
    return name if name.startswith(f"{output}_") else f"{output}_{name}"


def check_metrics(given: Any) -> None:
    """Refuses names of metrics that do not exist, and what is no metric."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        for item in given:
            check_metrics(item)
    elif not (isinstance(given, str) and given in _BY_SHAPE):
        metrics_module.get(given)


_BY_SHAPE = {
    "accuracy": ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"),
    "acc": ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"),
    "crossentropy": (
        "BinaryCrossentropy",
        "SparseCategoricalCrossentropy",
        "CategoricalCrossentropy",
    ),
    "ce": ("BinaryCrossentropy", "SparseCategoricalCrossentropy", "CategoricalCrossentropy"),
}


def _metric(identifier: Any, target: Any, prediction: Any) -> Any:
    """Makes a metric; "accuracy" and "crossentropy" are chosen by the shapes."""
    if isinstance(identifier, str) and identifier in _BY_SHAPE and target is not None:
        binary, sparse, categorical = _BY_SHAPE[identifier]
        shape, predicted = target.shape, prediction.shape
        if predicted and predicted[-1] == 1:
            name = binary
        elif len(shape) < len(predicted) or (shape[-1] == 1 and predicted[-1] > 1):
            name = sparse
        else:
            name = categorical
        return getattr(metrics_module, name)(name=identifier)
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        return metrics_module.MeanMetricWrapper(metric, name=getattr(metric, "__name__", None))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
