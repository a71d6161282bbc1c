"""Feeding: what a model expects of data, checked before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.data import Arrays, Stream, adapt
from cornu.data.adapt import is_stream, parts_of
from cornu.data.binding import Names
from cornu.data.class_weights import weights_of_classes
from cornu.data.splits import split
from cornu.layers.input import InputLayer
from cornu.training.check import check_lengths, check_targets, check_values
from cornu.training.outputs import is_array

__all__ = ["Feeding"]


class Feeding:
    """Prepares and checks the data of one model.

    Args:
        model: the model.
        class_weight: as in `fit`.
    """

    def __init__(self, model: Any, class_weight: Any = None) -> None:
        self.model = model
        self.class_weight = class_weight
        self._matched: Any = None  # the signature of the last batch that was checked

    # ----------------------------------------------------------------------------------- preparing

    def source(
        self,
        x: Any,
        y: Any = None,
        weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
        again: bool = False,
        inputs_only: bool = False,
    ) -> Arrays | Stream:
        """Returns a source of batches for the model; see `cornu.data.adapt`.

        Args:
            inputs_only: whether there is only x, as in `predict`.
        """
        prepare = self.inputs_only if inputs_only else self.prepare
        return adapt(x, y, weight, batch_size, steps, shuffle, seed, prepare, self._names(), again)

    def _names(self) -> Names:
        """Returns the names of inputs and outputs that columns of tables bind to."""
        drawing = self.model.functional_graph
        if drawing is None:
            return Names()
        return Names(tuple(drawing.input_names), tuple(drawing.output_names))

    def prepare(self, batch: Any) -> Any:
        """Checks names and lengths of `(x, y, sample_weight)`, and applies class weights."""
        x, y, weight = batch
        if x is None:
            raise ValueError(f"Model {self.model.name!r}: x is missing, it is None.")
        signature = tree.signature(batch)
        if signature != self._matched:  # most batches are like the one before
            self._match(x)
            check_lengths([*_named(x, "x"), *_named(y, "y"), *_named(weight, "sample_weight")])
            self._matched = signature
        if self.class_weight is not None:
            weight = self._with_class_weight(y, weight)
        return x, y, weight

    def inputs_only(self, batch: Any) -> Any:
        """Checks and keeps the inputs of a batch."""
        self._match(batch[0])
        check_lengths(_named(batch[0], "x"))
        return batch[0], None, None

    def split(self, x: Any, y: Any, weight: Any, fraction: float) -> tuple[Any, Any]:
        """Splits data for validation."""
        if is_stream(x):
            raise ValueError(
                f"validation_split needs arrays, and x is an iterable of batches "
                f"({type(x).__name__}), of which nobody knows the end.\n"
                "Pass validation_data=another iterable."
            )
        whole = parts_of(x, y, weight, self._names())
        check_lengths([*_named(whole[0], "x"), *_named(whole[1], "y")])
        return split(whole, fraction)

    def _match(self, x: Any) -> None:
        if self.model.functional_graph is not None:
            self.model.functional_graph.match(x)

    def _with_class_weight(self, y: Any, weight: Any) -> Any:
        outputs = self.model._outputs
        names = outputs.names if outputs is not None else ["output_1"]
        given = self.class_weight
        by_output = given if any(isinstance(v, dict) for v in given.values()) else None
        if by_output is None:
            if len(names) > 1:
                raise ValueError(
                    f"class_weight: the model has the outputs {names}. Give a dict by output "
                    "name: {name: {class: weight}}."
                )
            by_output = {names[0]: given}
        for name in by_output:
            if name not in names:
                raise ValueError(f"class_weight: the model has no output {name!r}, but {names}.")
        if len(names) == 1:
            label = y if is_array(y) else tree.leaves(y)[0]
            made = weights_of_classes(label, by_output[names[0]], names[0])
            return made if weight is None else np.asarray(weight) * made
        targets = outputs.spread(y, "y", whole=is_array)
        weights = outputs.spread(weight, "sample_weight", whole=is_array, to_all=True)
        for i, name in enumerate(names):
            if name in by_output:
                made = weights_of_classes(targets[i], by_output[name], name)
                weights[i] = made if weights[i] is None else np.asarray(weights[i]) * made
        return {name: w for name, w in zip(names, weights, strict=True) if w is not None}

    # ------------------------------------------------------------------------------------ checking

    def check(self, source: Arrays | Stream) -> None:
        """Refuses inputs and targets that do not fit the model and its losses."""
        self.check_inputs(source)
        objective = self.model._objective
        if objective is None:
            return
        _, y, weight = source.preview()
        targets = objective.outputs.spread(y, "y", whole=is_array)
        for name, loss, target, output in zip(
            objective.outputs.names,
            objective.losses,
            targets,
            objective.outputs.tensors,
            strict=True,
        ):
            if loss is None:
                continue
            if target is None:
                raise ValueError(
                    f"Output {name!r} has a loss, and y has nothing for it. Received y: "
                    f"{_listed(y)}. Give a target for it, or None as its loss."
                )
            check_values(f"y of output {name!r}", target)
            check_targets(name, loss, target, output)
        for name, array in _named(weight, "sample_weight"):
            check_values(name, array)

    def check_inputs(self, source: Arrays | Stream) -> None:
        """Refuses inputs that do not fit the model."""
        x = source.preview()[0]
        drawing = self.model.functional_graph
        if drawing is None:
            for name, array in _named(x, "x"):
                check_values(name, array)
            return
        for name, tensor, array in zip(
            drawing.input_names, drawing.input_tensors, drawing.match(x), strict=True
        ):
            if array is None:
                continue
            drawing.check_shape(array, tensor, name, rows=False)
            check_values(f"Input {name!r}", array, _consumers(drawing, tensor))


def _consumers(drawing: Any, tensor: Tensor) -> list[Layer]:
    return [
        node.op
        for node in drawing.nodes
        if isinstance(node.op, Layer)
        and not isinstance(node.op, InputLayer)
        and any(source is tensor for source in node.inputs)
    ]


def _named(structure: Any, what: str) -> list[tuple[str, Any]]:
    if structure is None:
        return []
    named = []
    for path, leaf in tree.flatten_with_path(structure):
        name = what + "".join(f"[{step!r}]" for step in path)
        named.append((name, leaf))
    return named


def _listed(y: Any) -> str:
    if isinstance(y, dict):
        return f"the keys {list(y)}"
    return "nothing" if y is None else f"{len(tree.leaves(y))} array(s)"
