"""Writes a model as an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cornu._version import __version__
from cornu.errors import missing_package
from cornu.export.inference import InferenceFunction, InputDescription
from cornu.export.onnx.convert import convert
from cornu.export.onnx.graph import OPSET, GraphWriter, Value, element_type, is_known
from cornu.export.onnx.model_file import write_model
from cornu.export.stablehlo.archive import Signature, signature_to_json
from cornu.export.symbolic_sizes import trace_with_sizes

__all__ = ["SIGNATURE_KEY", "write_onnx"]

SIGNATURE_KEY = "cornu.signature"
_NEWEST_OPSET = 23
_IR_VERSION = 8  # the version of the format that came with this version of the operators


def write_onnx(
    inference: InferenceFunction,
    path: Path,
    opset_version: int | None = None,
    external_data: bool | None = None,
) -> None:
    """Writes a model as an ONNX file.

    Nodes are named after the blocks and layers that they are in, weights by their paths. Weights of
    more than 1.9 GB are written to a second file, with the suffix `.data`.

    Args:
        inference: the model.
        path: the file.
        opset_version: the version of the operators, at least 18, which is the default.
        external_data: whether weights are written to a second file, as `torch.onnx.export` does;
            None if one file cannot have them.

    Raises:
        ImportError: the package `onnx` is not installed.
        NotImplementedError: ONNX cannot express the model.
        ValueError: the version is too old or unknown, or the weights are too large for one file.
    """
    opset = OPSET if opset_version is None else opset_version
    if not isinstance(opset, int) or not OPSET <= opset <= _NEWEST_OPSET:
        raise ValueError(
            f"opset_version must be between {OPSET} and {_NEWEST_OPSET}. "
            f"Received: {opset_version!r}"
        )
    model, arrays = _build(inference, opset)
    write_model(model, arrays, path, external_data)


def _build(inference: InferenceFunction, opset: int) -> tuple[Any, dict[str, np.ndarray]]:
    """Returns the message of ONNX without its initializers, and these by name."""
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx", "onnx", "Exporting to ONNX") from error

    weights = {
        path: jax.ShapeDtypeStruct(x.shape, x.dtype) for path, x in inference.weights.items()
    }

    def trace(inputs: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        closed, outputs = jax.make_jaxpr(inference.function, return_shape=True)(weights, inputs)
        return closed, outputs, inputs

    closed, outputs, inputs = trace_with_sizes(trace, inference.inputs)
    graph = GraphWriter()
    given = {name: Value(graph.reserve(name), x.shape, x.dtype) for name, x in inputs.items()}
    results = {name: graph.reserve(name) for name in inference.outputs}
    for value in given.values():
        for axis, size in enumerate(value.shape):
            if not is_known(size):
                graph.size_sources.setdefault(str(size), (value.name, axis))
    # JAX sorts the keys of dicts; weights that nothing uses are not written.
    arrays = {path: graph.add_weight(path, inference.weights[path]) for path in sorted(weights)}
    leaves = [*arrays.values(), *(given[name] for name in sorted(given))]
    values = dict(
        zip(sorted(outputs), convert(graph, closed.jaxpr, closed.consts, leaves), strict=True)
    )
    for name, output in results.items():
        node = onnx.helper.make_node(
            "Identity", [graph.name_of(values[name])], [output], name=f"{output}/Identity"
        )
        graph.nodes.append(node)
    descriptions = tuple(
        InputDescription(
            results[name],
            tuple(n if is_known(n) else None for n in values[name].shape),
            np.dtype(values[name].dtype).name,
        )
        for name in inference.outputs
    )
    used = _used_names(graph)
    signature = Signature(inference.name, inference.inputs, descriptions, inference.preprocessing)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            inference.name,
            [_info(given[d.name].name, given[d.name]) for d in inference.inputs],
            [_info(results[name], values[name]) for name in inference.outputs],
            doc_string=inference.preprocessing.statement,
        ),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=_IR_VERSION,
        producer_name="cornu",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(model, {SIGNATURE_KEY: json.dumps(signature_to_json(signature))})
    return model, {name: array for name, array in graph.initializers.items() if name in used}


def _info(name: str, value: Value) -> Any:
    import onnx

    sizes = [int(size) if is_known(size) else str(size) for size in value.shape]
    return onnx.helper.make_tensor_value_info(name, element_type(value.dtype), sizes)


def _used_names(graph: GraphWriter) -> frozenset[str]:
    """Returns the names that nodes take, also those within loops."""
    found: set[str] = set()
    pending = list(graph.nodes)
    while pending:
        node = pending.pop()
        found.update(node.input)
        for attribute in node.attribute:
            pending += attribute.g.node
    return frozenset(found)
