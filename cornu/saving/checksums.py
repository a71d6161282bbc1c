"""Checksums of arrays in files whose format has none."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

__all__ = ["compute", "verify"]


def compute(array: np.ndarray) -> int:
    """Returns the CRC-32 of the bytes of an array in C order.

    Example:

    >>> compute(np.zeros(2, "float32")) == compute(np.zeros(8, "uint8"))
    True
    """
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def verify(array: np.ndarray, expected: Any, key: str) -> None:
    """Raises ValueError if an array does not have its checksum.

    Args:
        array: the array.
        expected: its checksum; None if the file has none, as files of other libraries.
        key: the name of the array.
    """
    if expected is not None and compute(array) != expected:
        raise ValueError(
            f"{key!r} does not have its checksum: the file is damaged.\n"
            "Copy or download the file again, or save it again."
        )
