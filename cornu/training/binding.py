"""Binding: assigns the arrays of a batch to the inputs and outputs of a model.

A batch `(x, y, sample_weight)` is bound once, when it is read: names are matched, structures are
checked, and the result is in the order of the model. All later stages (checks, class weights,
losses, metrics and compiled steps) use bound batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.data.class_weights import checked_class_weight, weights_of_classes
from cornu.data.column_names import Names
from cornu.training.compile.outputs import Outputs, is_array
from cornu.training.data_checks import check_lengths
from cornu.training.protocols import TrainableModel
from cornu.types import Batch, DataLike, PyTree

__all__ = ["Binding", "named_arrays"]

_PARTS = ("x", "y", "sample_weight")


class Binding:
    """Binds batches `(x, y, sample_weight)` to the inputs and outputs of one model.

    Args:
        model: the model.
        outputs: builds the model for the inputs of a batch and returns its outputs, or None if
            they are unknown.
        class_weight: as in `fit`.
        inputs_only: whether there is only x, as in `predict`.
        aligned: whether row i of each array is about sample i, so that their numbers are equal, as
            in data of which batches are made. Batches that are given may contain anything.
        own_step: whether a custom step receives the batches, exactly as the user passed them; then
            nothing is matched or checked, and the model is not built.
        keeps_structure: whether batches keep the structure in which the user passed them, for
            custom losses and metrics.
        keeps_inputs: whether only x keeps it, because the model defines how it is called.
        keeps_targets: whether only y and sample_weight keep it, because no loss or metric of
            `compile` uses them.
    """

    def __init__(
        self,
        model: TrainableModel,
        outputs: Callable[[Any], Outputs | None],
        class_weight: Mapping[Any, Any] | None = None,
        inputs_only: bool = False,
        aligned: bool = True,
        own_step: bool = False,
        keeps_structure: bool = False,
        keeps_inputs: bool = False,
        keeps_targets: bool = False,
    ) -> None:
        self._model = model
        # Read before the model is built: a Sequential that is built for the first batch keeps the
        # structure of the data.
        self._whole = model._graph_
        self._graph = None if self._whole is None else self._whole.device_graph
        self._reader = model._input_reader_
        self._outputs = outputs
        self._class_weight = _checked_mapping(class_weight)
        self._weights_by_output: dict[str, dict[int, float]] | None = None
        self._aligned = aligned
        self._inputs_only = inputs_only
        self.own_step = own_step
        self._keeps_inputs = keeps_structure or keeps_inputs
        self._keeps_targets = keeps_structure or keeps_targets
        self._is_identity = False  # whether the last batch was bound without a change

    @property
    def names(self) -> Names:
        """The names of inputs and outputs, which are matched with column names of tables."""
        whole = self._whole
        if whole is None:
            return Names(read=self._reader, sparse=True)
        sparse = any(tensor.sparse for tensor in whole.input_tensors)
        return Names(
            tuple(whole.input_names), tuple(whole.output_names), self._reader, sparse=sparse
        )

    def bind(self, batch: Batch, is_known: bool = False) -> tuple[Any, Any, Any]:
        """Returns a batch in the structure of the model.

        Args:
            batch: `(x, y, sample_weight)` with nested arrays, of a batch or of all data.
            is_known: whether the last batch that was bound had the same structure, shapes and
                dtypes, so that there is nothing to check.

        Returns:
            x in the structure of the model's inputs. y as one array, or a tuple with an entry for
            each of several outputs. sample_weight likewise, or one array for all outputs.

        Raises:
            ValueError: names, structures or lengths do not match.
        """
        x, y, weight = batch
        if is_known and self._is_identity:
            return x, y, weight
        if x is None:
            raise ValueError(f"Model {self._model.name!r}: x is None; inputs are required.")
        # A custom step receives the batch as the user passed it.
        if self.own_step:
            if self._class_weight is not None:
                outputs = None if self._graph is None else self._outputs(x)
                weight = self._apply_class_weight(outputs, y, weight)
                return x, y, weight
            return batch
        bound = x
        if self._graph is not None:
            bound = self._graph.arrange(self._graph.match(x))
            # A model that overrides `call` receives the structure that the user passed.
            x = x if self._keeps_inputs else bound
        if not is_known:
            parts = {"x": batch[0]} if self._inputs_only else dict(zip(_PARTS, batch, strict=True))
            # In single batches and iterables, a model that mixes rows may receive arrays of
            # different lengths.
            aligned = self._aligned or (self._graph is not None and self._graph.rowwise())
            named = (item for what, part in parts.items() for item in named_arrays(part, what))
            check_lengths(named, aligned)
            self._check_required(bound)
        if self._inputs_only:
            return x, None, None
        outputs = self._outputs(bound)
        if self._class_weight is not None:
            weight = self._apply_class_weight(outputs, y, weight)
        if self._keeps_targets or outputs is None:
            return x, y, weight
        # For one output, most targets are one array, which needs no assignment.
        if y is not None and not (outputs.single and is_array(y)):
            y = _pack(outputs.spread_targets(y))
        if weight is not None and not is_array(weight):
            weight = _pack(outputs.spread_weights(weight))
        self._is_identity = x is batch[0] and y is batch[1] and weight is batch[2]
        return x, y, weight

    def _check_required(self, bound: PyTree) -> None:
        """Raises a ValueError if an input is None that is not optional."""
        if self._graph is None:
            return
        graph = self._graph
        values = tree.leaves(bound)
        for name, tensor, x in zip(graph.input_names, graph.input_tensors, values, strict=True):
            if x is None:
                graph.check_optional(tensor, name)

    def _apply_class_weight(self, outputs: Outputs | None, y: DataLike, weight: PyTree) -> Any:
        names = outputs.names if outputs is not None else ["output_1"]
        by_name = self._class_weight_by_output(names)
        if y is None:
            raise ValueError(
                "class_weight needs the labels of the rows, and y is None. Pass y, or "
                "sample_weight with a weight for each row."
            )
        if outputs is None or outputs.single:
            label = y if is_array(y) else tree.leaves(y)[0]
            made = weights_of_classes(label, by_name[names[0]], names[0])
            return _multiply(weight, made)
        targets, weights = outputs.spread_targets(y), outputs.spread_weights(weight)
        for i, name in enumerate(names):
            if name in by_name and targets[i] is not None:
                made = weights_of_classes(targets[i], by_name[name], name)
                weights[i] = _multiply(weights[i], made)
        return {name: w for name, w in zip(names, weights, strict=True) if w is not None}

    def _class_weight_by_output(self, names: Sequence[str]) -> dict[str, dict[int, float]]:
        """Returns the checked class weights by output name."""
        if self._weights_by_output is None:
            given = self._class_weight or {}
            if not any(isinstance(value, Mapping) for value in given.values()):
                if len(names) > 1:
                    raise ValueError(
                        f"class_weight: the model has the outputs {names}. Pass a dict by output "
                        "name: {name: {class: weight}}."
                    )
                given = {names[0]: given}
            for name in given:
                if name not in names:
                    raise ValueError(
                        f"class_weight: the model has no output {name!r}. Its outputs are {names}. "
                        "Pass the weights by output name, {name: {class: weight}}; for one output, "
                        "{class: weight}."
                    )
            self._weights_by_output = {
                name: checked_class_weight(weights, name) for name, weights in given.items()
            }
        return self._weights_by_output

    @property
    def class_weights(self) -> Mapping[str, Mapping[int, float]]:
        """The class weights by output name; empty before the first batch."""
        return self._weights_by_output or {}

    # ---------------------------------------------------------------- the parts of a bound batch

    def inputs(self, x: DataLike) -> Iterator[tuple[str, Tensor | None, Any]]:
        """Yields name, Tensor and array of each input of a bound batch."""
        whole = self._model._graph_
        if whole is None or self.own_step:
            for name, array in named_arrays(x, "x"):
                yield name, None, array
            return
        graph = whole.device_graph
        bound = self._graph is not None and not self._keeps_inputs
        values = tree.leaves(x) if bound else graph.match(x)
        for name, tensor, array in zip(graph.input_names, graph.input_tensors, values, strict=True):
            if array is not None:
                yield name, tensor, array


def _pack(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tuple(parts)


def _checked_mapping(class_weight: Any) -> Mapping[Any, Any] | None:
    """Returns class weights, or None if there are none.

    Raises:
        TypeError: they are not a dict.
    """
    if class_weight is not None and not isinstance(class_weight, Mapping):
        checked_class_weight(class_weight, "output_1")  # raises an error
    return class_weight or None


def _multiply(weight: PyTree, made: np.ndarray) -> np.ndarray:
    return made if weight is None else np.asarray(weight) * made


def named_arrays(structure: PyTree, what: str) -> list[tuple[str, Any]]:
    """Returns the arrays of a structure with their names, such as `x['a']`."""
    if structure is None:
        return []
    if isinstance(structure, np.ndarray):  # the usual case, without the time of a traversal
        return [(what, structure)]
    found = tree.flatten_with_path(structure)
    return [(what + "".join(f"[{step!r}]" for step in path), leaf) for path, leaf in found]
