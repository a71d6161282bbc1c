"""Responses of the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.serving.datatypes import BYTES
from cornu.serving.errors import RequestError
from cornu.serving.requests import InferenceRequest
from cornu.serving.signature import ModelSignature

__all__ = ["write_response"]


def write_response(
    name: str,
    version: str,
    request: InferenceRequest,
    outputs: Sequence[np.ndarray],
    signature: ModelSignature,
) -> tuple[bytes, int | None]:
    """Returns the body of a response, and the size of its JSON if binary data follows.

    Args:
        name, version: those of the model.
        request: the request.
        outputs: all outputs of the model, with the rows of the request.
        signature: the names and data types of the outputs.

    Raises:
        RequestError: an output that is requested as JSON has values that JSON cannot express.
    """
    entries: list[dict[str, Any]] = []
    data: list[bytes] = []
    for position, binary in request.binary.items():
        spec, array = signature.outputs[position], outputs[position]
        entry: dict[str, Any] = {
            "name": spec.name,
            "datatype": spec.datatype,
            "shape": list(array.shape),
        }
        if binary:
            data.append(_to_bytes(array, spec.datatype))
            entry["parameters"] = {"binary_data_size": len(data[-1])}
        else:
            entry["data"] = _to_list(array, spec.name)
        entries.append(entry)
    message: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": entries}
    if request.id is not None:
        message["id"] = request.id
    text = json.dumps(message, separators=(",", ":")).encode()
    return b"".join((text, *data)), len(text) if any(request.binary.values()) else None


def _to_list(array: np.ndarray, name: str) -> list[Any]:
    if array.dtype.kind not in "biuUO":
        array = array.astype("float64")
        if not np.isfinite(array).all():
            raise RequestError(
                500,
                f"Output {name!r} has NaN or infinite values, which JSON cannot express. Request "
                'it as binary data: "parameters": {"binary_data": true}.',
            )
    found: list[Any] = array.ravel().tolist()
    return found


def _to_bytes(array: np.ndarray, datatype: str) -> bytes:
    if datatype != BYTES:
        return np.ascontiguousarray(array).tobytes()
    texts = (str(text).encode() for text in array.ravel())
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
