"""Requests of the Open Inference Protocol: JSON, and arrays as binary data behind it."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np

from cornu.serving.datatypes import BYTES, DTYPES
from cornu.serving.errors import RequestError
from cornu.serving.signature import ModelSignature, TensorSpec

__all__ = ["InferenceRequest", "read_request"]

_MAX_AXES = 16
_VALUE_TYPES: dict[str, set[type]] = {"BOOL": {bool}, BYTES: {str}}


class InferenceRequest(NamedTuple):
    """A request for predictions.

    Attributes:
        id: the name that the client gave it, or None.
        arrays: one for each input of the model, in its order.
        rows: the number of their rows.
        binary: whether each output is requested as binary data, by the position of the output in
            the model, in the order of the request.
    """

    id: str | None
    arrays: tuple[np.ndarray, ...]
    rows: int
    binary: dict[int, bool]


def read_request(
    body: bytes, json_size: int | None, signature: ModelSignature, max_rows: int
) -> InferenceRequest:
    """Returns the request in the body of a message.

    Args:
        body: JSON, followed by binary data.
        json_size: the number of bytes of the JSON; None if there is no binary data.
        signature: what the model expects.
        max_rows: the largest number of rows.

    Raises:
        RequestError: the body is not a request that the model can answer.
    """
    if json_size is not None and not 0 <= json_size <= len(body):
        raise RequestError(
            400,
            f"Inference-Header-Content-Length is {json_size}, but the body has {len(body)} bytes.",
        )
    message = _read_json(body if json_size is None else body[:json_size])
    data = memoryview(b"" if json_size is None else body)[json_size or 0 :]
    arrays = _read_inputs(message.get("inputs"), data, signature)
    rows = _count_rows(arrays, signature, max_rows)
    name = message.get("id")
    if name is not None and not isinstance(name, str):
        raise RequestError(400, f"id must be a string. Received: {_show(name)}")
    return InferenceRequest(name, arrays, rows, _requested(message, signature))


def _read_json(text: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"The body is not JSON: {str(error)[:200]}") from None
    if not isinstance(message, dict):
        raise RequestError(400, "The body must be a JSON object with the key 'inputs'.")
    return message


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number; send it as binary data")


def _read_inputs(
    entries: Any, data: memoryview, signature: ModelSignature
) -> tuple[np.ndarray, ...]:
    expected = {spec.name: spec for spec in signature.inputs}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RequestError(
            400, f"'inputs' must be a list of objects, one for each of {list(expected)}."
        )
    arrays: dict[str, np.ndarray] = {}
    begin = 0
    for entry in entries:
        name = entry.get("name")
        if not isinstance(name, str) or name not in expected or name in arrays:
            raise RequestError(
                400,
                f"There is no input {_show(name)}, or it is given twice. The model has the inputs "
                f"{list(expected)}.",
            )
        size = _binary_size(entry)
        if size is None:
            arrays[name] = _read_numbers(entry, expected[name])
        else:
            if begin + size > len(data):
                raise RequestError(
                    400,
                    f"Input {name!r} has {size} bytes, but only {len(data) - begin} follow. Is "
                    "Inference-Header-Content-Length the size of the JSON?",
                )
            arrays[name] = _read_bytes(entry, expected[name], data[begin : begin + size])
            begin += size
    if begin != len(data):
        raise RequestError(400, f"{len(data) - begin} bytes of binary data belong to no input.")
    missing = [name for name in expected if name not in arrays]
    if missing:
        raise RequestError(400, f"The inputs {missing} are missing.")
    return tuple(arrays[name] for name in expected)


def _parameters(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = entry.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise RequestError(400, f"'parameters' must be an object. Received: {_show(parameters)}")
    return parameters


def _binary_size(entry: Mapping[str, Any]) -> int | None:
    size = _parameters(entry).get("binary_data_size")
    if size is None:
        return None
    if not _is_size(size):
        raise RequestError(
            400, f"'binary_data_size' must be a number of bytes. Received: {_show(size)}"
        )
    return int(size)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _shape_of(entry: Mapping[str, Any], spec: TensorSpec) -> tuple[int, ...]:
    shape = entry.get("shape")
    label = f"Input {spec.name!r}"
    if entry.get("datatype") != spec.datatype:
        raise RequestError(
            400,
            f"{label} has the datatype {spec.datatype}. Received: {_show(entry.get('datatype'))}",
        )
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MAX_AXES
        or not all(_is_size(size) for size in shape)
    ):
        raise RequestError(
            400, f"{label}: 'shape' must be a list of sizes. Received: {_show(shape)}"
        )
    fits = len(shape) == len(spec.shape) and all(
        known is None or known == size for known, size in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        wanted = [-1 if size is None else size for size in spec.shape]
        raise RequestError(400, f"{label} has the shape {wanted}. Received: {_show(shape)}")
    return tuple(shape)


def _read_numbers(entry: Mapping[str, Any], spec: TensorSpec) -> np.ndarray:
    """Returns an input whose data is in the JSON, flat or nested."""
    shape = _shape_of(entry, spec)
    label = f"Input {spec.name!r}"
    values = _flatten(entry.get("data"), shape, label)
    # Before an array is made: that of texts has the size of the longest for each.
    if not set(map(type, values)) <= _value_types(spec.datatype):
        raise RequestError(
            400, f"{label} has the datatype {spec.datatype}, but 'data' has other values."
        )
    if spec.datatype == BYTES:
        return np.array(values, dtype=object).reshape(shape)
    dtype = DTYPES[spec.datatype]
    try:
        with np.errstate(over="raise"):
            # NumPy converts numbers to the smaller types without a check of their range.
            wide = np.array(values, np.float64 if dtype.kind not in "biu" else None)
            if dtype.kind in "iu" and wide.size:
                limits = np.iinfo(dtype)
                if (
                    wide.dtype.kind not in "iu"
                    or wide.min() < limits.min
                    or wide.max() > limits.max
                ):
                    raise OverflowError
            return wide.astype(dtype).reshape(shape)
    except (OverflowError, FloatingPointError):
        raise RequestError(
            400, f"{label} has numbers beyond the range of {spec.datatype}."
        ) from None


def _flatten(data: Any, shape: tuple[int, ...], label: str) -> list[Any]:
    """Returns the elements of a list that is flat, or nested as the shape says."""
    if not isinstance(data, list):
        raise RequestError(400, f"{label}: 'data' must be a list. Received: {_show(data)}")
    values: list[Any] = data
    if values and isinstance(values[0], list):
        for axis, size in enumerate(shape[1:], 1):
            if len(values) != math.prod(shape[:axis]) or not all(
                type(part) is list and len(part) == size for part in values
            ):
                raise RequestError(
                    400,
                    f"{label}: the lists in 'data' are not nested as the shape {list(shape)} says.",
                )
            values = list(itertools.chain.from_iterable(values))
    if len(values) != math.prod(shape):
        raise RequestError(
            400,
            f"{label} has {math.prod(shape)} elements by its shape {list(shape)}, but 'data' has "
            f"{len(values)}.",
        )
    return values


def _value_types(datatype: str) -> set[type]:
    """Returns the types that the values of JSON may have."""
    if datatype in _VALUE_TYPES:
        return _VALUE_TYPES[datatype]
    return {int} if DTYPES[datatype].kind in "iu" else {int, float}


def _read_bytes(entry: Mapping[str, Any], spec: TensorSpec, data: memoryview) -> np.ndarray:
    """Returns an input whose data follows the JSON."""
    shape = _shape_of(entry, spec)
    label = f"Input {spec.name!r}"
    if entry.get("data") is not None:
        raise RequestError(400, f"{label} has both 'data' and 'binary_data_size'.")
    count = math.prod(shape)
    if spec.datatype == BYTES:
        return _read_texts(data, count, label).reshape(shape)
    dtype = DTYPES[spec.datatype]
    if len(data) != count * dtype.itemsize:
        raise RequestError(
            400,
            f"{label} of shape {list(shape)} has {count * dtype.itemsize} bytes as "
            f"{spec.datatype}. Received: {len(data)} bytes",
        )
    if dtype.kind == "b" and any(bytes(data).translate(None, b"\0\1")):
        raise RequestError(400, f"{label} has the datatype BOOL: its bytes must be 0 or 1.")
    return np.frombuffer(data, dtype).reshape(shape)


def _read_texts(data: memoryview, count: int, label: str) -> np.ndarray:
    """Returns texts, each of which follows its length as 4 bytes."""
    texts: list[str] = []
    begin = 0
    while begin < len(data):
        size = int.from_bytes(data[begin : begin + 4], "little")
        end = begin + 4 + size
        if begin + 4 > len(data) or end > len(data):
            raise RequestError(400, f"{label}: element {len(texts)} is longer than the data.")
        try:
            texts.append(str(data[begin + 4 : end], "utf-8"))
        except UnicodeDecodeError:
            raise RequestError(400, f"{label}: element {len(texts)} is not UTF-8.") from None
        begin = end
    if len(texts) != count:
        raise RequestError(400, f"{label} has {count} elements. Received: {len(texts)}")
    return np.array(texts, dtype=object)


def _count_rows(arrays: tuple[np.ndarray, ...], signature: ModelSignature, max_rows: int) -> int:
    sizes = {spec.name: len(a) for spec, a in zip(signature.inputs, arrays, strict=True)}
    if len(set(sizes.values())) > 1:
        raise RequestError(400, f"The inputs have different numbers of rows: {sizes}.")
    rows = next(iter(sizes.values()))
    if rows == 0:
        raise RequestError(400, "The inputs have no rows.")
    if rows > max_rows:
        raise RequestError(
            413, f"A request may have at most {max_rows} rows. Received: {rows}. Send several."
        )
    return rows


def _requested(message: Mapping[str, Any], signature: ModelSignature) -> dict[int, bool]:
    """Returns the positions of the requested outputs, and whether they are sent as binary data."""
    default = bool(_parameters(message).get("binary_data_output", False))
    positions = {spec.name: i for i, spec in enumerate(signature.outputs)}
    entries = message.get("outputs")
    if entries is None:
        return dict.fromkeys(positions.values(), default)
    if not isinstance(entries, list) or not entries:
        raise RequestError(400, "'outputs' must be a list of objects with a name, or absent.")
    found: dict[int, bool] = {}
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str) or name not in positions or positions[name] in found:
            raise RequestError(
                400,
                f"There is no output {_show(name)}, or it is requested twice. The model has the "
                f"outputs {list(positions)}.",
            )
        found[positions[name]] = bool(_parameters(entry).get("binary_data", default))
    return found


def _show(value: Any) -> str:
    """Returns a value of the client as a short text."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
