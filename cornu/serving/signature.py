"""What a model expects and returns, in the terms of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cornu.models import Model
from cornu.serving.datatypes import DATATYPES

__all__ = ["ModelSignature", "TensorSpec", "signature_of"]


class TensorSpec(NamedTuple):
    """An input or output of a model.

    Attributes:
        name: its name.
        datatype: its data type in the protocol, such as "FP32".
        shape: its shape; None for sizes that may vary, such as the number of rows.
    """

    name: str
    datatype: str
    shape: tuple[int | None, ...]

    def describe(self) -> dict[str, Any]:
        """Returns the metadata of the protocol, in which -1 is a size that may vary."""
        sizes = [-1 if size is None else size for size in self.shape]
        return {"name": self.name, "datatype": self.datatype, "shape": sizes}


class ModelSignature(NamedTuple):
    """The inputs and outputs of a model.

    Attributes:
        inputs, outputs: in the order of the model.
        rowwise: whether each row of the outputs depends on the same row of the inputs only, so that
            the rows of several requests may be computed together.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    rowwise: bool


def signature_of(model: Model) -> ModelSignature:
    """Returns the inputs and outputs of a model.

    Args:
        model: a Functional or built Sequential model.

    Raises:
        ValueError: the inputs of the model are unknown, since it defines `call`; or one has a data
            type that the protocol does not have.
    """
    graph = model._graph_
    if graph is None:
        raise ValueError(
            f"Model {model.name!r} defines call(), so that the names and shapes of its inputs are "
            "unknown.\nServe a Functional model that calls it: "
            "cornu.Model(inputs, model(inputs))."
        )
    return ModelSignature(
        _specs("Input", graph.input_names, graph.input_tensors),
        _specs("Output", graph.output_names, graph.output_tensors),
        graph.rowwise(),
    )


def _specs(kind: str, names: Sequence[str], tensors: Sequence[Any]) -> tuple[TensorSpec, ...]:
    found = []
    for name, tensor in zip(names, tensors, strict=True):
        if tensor.dtype not in DATATYPES:
            raise ValueError(
                f"{kind} {name!r} has dtype {tensor.dtype}, which the protocol cannot transfer. It "
                f"can transfer {', '.join(DATATYPES)}."
            )
        if not tensor.shape:
            raise ValueError(
                f"{kind} {name!r} is a scalar. Served models have inputs and outputs with one row "
                "for each sample."
            )
        shape = (None, *tensor.shape[1:])
        found.append(TensorSpec(name, DATATYPES[tensor.dtype], shape))
    return tuple(found)
