"""Encodes the fields of protocol buffer messages: a number, a wire type and a value.

References: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

__all__ = ["double", "doubles", "float32", "message", "number", "text"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def number(field: int, value: int) -> bytes:
    """Encodes an integer field.

    Example:

    >>> number(1, 150).hex()
    '089601'
    """
    return _tag(field, _VARINT) + _varint(int(value))


def float32(field: int, value: float) -> bytes:
    """Encodes a float field (32 bits)."""
    return _tag(field, _FIXED32) + np.float32(value).tobytes()


def double(field: int, value: float) -> bytes:
    """Encodes a double field (64 bits)."""
    return _tag(field, _FIXED64) + struct.pack("<d", value)


def message(field: int, value: bytes) -> bytes:
    """Encodes a field with a nested message or bytes."""
    return _tag(field, _BYTES) + _varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """Encodes a string field."""
    return message(field, value.encode())


def doubles(field: int, values: Iterable[float]) -> bytes:
    """Encodes a packed repeated double field."""
    return message(field, np.asarray(list(values), "<f8").tobytes())


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative int64 is encoded as its two's complement
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)
