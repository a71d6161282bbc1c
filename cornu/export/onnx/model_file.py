"""ONNX files, and the files beside them that have the weights of large models.

A message of protobuf has less than 2 GiB. The weights of a larger model are in a second file, whose
name, and the positions in it, the first one states: external data, in the words of ONNX.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cornu.export.onnx.graph import element_type
from cornu.saving.atomic_write import atomic_write

__all__ = [
    "MOST_BYTES",
    "TOKEN_BYTES",
    "TOKEN_KEY",
    "external_entries",
    "external_tensors",
    "write_model",
]

TOKEN_BYTES = 16
TOKEN_KEY = "cornu.external_data"
"""The key of the metadata that has the first `TOKEN_BYTES` of the second file."""

MOST_BYTES = 1_900_000_000
"""Weights of more bytes are written to a second file; the rest of a graph is small."""

_SUFFIX = ".data"
_LEAST_EXTERNAL = 1024  # smaller arrays, such as shapes, remain in the first file
_PAGE = 4096  # positions are multiples of the pages of memory, so that runtimes can map the file


def write_model(
    model: Any, arrays: Mapping[str, np.ndarray], path: Path, external: bool | None = None
) -> None:
    """Writes a model with its weights, whole or not at all.

    The second file, if there is one, is named `{path.name}.data`. It is complete before the first
    one replaces an older file. Both begin with the same random bytes, by which `read_onnx` notices
    that they are from different exports.

    Args:
        model: the message of ONNX, without initializers, which are added to it.
        arrays: the initializers, by name.
        path: the file.
        external: whether arrays are written to a second file; None if they have more than
            `MOST_BYTES`.

    Raises:
        ValueError: the arrays are too large for one file, and `external` is False.
    """
    from onnx import numpy_helper

    nbytes = sum(array.nbytes for array in arrays.values())
    if external is None:
        external = nbytes > MOST_BYTES
    if not external:
        if nbytes > MOST_BYTES:
            raise ValueError(
                f"external_data=False: the weights have {nbytes:,} bytes, and one ONNX file has at "
                f"most {MOST_BYTES:,}.\nLeave the argument out: the rest is written to "
                f"{path.name + _SUFFIX!r}."
            )
        tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
        model.graph.initializer.extend(tensors)
        with atomic_write(path) as temporary:
            temporary.write_bytes(model.SerializeToString())
        return
    token = secrets.token_bytes(TOKEN_BYTES)
    entry = model.metadata_props.add()
    entry.key, entry.value = TOKEN_KEY, token.hex()
    data = path.with_name(path.name + _SUFFIX)
    with atomic_write(path) as temporary:
        with atomic_write(data) as temporary_data, open(temporary_data, "wb") as file:
            file.write(token)
            model.graph.initializer.extend(_write_arrays(arrays, file, data.name))
            temporary.write_bytes(model.SerializeToString())


def _write_arrays(arrays: Mapping[str, np.ndarray], file: BinaryIO, name: str) -> Iterator[Any]:
    """Writes arrays to the second file, and yields what the first one has of each."""
    import onnx

    for key, array in arrays.items():
        if array.nbytes < _LEAST_EXTERNAL:
            yield onnx.numpy_helper.from_array(array, key)
            continue
        file.seek(-file.tell() % _PAGE, 1)
        tensor = onnx.TensorProto(
            name=key,
            dims=array.shape,
            data_type=element_type(array.dtype),
            data_location=onnx.TensorProto.EXTERNAL,
        )
        position = {"location": name, "offset": file.tell(), "length": array.nbytes}
        for word, value in position.items():
            tensor.external_data.add(key=word, value=str(value))
        file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        yield tensor


def external_tensors(model: Any) -> list[Any]:
    """Returns the tensors of a model whose numbers are in other files, also those of attributes."""
    import onnx

    found = []
    pending = [model]
    while pending:
        message = pending.pop()
        if isinstance(message, onnx.TensorProto):
            if message.data_location == onnx.TensorProto.EXTERNAL or message.external_data:
                found.append(message)
            continue
        for field, value in message.ListFields():
            if field.message_type is not None:
                pending += value if field.is_repeated else [value]
    return found


def external_entries(tensor: Any) -> dict[str, str]:
    """Returns where the numbers of a tensor are: location, offset and length."""
    return {entry.key: entry.value for entry in tensor.external_data}
