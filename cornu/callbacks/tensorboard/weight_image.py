"""Renders weights as images: red for positive values, blue for negative ones."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from cornu.types import ArrayLike

__all__ = ["encode_png", "render_weight"]

_MAX_SIZE = 1024  # pixels per side
_RED, _BLUE, _GRAY = (178, 24, 43), (33, 102, 172), (128, 128, 128)


def render_weight(weight: ArrayLike) -> np.ndarray:
    """Renders a weight as an image (height, width, 3) of uint8.

    A vector is a row; a matrix is rendered with its longer side horizontal. Of a kernel
    (..., in, out), each pair of channels is a tile, with one row of tiles per input channel. White
    is 0, and the most saturated red and blue correspond to the largest absolute value. Non-finite
    values are gray. The image is cropped to 1024 pixels per side.

    Example:

    >>> render_weight(np.array([[1.0, 0.0], [-1.0, 0.0]]))[:, :, 0].tolist()
    [[178, 255], [33, 255]]
    """
    array = np.squeeze(np.asarray(weight, "float32"))
    if array.ndim < 2:
        array = array.reshape(1, -1)
    if array.ndim == 2:
        grid = array if array.shape[0] <= array.shape[1] else array.T
    else:
        grid = _tile_kernel(array if array.ndim > 3 else array[:, :, np.newaxis])
    grid = grid[:_MAX_SIZE, :_MAX_SIZE]
    finite = np.isfinite(grid)
    largest = float(np.abs(grid[finite]).max(initial=0.0)) or 1.0
    strength = np.where(finite, grid, 0.0)[..., np.newaxis] / largest
    ends = np.where(strength > 0, np.array(_RED, "float32"), np.array(_BLUE, "float32"))
    colors = 255 + np.abs(strength) * (ends - 255)
    colors[~finite] = _GRAY
    rounded: np.ndarray = np.rint(colors).astype("uint8")
    return rounded


def _tile_kernel(kernel: np.ndarray) -> np.ndarray:
    """Arranges a kernel as a matrix of tiles, separated by gray lines (NaN)."""
    *sizes, width, rows, columns = kernel.shape
    tiles = kernel.reshape(-1, width, rows, columns)
    height = tiles.shape[0]
    tiles = tiles[:, :, : 1 + _MAX_SIZE // (height + 1), : 1 + _MAX_SIZE // (width + 1)]
    edged = np.pad(tiles, ((0, 1), (0, 1), (0, 0), (0, 0)), constant_values=np.nan)
    across = edged.transpose(2, 0, 3, 1)
    grid = across.reshape(across.shape[0] * (height + 1), -1)
    return grid[:-1, :-1]


def encode_png(image: np.ndarray) -> bytes:
    """Encodes an image (height, width, 3) of uint8 as PNG.

    References: W3C, "Portable Network Graphics (PNG) Specification".
    """
    height, width, _ = image.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Each row begins with the number of its filter: 0 is none.
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
