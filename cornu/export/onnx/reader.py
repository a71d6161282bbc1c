"""Reads an ONNX file as a function, which onnxruntime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cornu.errors import missing_package
from cornu.export.exported_model import ExportedModel
from cornu.export.inference import InputDescription, Preprocessing
from cornu.export.onnx.model_file import TOKEN_BYTES, TOKEN_KEY, external_entries, external_tensors
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

    onnxruntime receives the bytes of the file. Only if all external data is in files beside it, it
    receives the path, and opens these.

    Raises:
        ImportError: the package `onnxruntime` is not installed.
        FileNotFoundError: the file with external data is missing.
        NotImplementedError: onnxruntime lacks an operator of the graph.
        ValueError: the file is damaged.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", "onnx", "Loading an ONNX file") from error
    name = repr(str(path))
    data = path.read_bytes()
    source: bytes | str = str(path) if _check_external_files(data, path) else data
    with wrap_read_errors(name, wrap_value_errors=True):
        try:
            session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
        except RuntimeError as error:
            if "NOT_IMPLEMENTED" not in str(error):
                raise
            reason = f"onnxruntime {onnxruntime.__version__} cannot compute {name}: {error}"
            raise NotImplementedError(reason) from error
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


def _check_external_files(data: bytes, path: Path) -> bool:
    """Returns whether a model has external data, after a check of the files that have it.

    onnxruntime would open files in the current directory of the process for a model without a path.

    Raises:
        FileNotFoundError: there is no such file beside the model.
        ValueError: the name is that of a file elsewhere, or the file is of another export.
    """
    # Texts are stored as they are: without this one, there is no external data.
    if b"location" not in data:
        return False
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx", "onnx", "Loading an ONNX file with external data") from error
    name = repr(str(path))
    with wrap_read_errors(name, wrap_value_errors=True):
        model = onnx.load_model_from_string(data)
    entries = [external_entries(tensor) for tensor in external_tensors(model)]
    files = {n: path.parent / n for n in {entry.get("location", "") for entry in entries}}
    for location, file in files.items():
        if location != Path(location).name or location in ("", ".", ".."):
            raise ValueError(
                f"{name} names the file {location!r} for its weights, which is not beside it. "
                "It was not opened."
            )
        if not file.is_file():
            raise FileNotFoundError(
                f"The weights of {name} are in the file {location!r}, which is not in the "
                "directory of the model. Copy both files."
            )
    for entry in entries:
        size = files[entry["location"]].stat().st_size
        with wrap_read_errors(name, wrap_value_errors=True):
            first, length = int(entry.get("offset", 0)), int(entry.get("length", 0))
        if min(first, length) < 0 or first + length > size:
            raise ValueError(
                f"{name}: the file {entry['location']!r} has {size} bytes, fewer than the model "
                "needs. Copy or export both files again."
            )
    token = {entry.key: entry.value for entry in model.metadata_props}.get(TOKEN_KEY)
    for location, file in files.items():
        with open(file, "rb") as opened:
            first_bytes = opened.read(TOKEN_BYTES)
        if token is not None and first_bytes.hex() != token:
            raise ValueError(
                f"{name} and {location!r} are from different exports. Copy or export both again."
            )
    return bool(files)


def _describe(node: Any) -> InputDescription:
    kind = _DTYPES.get(node.type, node.type.removeprefix("tensor(").removesuffix(")"))
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return InputDescription(node.name, shape, kind)
