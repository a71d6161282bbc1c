"""Objective: the loss of a model, summed over its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from cornu import losses as losses_module
from cornu import metrics as metrics_module
from cornu import tree
from cornu.core.graph.tensor import format_shape
from cornu.core.state import scope
from cornu.core.tracebacks.api_boundary import locate_error
from cornu.foreign import keras_class
from cornu.losses import Loss
from cornu.losses.wrapped import WrappedLoss
from cornu.metrics import Mean, Metric
from cornu.names import make_unique, object_name
from cornu.training.compile.config import CompileConfig
from cornu.training.compile.crossentropy import CrossentropyByShape, is_crossentropy
from cornu.training.compile.outputs import Entry, Outputs
from cornu.types import DataLike, PyTree

__all__ = ["Objective", "check_losses", "count_rows", "is_library_code"]


class _Term(NamedTuple):
    """A loss, and the outputs that it compares with their targets.

    Attributes:
        outputs: the index of one output, or a structure of indices, all of which the loss receives.
        indices: the same indices in a list.
        loss: the loss.
        weight: its factor, or None.
        label: its name among the losses, without the suffix `_loss`.
        output: the name of the outputs for error messages.
    """

    outputs: PyTree
    indices: list[int]
    loss: Loss
    weight: Any
    label: str
    output: str


class Objective:
    """The weighted sum of the losses of the outputs.

    Args:
        config: the arguments of `compile`.
        outputs: the outputs of the model.

    Attributes:
        losses: the Loss of each output, or None.
        trackers: for several losses, a Mean of each, named `<output>_loss`.
        targeted: the indices of the outputs that have a loss.
    """

    def __init__(self, config: CompileConfig, outputs: Outputs) -> None:
        self.outputs = outputs
        weights = outputs.spread(config.loss_weights, "loss_weights", to_all=True)
        _check_weights(weights, outputs.names)
        self._terms = list(_terms(config.loss, outputs, weights))
        self.targeted = sorted({i for term in self._terms for i in term.indices})
        self.losses: list[Loss | None] = [None] * len(outputs)
        for term in self._terms:
            if len(term.indices) == 1:
                self.losses[term.indices[0]] = term.loss
        self.trackers: list[Mean] = []
        # As in Keras, a single loss is not listed beside the total.
        if len(self._terms) > 1:
            taken: dict[str, int] = {}
            self.trackers = [
                metrics_module.Mean(name=make_unique(f"{term.label}_loss", taken))
                for term in self._terms
            ]

    @property
    def rowwise(self) -> bool:
        """Whether all losses are built-in, so that rows of weight zero do not contribute."""
        return all(is_library_code(term.loss) for term in self._terms)

    def __call__(
        self, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
    ) -> Any:
        """Returns the total loss as a scalar, and updates the trackers.

        Args:
            targets, predictions, weights: one entry for each output, in order.

        Raises:
            ValueError: an output has a loss and no target.
        """
        total: Any = 0.0
        trackers: Sequence[Mean | None] = self.trackers or [None] * len(self._terms)
        for term, tracker in zip(self._terms, trackers, strict=True):
            if any(targets[i] is None for i in term.indices):
                raise ValueError(
                    f"Output {term.output!r} has the loss {term.loss.name!r} but no target. "
                    "Pass y for it, or None as its loss."
                )
            value = _compute(term, targets, predictions, weights)
            if tracker is not None:
                # Weighted by rows, so that a partial batch does not count like a full one.
                rows = count_rows(predictions[term.indices[0]])
                tracker.update_state(value, sample_weight=rows)
            # After the tracker, which reports the loss without its weight, as in Keras.
            if term.weight is not None:
                value = value * term.weight
            total = total + value
        return total

    def losses_by_output(
        self, y: DataLike, y_pred: PyTree, sample_weight: DataLike = None
    ) -> list[tuple[str, Loss, Any]]:
        """Returns the output name, the loss and its value for each output with a loss."""
        targets = self.outputs.spread_targets(y)
        weights = self.outputs.spread_weights(sample_weight)
        predictions = tree.leaves(y_pred)
        return [
            (term.output, term.loss, _compute(term, targets, predictions, weights))
            for term in self._terms
        ]


def _check_weights(weights: Sequence[Any], names: Sequence[str]) -> None:
    for weight, name in zip(weights, names, strict=True):
        if isinstance(weight, (str, bool)):
            raise ValueError(
                f"loss_weights: the weight of output {name!r} must be a number. "
                f"Received: {weight!r} (of type {type(weight).__name__})\n"
                "The third positional argument of `compile` is loss_weights: pass metrics by name, "
                "such as metrics=['accuracy']."
            )


def _terms(given: Any, outputs: Outputs, weights: Sequence[Any]) -> Iterator[_Term]:
    """Yields the terms of the sum, in the order in which Keras lists them."""
    entries = outputs.entries(given, "loss")
    if len(entries) == 1 and entries[0].path == ():
        # One loss for all outputs: each has a term of its own.
        entries = [Entry(p, i, entries[0].value) for i, p in enumerate(outputs.paths)]
    for path, which, value in entries:
        indices: list[int] = tree.leaves(which)
        if len(indices) == 1:
            path, which = outputs.paths[indices[0]], indices[0]
        # Several losses of one output add up.
        for one in value if isinstance(value, (list, tuple)) else [value]:
            loss = _as_loss(one)
            if loss is not None:
                label = _label(path, outputs.labels[which], loss) if len(indices) == 1 else path
                name = "/".join(map(str, label))
                output = outputs.names[which] if len(indices) == 1 else name
                yield _Term(which, indices, loss, weights[indices[0]], name, output)


def _label(path: tuple[Any, ...], name: str | None, loss: Loss) -> tuple[Any, ...]:
    """Returns the path by which Keras names the loss of one output."""
    if path and not isinstance(path[-1], int):
        return path
    return (*path[:-1], loss.name if name is None else name)


def _compute(
    term: _Term, targets: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]
) -> Any:
    target = tree.map(lambda i: targets[i], term.outputs)
    prediction = tree.map(lambda i: predictions[i], term.outputs)
    # A loss of several outputs weights its values, of which there is one for each row.
    weight = weights[term.indices[0]]
    try:
        return term.loss(target, prediction, weight)
    except Exception as error:
        where = (
            f"Loss {term.loss.name!r} of output {term.output!r}, called on y_true "
            f"{format_shape(target)}, y_pred {format_shape(prediction)}"
        )
        new = locate_error(error, where)
        if isinstance(new, TypeError) and "positional argument" in str(new):
            new.add_note("A loss function must have the signature loss(y_true, y_pred).")
        raise new  # noqa: B904  # locate_error has set the cause


def check_losses(given: PyTree) -> None:
    """Raises an error for unknown names of losses, and for objects that are not losses."""
    if isinstance(given, (list, tuple, dict)):
        for one in given.values() if isinstance(given, dict) else given:
            check_losses(one)
    elif not is_crossentropy(given):
        losses_module.get(given)


def _as_loss(given: Any) -> Loss | None:
    if is_crossentropy(given):
        return CrossentropyByShape(given)
    loss = None if given is None else losses_module.get(given)
    if loss is None or isinstance(loss, losses_module.Loss):
        return loss
    if keras_class(loss) is not None:
        return WrappedLoss(loss)
    return losses_module.FunctionLoss(
        loss, name=given if isinstance(given, str) else object_name(loss)
    )


def count_rows(x: DataLike) -> Any:
    """Returns the number of rows of a batch that are not padding."""
    rows = scope.current().row_mask
    return jnp.sum(rows) if rows is not None else x.shape[0]


def is_library_code(thing: Loss | Metric) -> bool:
    """Whether a loss or metric, and the function that it wraps, are part of this library."""
    formula = getattr(thing, "fn", None) or getattr(thing, "_fn", None) or type(thing)
    modules = (type(thing).__module__, formula.__module__ or "")  # None in programs run by `exec`
    return all(module.startswith("cornu.") for module in modules)
