"""MetricSet: the metrics of `compile`, each assigned to an output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from cornu import metrics as metrics_module
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.metrics import Metric
from cornu.training.binding import Outputs
from cornu.training.compile_config import CompileConfig
from cornu.training.objective import is_library_code
from cornu.types import PyTree

__all__ = ["MetricSet", "check_metrics"]


class _Entry(NamedTuple):
    output: int  # the index of the output
    metric: Metric
    weighted: bool


class MetricSet:
    """The metrics of the outputs.

    Args:
        config: the arguments of `compile`.
        outputs: the outputs of the model.
        targets: one entry for each output; "accuracy" and "crossentropy" are resolved to a metric
            by the shapes of target and output.
    """

    def __init__(self, config: CompileConfig, outputs: Outputs, targets: Sequence[Any]) -> None:
        self.outputs = outputs
        self._entries: list[_Entry] = []
        for given, weighted in ((config.metrics, False), (config.weighted_metrics, True)):
            what = "weighted_metrics" if weighted else "metrics"
            for i, group in enumerate(self._group_by_output(given, what)):
                for identifier in group:
                    metric = _create(identifier, targets[i], outputs.tensors[i])
                    if not outputs.single:
                        metric.name = _add_output_prefix(outputs.names[i], metric.name)
                    self._entries.append(_Entry(i, metric, weighted))

    def _group_by_output(self, given: Any, what: str) -> list[list[Any]]:
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
        """Whether all metrics are built-in, so that rows of weight zero do not contribute."""
        return all(is_library_code(metric) for metric in self.metrics)

    @property
    def pairs(self) -> tuple[tuple[int, Metric], ...]:
        """Each metric with the index of its output."""
        return tuple((entry.output, entry.metric) for entry in self._entries)

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, in the order of their results."""
        return [entry.metric for entry in self._entries]

    def prepare(self, targets: Sequence[Any]) -> None:
        """Creates the Variables of each metric for targets of these shapes and dtypes."""
        for i, metric, _ in self._entries:
            if targets[i] is not None:
                prediction = _like_batch(self.outputs.tensors[i], targets[i])
                self._call(i, metric, metric._create_variables_, targets[i], prediction)

    def update(
        self, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
    ) -> None:
        """Adds a batch to all metrics.

        Args:
            targets, predictions, weights: one entry for each output, in order.
        """
        rows = scope.current().row_mask
        for i, metric, weighted in self._entries:
            weight = _with_padding(weights[i] if weighted else None, rows)
            self._call(
                i, metric, metric.update_state, targets[i], predictions[i], sample_weight=weight
            )

    def _call(
        self, i: int, metric: Metric, method: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> None:
        try:
            method(*args, **kwargs)
        except Exception as error:
            where = f"Metric {metric.name!r} of output {self.outputs.names[i]!r}"
            raise locate_error(error, where)  # noqa: B904  # it has set the cause


def _like_batch(output: Any, target: PyTree) -> jax.ShapeDtypeStruct:
    """Returns the spec of an output for a batch; unknown sizes are taken from the target."""
    sizes = [*target.shape, *[1] * len(output.shape)]
    shape = (known or size for known, size in zip(output.shape, sizes, strict=False))
    return jax.ShapeDtypeStruct(tuple(shape), output.dtype)


def _with_padding(weight: PyTree, rows: Any) -> Any:
    """Returns weights that are zero for the rows that pad a partial batch."""
    if rows is None or weight is None:
        return rows if weight is None else weight
    weight = jnp.asarray(weight)
    return weight * rows.reshape((-1,) + (1,) * (weight.ndim - 1))


def _add_output_prefix(output: str, name: str) -> str:
    return name if name.startswith(f"{output}_") else f"{output}_{name}"


# The metric for one probability, for integer labels, and for one-hot rows.
_CROSSENTROPIES = (
    "BinaryCrossentropy",
    "SparseCategoricalCrossentropy",
    "CategoricalCrossentropy",
)
_ACCURACIES = ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy")
_BY_SHAPE = {
    "accuracy": _ACCURACIES,
    "acc": _ACCURACIES,
    "crossentropy": _CROSSENTROPIES,
    "ce": _CROSSENTROPIES,
}


def check_metrics(given: Any) -> None:
    """Raises an error for unknown names of metrics, and for objects that are not metrics."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        for item in given:
            check_metrics(item)
    elif not (isinstance(given, str) and given in _BY_SHAPE):
        metrics_module.get(given)


def _create(identifier: Any, target: PyTree, prediction: PyTree) -> Metric:
    """Returns a metric; "accuracy" and "crossentropy" are resolved by the shapes."""
    if isinstance(identifier, str) and identifier in _BY_SHAPE and target is not None:
        binary, sparse, categorical = _BY_SHAPE[identifier]
        shape, predicted = target.shape, prediction.shape
        if predicted and predicted[-1] == 1:
            name = binary
        elif len(shape) < len(predicted) or (shape[-1] == 1 and predicted[-1] > 1):
            name = sparse
        else:
            name = categorical
        created: Metric = getattr(metrics_module, name)(name=identifier)
        return created
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        return metrics_module.MeanMetricWrapper(metric, name=getattr(metric, "__name__", None))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
