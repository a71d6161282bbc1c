"""Writes a model as an ONNX file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu._version import __version__
from cornu.errors import missing_package
from cornu.export.inference import InferenceFunction, InputDescription
from cornu.export.onnx.convert import convert
from cornu.export.onnx.float16 import to_float16
from cornu.export.onnx.graph import OPSET, GraphWriter, Value, element_type, is_known, used_names
from cornu.export.onnx.int8 import calibration_batches, check_precision, to_int8
from cornu.export.onnx.model_file import write_model
from cornu.export.stablehlo.archive import Signature, signature_to_json
from cornu.export.symbolic_sizes import trace_with_sizes

__all__ = ["SIGNATURE_KEY", "write_onnx"]

SIGNATURE_KEY = "cornu.signature"
_NEWEST_OPSET = 23
_OPSET_OF_FLOAT8 = 19
_FLOATS8 = {17, 18, 19, 20}  # their numbers in onnx.TensorProto


def write_onnx(
    inference: InferenceFunction,
    path: Path,
    opset_version: int | None = None,
    external_data: bool | None = None,
    precision: str | None = None,
    keep_io_types: bool = True,
    calibration_data: Any = None,
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
        precision: `"float16"` stores the weights in float16 and computes products of matrices and
            convolutions in it; `"int8"` quantizes these products, statically, to integers of 8
            bits (QDQ), which needs onnxruntime. None changes nothing.
        keep_io_types: whether inputs and outputs remain in float32 if `precision` is `"float16"`.
        calibration_data: inputs that determine the scales of `"int8"`: an array, a list or a dict
            of arrays as for `predict`, or an iterable of such batches.

    Raises:
        ImportError: the package `onnx` is not installed.
        NotImplementedError: ONNX cannot express the model.
        ValueError: the version is too old or unknown, the weights are too large for one file, or
            data for the calibration is missing.
    """
    check_precision(inference.name, precision, keep_io_types, calibration_data)
    if external_data is not None and not isinstance(external_data, bool):
        raise TypeError(f"external_data must be a bool or None. Received: {external_data!r}")
    opset = OPSET if opset_version is None else opset_version
    if not isinstance(opset, int) or not OPSET <= opset <= _NEWEST_OPSET:
        raise ValueError(
            f"opset_version must be between {OPSET} and {_NEWEST_OPSET}. "
            f"Received: {opset_version!r}"
        )
    model, arrays = _build(inference, opset)
    _check_dtypes(model, opset)
    if precision == "float16":
        arrays = to_float16(model, arrays, keep_io_types)
    elif precision == "int8":
        model, arrays = to_int8(model, arrays, calibration_batches(calibration_data, inference))
    _add_signature(model, inference)
    write_model(model, arrays, path, external_data)


def _check_dtypes(model: Any, opset: int) -> None:
    """Checks that the operators have the dtypes of the graph.

    Raises:
        NotImplementedError: the graph has numbers of 8-bit floats, and the opset is too old.
    """
    if opset >= _OPSET_OF_FLOAT8:
        return
    kinds = {
        attribute.i
        for node in model.graph.node
        for attribute in node.attribute
        if node.op_type == "Cast" and attribute.name == "to"
    }
    if kinds & _FLOATS8:
        raise NotImplementedError(
            f"ONNX cannot express floats of 8 bits in opset {opset}.\n"
            f"Pass opset_version={_OPSET_OF_FLOAT8}, or export to StableHLO."
        )


def _add_signature(model: Any, inference: InferenceFunction) -> None:
    import onnx

    def describe(value: Any) -> InputDescription:
        kind = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
        return InputDescription(value.name, tuple(sizes), dtype)

    signature = Signature(
        inference.name,
        tuple(map(describe, model.graph.input)),
        tuple(map(describe, model.graph.output)),
        inference.preprocessing,
    )
    onnx.helper.set_model_props(model, {SIGNATURE_KEY: json.dumps(signature_to_json(signature))})


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
    declared = {
        name: Value(graph.reserve(name), x.shape, _boundary_dtype(x.dtype))
        for name, x in inputs.items()
    }
    results = {name: graph.reserve(name) for name in inference.outputs}
    for value in declared.values():
        for axis, size in enumerate(value.shape):
            if not is_known(size):
                graph.size_sources.setdefault(str(size), (value.name, axis))
    given = {name: _with_dtype(graph, declared[name], x.dtype) for name, x in inputs.items()}
    # JAX sorts the keys of dicts; weights that nothing uses are not written.
    arrays = {path: graph.add_weight(path, inference.weights[path]) for path in sorted(weights)}
    leaves = [*arrays.values(), *(given[name] for name in sorted(given))]
    values = dict(
        zip(sorted(outputs), convert(graph, closed.jaxpr, closed.consts, leaves), strict=True)
    )
    values = {n: _with_dtype(graph, x, _boundary_dtype(x.dtype)) for n, x in values.items()}
    for name, output in results.items():
        node = onnx.helper.make_node(
            "Identity", [graph.name_of(values[name])], [output], name=f"{output}/Identity"
        )
        graph.nodes.append(node)
    used = used_names(graph.nodes)
    imports = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            inference.name,
            [_info(declared[d.name].name, declared[d.name]) for d in inference.inputs],
            [_info(results[name], values[name]) for name in inference.outputs],
            doc_string=inference.preprocessing.statement,
        ),
        opset_imports=imports,
        ir_version=onnx.helper.find_min_ir_version_for(imports),
        producer_name="cornu",
        producer_version=__version__,
    )
    return model, {name: array for name, array in graph.initializers.items() if name in used}


def _boundary_dtype(dtype: Any) -> Any:
    """Returns the dtype of an input or output; NumPy, and so runtimes, have no bfloat16."""
    return np.dtype(np.float32) if np.dtype(dtype) == jnp.bfloat16 else dtype


def _with_dtype(graph: GraphWriter, value: Value, dtype: Any) -> Value:
    if np.dtype(value.dtype) == np.dtype(dtype):
        return value
    return Value(graph.cast(value, dtype), value.shape, dtype)


def _info(name: str, value: Value) -> Any:
    import onnx

    sizes = [int(size) if is_known(size) else str(size) for size in value.shape]
    return onnx.helper.make_tensor_value_info(name, element_type(value.dtype), sizes)
