"""ONNX graphs in int8: products of matrices and convolutions are quantized, by onnxruntime."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import check_choice, missing_package
from cornu.export.exported_model import convert_input
from cornu.export.inference import InferenceFunction
from cornu.export.onnx.model_file import MOST_BYTES, write_model

__all__ = ["calibration_batches", "check_precision", "to_int8"]

Arrays = dict[str, np.ndarray]

_PRECISIONS = ("float16", "int8")
_ROWS = 32  # of a batch, if the data are arrays
# Other operators, such as sums, would lose accuracy and are fast as they are.
_PRODUCTS = ["Conv", "Gemm", "MatMul"]


def check_precision(
    name: str, precision: str | None, keep_io_types: bool, calibration_data: Any
) -> None:
    """Checks the arguments of an export of the model `name`.

    Raises:
        ValueError: the precision is unknown, or data for the calibration is missing.
        TypeError: there is data, and nothing to be calibrated, or dtypes that do not change.
    """
    if precision is not None:
        check_choice(f"Model {name!r}.export", "precision", precision, _PRECISIONS)
    if precision != "float16" and keep_io_types is not True:
        raise TypeError(
            f'keep_io_types is for precision="float16". Received: {precision!r}, with which inputs '
            "and outputs keep their dtypes."
        )
    if precision == "int8" and calibration_data is None:
        raise ValueError(
            'precision="int8" needs calibration_data: some hundred inputs that are typical of '
            "those that the model will receive, such as x_train[:200]."
        )
    if precision != "int8" and calibration_data is not None:
        raise TypeError(f'calibration_data is for precision="int8". Received: {precision!r}')


def calibration_batches(data: Any, inference: InferenceFunction) -> Iterator[Arrays]:
    """Yields batches of inputs by name.

    Args:
        data: an array, a list or a dict of arrays, or an iterable of such batches.
        inference: the model.

    Raises:
        TypeError: the data is not iterable.
        ValueError: it does not fit the inputs of the model, or is empty.
    """
    is_array = hasattr(data, "shape")
    is_whole = is_array or isinstance(data, Mapping) or _is_list_of_inputs(data, inference)
    if not is_whole and not isinstance(data, Iterable):
        raise TypeError(
            "calibration_data must be arrays, or an iterable of batches of arrays. "
            f"Received: {data!r}"
        )
    count = 0
    for batch in [data] if is_whole else data:
        arrays = _by_name(batch, inference)
        rows = max(len(x) for x in arrays.values())
        for first in range(0, rows, _ROWS if is_whole else rows or 1):
            count += 1
            yield {n: x[first : first + _ROWS] for n, x in arrays.items()} if is_whole else arrays
    if not count:
        raise ValueError("calibration_data is empty: no scales can be determined.")


def _is_list_of_inputs(data: Any, inference: InferenceFunction) -> bool:
    """Returns whether a list has the inputs of the model, and not batches."""
    shapes = [d.shape for d in inference.inputs]
    is_list = isinstance(data, (list, tuple)) and len(data) == len(shapes)
    return is_list and all(
        hasattr(x, "shape") and len(x.shape) == len(shape)
        for x, shape in zip(data, shapes, strict=True)
    )


def _by_name(batch: Any, inference: InferenceFunction) -> Arrays:
    names = [d.name for d in inference.inputs]
    if isinstance(batch, Mapping):
        given = [batch.get(name) for name in names]
    else:
        given = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    if len(given) != len(names) or any(x is None for x in given):
        received = list(batch) if isinstance(batch, Mapping) else f"{len(given)} arrays"
        raise ValueError(f"calibration_data: expected the inputs {names}; received {received}.")
    pairs = zip(inference.inputs, given, strict=True)
    return {d.name: convert_input(x, d) for d, x in pairs}


def to_int8(
    model: Any, arrays: Mapping[str, np.ndarray], batches: Iterable[Arrays]
) -> tuple[Any, Arrays]:
    """Returns a quantized graph without initializers, and these by name.

    Weights get a scale for each output, inputs of products one scale, from the least and the
    greatest number in the data. Loops, and so recurrent layers, remain in float32; a model of
    nothing else remains as it is, with a warning.

    Args:
        model: the message of ONNX, without initializers.
        arrays: the initializers.
        batches: inputs by name.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: the weights are too large for one file, or the data is empty.
    """
    import onnx

    try:
        import onnxruntime
        from onnxruntime import quantization
    except ImportError as error:
        raise missing_package("onnxruntime", "onnx", 'precision="int8"') from error
    nbytes = sum(array.nbytes for array in arrays.values())
    if nbytes > MOST_BYTES:
        raise ValueError(
            f'precision="int8": the weights have {nbytes:,} bytes; at most {MOST_BYTES:,} are '
            'quantized by the export. Call model.quantize("int8") first, and export that.'
        )

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._batches = iter(batches)

        def get_next(self) -> Arrays | None:
            return next(self._batches, None)

    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, fused, quantized = (Path(folder) / f"{n}.onnx" for n in ("plain", "fused", "int8"))
        write_model(model, arrays, plain)
        del model.graph.initializer[:]
        # Normalizations become a part of the convolutions before them.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(fused)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(plain, options, providers=["CPUExecutionProvider"])
        if not any(node.op_type in _PRODUCTS for node in onnx.load(fused).graph.node):
            warnings.warn(
                'precision="int8": the model has no products of matrices or convolutions outside '
                "of loops. The file is in float32.",
                stacklevel=user_stacklevel(),
            )
            return model, dict(arrays)
        quantization.quantize_static(
            _with_vector_biases(onnx.load(fused)),
            quantized,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=_PRODUCTS,
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        result = onnx.load(quantized)
    # A model of its own: the quantizer keeps the metadata that onnxruntime adds.
    del result.metadata_props[:]
    tensors = result.graph.initializer
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in tensors}
    del result.graph.initializer[:]
    return result, found


def _with_vector_biases(model: Any) -> Any:
    """Returns a model whose biases are vectors; those of fused sums are matrices with one row.

    The quantizer of onnxruntime 1.32 takes the row of a matrix for a number.
    """
    biases = {n.input[2] for n in model.graph.node if n.op_type == "Gemm" and len(n.input) > 2}
    for tensor in model.graph.initializer:
        if tensor.name in biases and len(tensor.dims) == 2 and tensor.dims[0] == 1:
            del tensor.dims[0]
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Discards the notes of the quantizer, which concern its own options."""
    root = logging.getLogger()
    before = root.manager.disable
    handlers = list(root.handlers)
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
        root.handlers[:] = handlers  # logging.warning() adds one
