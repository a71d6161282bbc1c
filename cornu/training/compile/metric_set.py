"""MetricSet: the metrics of `compile`, each assigned to an output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from cornu import metrics as metrics_module
from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.metrics import Metric
from cornu.metrics.collection import MetricCollection
from cornu.names import make_unique, object_name
from cornu.training.compile.config import CompileConfig
from cornu.training.compile.crossentropy import choose_by_shape
from cornu.training.compile.objective import is_library_code
from cornu.training.compile.outputs import Outputs
from cornu.types import DataLike, PyTree

__all__ = ["MetricSet", "check_metrics", "like_output"]


class _Entry(NamedTuple):
    output: int  # the index of the output
    metric: Metric
    weighted: bool


class MetricSet(MetricCollection):
    """The metrics of the outputs, as one metric, whose result is a dict.

    They are created by `bind`, because the shapes of target and output determine which metrics
    "accuracy" and "crossentropy" are.

    Args:
        config: the arguments of `compile`.
    """

    def __init__(self, config: CompileConfig) -> None:
        super().__init__(name="compile_metrics")
        self._given = ((config.metrics, False), (config.weighted_metrics, True))
        self._entries: list[_Entry] = []
        self.outputs: Outputs | None = None
        self.targets: list[Any] = []  # the shapes and dtypes for which `bind` created the metrics

    @property
    def is_empty(self) -> bool:
        """Whether `compile` received no metrics."""
        return not any(given for given, _ in self._given)

    def identifiers(self, outputs: Outputs) -> list[tuple[int, Any, bool]]:
        """Returns the index of an output, a name or metric, and whether it is weighted.

        Raises:
            ValueError: a name is not that of an output, or the number of entries is not theirs.
        """
        found = []
        for given, weighted in self._given:
            what = "weighted_metrics" if weighted else "metrics"
            if outputs.single and isinstance(given, (list, tuple)):
                found += [(0, one, weighted) for one in tree.leaves(given) if one is not None]
                continue
            for i, group in enumerate(outputs.spread(given, what)):
                several = isinstance(group, (list, tuple))
                found += [
                    (i, one, weighted) for one in (group if several else [group]) if one is not None
                ]
        return found

    def bind(self, outputs: Outputs, targets: Sequence[Any]) -> None:
        """Creates the metrics, and their Variables for targets of these shapes and dtypes.

        Args:
            outputs: the outputs of the model.
            targets: one entry for each output.
        """
        self.outputs = outputs
        self.targets = [tree.map(_spec_of, target) for target in targets]
        self._entries = [
            _Entry(i, _create(one, targets[i], outputs.tensors[i]), weighted)
            for i, one, weighted in self.identifiers(outputs)
        ]
        # Now, since a program takes only the Variables that exist before it is traced.
        for i, metric, _ in self._entries:
            if targets[i] is not None:
                prediction = _like_batch(outputs.tensors[i], targets[i])
                self._call(i, metric, metric._create_variables_, targets[i], prediction)

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
        """All metrics, first those without weights."""
        return [entry.metric for entry in self._entries]

    def by_name(self) -> dict[str, Metric]:
        """Returns the metrics by the names of their results.

        Names that occur twice are distinguished by `weighted_`, then by a number.
        """
        found: dict[str, Metric] = {}
        taken: dict[str, int] = {}
        for i, metric, weighted in self._entries:
            label = None if self.outputs is None or self.outputs.single else self.outputs.labels[i]
            prefix = "" if label is None else f"{label}_"
            name = prefix + metric.name
            if weighted and name in taken:
                name = f"{prefix}weighted_{metric.name}"
            found[make_unique(name, taken)] = metric
        return found

    def update_state(self, y_true: PyTree, y_pred: PyTree, sample_weight: PyTree = None) -> None:
        """Adds a batch to all metrics.

        Args:
            y_true: targets, nested like the outputs or by output name.
            y_pred: predictions in the structure of the outputs.
            sample_weight: weights, an array for all outputs or one entry for each.
        """
        if self.outputs is None:
            outputs = Outputs(tree.map(like_output, y_pred))
            self.bind(outputs, outputs.spread_targets(y_true))
        assert self.outputs is not None
        targets = self.outputs.spread_targets(y_true)
        weights = self.outputs.spread_weights(sample_weight)
        predictions = tree.leaves(y_pred)
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
            assert self.outputs is not None
            where = f"Metric {metric.name!r} of output {self.outputs.names[i]!r}"
            raise locate_error(error, where)  # noqa: B904  # it has set the cause


def like_output(x: DataLike) -> Tensor:
    """Returns a symbolic Tensor of the shape of a prediction, with an unknown number of rows."""
    return Tensor((None, *x.shape[1:]), x.dtype)


def _spec_of(target: Any) -> jax.ShapeDtypeStruct | None:
    return None if target is None else jax.ShapeDtypeStruct(target.shape, target.dtype)


def _like_batch(output: Any, target: PyTree) -> jax.ShapeDtypeStruct:
    """Returns the spec of an output for a batch; unknown sizes are taken from the target.

    So is the number of rows: as in Keras, a batch may have another than the `batch_shape` of an
    Input.
    """
    sizes = [*target.shape, *[1] * len(output.shape)]
    known = (None, *output.shape[1:]) if target.shape else output.shape
    shape = (a or b for a, b in zip(known[: len(output.shape)], sizes, strict=False))
    return jax.ShapeDtypeStruct(tuple(shape), output.dtype)


def _with_padding(weight: PyTree, rows: Any) -> Any:
    """Returns weights that are zero for the rows that pad a partial batch."""
    if rows is None or weight is None:
        return rows if weight is None else weight
    weight = jnp.asarray(weight)
    return weight * rows.reshape((-1,) + (1,) * (weight.ndim - 1))


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


def check_metrics(given: PyTree) -> None:
    """Raises an error for unknown names of metrics, and for objects that are not metrics."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        for item in given:
            check_metrics(item)
    elif not (isinstance(given, str) and given.lower() in _BY_SHAPE):
        metrics_module.get(given)


def _create(identifier: Any, target: PyTree, prediction: PyTree) -> Metric:
    """Returns a metric; "accuracy" and "crossentropy" are resolved by the shapes."""
    by_shape = _BY_SHAPE.get(identifier.lower()) if isinstance(identifier, str) else None
    if by_shape is not None and target is not None:
        name = choose_by_shape(target, prediction, *by_shape)
        created: Metric = getattr(metrics_module, name)(name=identifier)
        return created
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        return metrics_module.MeanMetricWrapper(metric, name=object_name(metric))
    if isinstance(identifier, str):
        # As in Keras, the log has the name that the user wrote, such as "mse".
        metric.name = identifier
    return metric
