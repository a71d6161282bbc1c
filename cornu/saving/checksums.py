"""Checksums of arrays in files whose format has none."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

__all__ = ["compute", "verify"]


def compute(array: np.ndarray) -> int:
    """Returns the CRC-32 of the dtype, the shape and the numbers of an array.

    The dtype and the shape are included because damage to the header of a file may change them,
    and leave the bytes of the numbers as they are.

    Example:

    >>> compute(np.zeros(2, "float32")) == compute(np.zeros(2, "int32"))
    False
    """
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    described = zlib.crc32(f"{array.dtype.name}{array.shape}".encode())
    return zlib.crc32(native.reshape(-1).view(np.uint8).data, described)


def verify(array: np.ndarray, expected: Any, key: str) -> None:
    """Raises ValueError if an array does not have its checksum.

    Args:
        array: the array.
        expected: its checksum; None if no array of the file has one, as in files of other
            libraries.
        key: the name of the array.
    """
    if expected is not None and compute(array) != expected:
        raise ValueError(
            f"{key!r} does not have its checksum: the file is damaged.\n"
            "Copy or download the file again, or save it again."
        )
