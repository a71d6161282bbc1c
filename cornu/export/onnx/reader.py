"""Reads an ONNX file as a function, which onnxruntime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cornu.errors import missing_package
from cornu.export.exported_model import ExportedModel
from cornu.export.inference import InputDescription, Preprocessing
from cornu.export.onnx.writer import SIGNATURE_KEY
from cornu.export.stablehlo.archive import signature_from_json
from cornu.saving.validation import read_json, wrap_read_errors

__all__ = ["read_onnx"]

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
}


def read_onnx(path: Path) -> ExportedModel:
    """Returns the graph of an ONNX file.

    onnxruntime receives the bytes of the file, so that no other file is opened, whatever names of
    external data it has.

    Raises:
        ImportError: the package `onnxruntime` is not installed.
        ValueError: the file is damaged, or has operators that onnxruntime lacks.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", "onnx", "Loading an ONNX file") from error
    name = repr(str(path))
    with wrap_read_errors(name, wrap_value_errors=True):
        session = onnxruntime.InferenceSession(
            path.read_bytes(), providers=["CPUExecutionProvider"]
        )
        meta = session.get_modelmeta()
        text = meta.custom_metadata_map.get(SIGNATURE_KEY)
        stated = None if text is None else signature_from_json(read_json(text, SIGNATURE_KEY))
    outputs = tuple(_describe(node) for node in session.get_outputs())
    names = [d.name for d in outputs]

    def call(inputs: dict[str, Any]) -> dict[str, Any]:
        return dict(zip(names, session.run(names, inputs), strict=True))

    inputs = tuple(_describe(node) for node in session.get_inputs())
    preprocessing: Preprocessing | None = None if stated is None else stated.preprocessing
    return ExportedModel(meta.graph_name, "onnx", inputs, outputs, preprocessing, call)


def _describe(node: Any) -> InputDescription:
    kind = _DTYPES.get(node.type, node.type.removeprefix("tensor(").removesuffix(")"))
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return InputDescription(node.name, shape, kind)
