"""Weights as pictures: red above zero, blue below it."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

__all__ = ["to_png", "weight_picture"]

_MOST = 1024  # pixels of a side
_RED, _BLUE, _GRAY = (178, 24, 43), (33, 102, 172), (128, 128, 128)


def weight_picture(weight: Any) -> np.ndarray:
    """Returns a weight as a picture (height, width, 3) of bytes.

    A vector is a row, a matrix lies on its longer side. Of a kernel (..., in, out) each pair of
    channels is a tile; tiles of an input channel are a row. White is 0, and the strongest red and
    blue are at the largest absolute value. What exceeds 1024 pixels is left out.

    Example:

    >>> weight_picture(np.array([[1.0, 0.0], [-1.0, 0.0]]))[:, :, 0].tolist()
    [[178, 255], [33, 255]]
    """
    array = np.squeeze(np.asarray(weight, "float32"))
    if array.ndim < 2:
        array = array.reshape(1, -1)
    if array.ndim == 2:
        grid = array if array.shape[0] <= array.shape[1] else array.T
    else:
        grid = _tiles(array if array.ndim > 3 else array[:, :, np.newaxis])
    grid = grid[:_MOST, :_MOST]
    finite = np.isfinite(grid)
    largest = float(np.abs(grid[finite]).max(initial=0.0)) or 1.0
    strength = np.where(finite, grid, 0.0)[..., np.newaxis] / largest
    ends = np.where(strength > 0, np.array(_RED, "float32"), np.array(_BLUE, "float32"))
    colours = 255 + np.abs(strength) * (ends - 255)
    colours[~finite] = _GRAY
    return np.rint(colours).astype("uint8")


def _tiles(kernel: np.ndarray) -> np.ndarray:
    """Returns a kernel as a matrix of tiles, with gray lines (NaN) in between."""
    *sizes, width, rows, columns = kernel.shape
    tiles = kernel.reshape(-1, width, rows, columns)
    height = tiles.shape[0]
    tiles = tiles[:, :, : 1 + _MOST // (height + 1), : 1 + _MOST // (width + 1)]
    edged = np.pad(tiles, ((0, 1), (0, 1), (0, 0), (0, 0)), constant_values=np.nan)
    across = edged.transpose(2, 0, 3, 1)
    grid = across.reshape(across.shape[0] * (height + 1), -1)
    return grid[:-1, :-1]


def to_png(picture: np.ndarray) -> bytes:
    """Returns a picture (height, width, 3) of bytes as a PNG file.

    References: W3C, "Portable Network Graphics (PNG) Specification".
    """
    height, width, _ = picture.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
