"""Reads an ONNX file as a function, which onnxruntime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cornu.errors import missing_package
from cornu.export.exported_model import ExportedModel
from cornu.export.inference import InputDescription, Preprocessing
from cornu.export.onnx.model_file import TOKEN_KEY, external_entries, external_tensors
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

    onnxruntime receives the bytes of the file, and those of a file with external data beside it. No
    other file is opened, whatever names it has.

    Raises:
        ImportError: the package `onnxruntime` is not installed.
        FileNotFoundError: the file with external data is missing.
        ValueError: the file is damaged, or has operators that onnxruntime lacks.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", "onnx", "Loading an ONNX file") from error
    name = repr(str(path))
    data = path.read_bytes()
    files = _read_external_files(data, path)
    options = onnxruntime.SessionOptions()
    if files:
        names, sizes = list(files), [len(file) for file in files.values()]
        options.add_external_initializers_from_files_in_memory(names, [*files.values()], sizes)
    with wrap_read_errors(name, wrap_value_errors=True):
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
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


def _read_external_files(data: bytes, path: Path) -> dict[str, np.ndarray]:
    """Returns the bytes of the files that have numbers of a model, by name.

    onnxruntime would open a file of this name in the current directory of the process.

    Raises:
        FileNotFoundError: there is no such file beside the model.
        ValueError: the name is that of a file elsewhere, or the file is of another export.
    """
    # Texts are stored as they are: without this one, there is no external data.
    if b"location" not in data:
        return {}
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx", "onnx", "Loading an ONNX file with external data") from error
    name = repr(str(path))
    with wrap_read_errors(name, wrap_value_errors=True):
        model = onnx.load_model_from_string(data)
    entries = [external_entries(tensor) for tensor in external_tensors(model)]
    files = {}
    for location in {entry.get("location", "") for entry in entries}:
        if location != Path(location).name or location in ("", ".", ".."):
            raise ValueError(
                f"{name} names the file {location!r} for its weights, which is not beside it. "
                "It was not opened."
            )
        beside = path.with_name(location)
        if not beside.is_file():
            raise FileNotFoundError(
                f"The weights of {name} are in the file {location!r}, which is not in the "
                "directory of the model. Copy both files."
            )
        files[location] = (
            np.memmap(beside, mode="r") if beside.stat().st_size else np.empty(0, "u1")
        )
    for entry in entries:
        size = len(files[entry["location"]])
        with wrap_read_errors(name, wrap_value_errors=True):
            first, length = int(entry.get("offset", 0)), int(entry.get("length", 0))
        if min(first, length) < 0 or first + length > size:
            raise ValueError(
                f"{name}: the file {entry['location']!r} has {size} bytes, fewer than the model "
                "needs. Copy or export both files again."
            )
    token = {entry.key: entry.value for entry in model.metadata_props}.get(TOKEN_KEY)
    for location, file in files.items():
        if token is not None and bytes(file[: len(token) // 2]).hex() != token:
            raise ValueError(
                f"{name} and {location!r} are from different exports. Copy or export both again."
            )
    return files


def _describe(node: Any) -> InputDescription:
    kind = _DTYPES.get(node.type, node.type.removeprefix("tensor(").removesuffix(")"))
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return InputDescription(node.name, shape, kind)
