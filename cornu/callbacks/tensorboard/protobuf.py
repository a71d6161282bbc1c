"""wire: the format of protocol buffers: a message is fields of a number, a type and a value.

References: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

__all__ = ["double", "doubles", "float32", "message", "number", "text"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def number(field: int, value: int) -> bytes:
    """Returns a field with an integer.

    Example:

    >>> number(1, 150).hex()
    '089601'
    """
    return _tag(field, _VARINT) + _varint(int(value))


def float32(field: int, value: float) -> bytes:
    """Returns a field with a number of 32 bits."""
    return _tag(field, _FIXED32) + np.float32(value).tobytes()


def double(field: int, value: float) -> bytes:
    """Returns a field with a number of 64 bits."""
    return _tag(field, _FIXED64) + struct.pack("<d", value)


def message(field: int, value: bytes) -> bytes:
    """Returns a field with a message, or other bytes."""
    return _tag(field, _BYTES) + _varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """Returns a field with a text."""
    return message(field, value.encode())


def doubles(field: int, values: Iterable[float]) -> bytes:
    """Returns a field with several numbers of 64 bits."""
    return message(field, np.asarray(list(values), "<f8").tobytes())


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)
