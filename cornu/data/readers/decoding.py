"""Decodes image files to arrays, with little memory that is allocated for each file."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from cornu.data.readers.images import convert_mode, import_pillow, named_errors

__all__ = ["ImageDecoder", "fast_jpeg_decoder"]

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_COLORSPACES = {1: "GRAY", 3: "RGB"}
_CHANNELS = {"Gray": 1, "YCbCr": 3, "RGB": 3}  # by the names in the header
_JPEG_START = b"\xff\xd8\xff"
_MAX_KEPT_BYTES = 16 << 20

# `decode(data, channels, allocate)` returns the pixels of a JPEG file in an array of uint8 that
# `allocate(shape)` returns; None if the file has other channels or too many pixels for Pillow.
JpegDecoder: TypeAlias = Callable[
    [bytes, int, Callable[[tuple[int, int, int]], np.ndarray]], np.ndarray | None
]


class ImageDecoder:
    """Decodes image files to arrays (height, width, channels) of uint8.

    JPEG files are decoded by simplejpeg if it is installed and computes the same pixels as Pillow:
    it writes into memory that is reused for the next file. Pillow decodes all other files, and
    those that simplejpeg refuses.

    Args:
        channels: 1, 3 or 4.
        caller: the name of the function for error messages.
        formats: the formats that are accepted, as named by Pillow.
    """

    def __init__(self, channels: int, caller: str, formats: tuple[str, ...]) -> None:
        self._channels = channels
        self._caller = caller
        self._formats = formats
        self._buffers = threading.local()

    def __call__(self, path: str) -> np.ndarray:
        """Returns the pixels, in an array that is valid until the next call in this thread."""
        mode = _MODES[self._channels]
        with named_errors(self._caller, repr(path), self._formats):
            with open(path, "rb", buffering=0) as file:  # a buffer would be another copy
                data = file.read()
            pixels = self._decode_jpeg(data)
            if pixels is not None:
                return pixels
            # Pillow checks the format and the number of pixels by the header.
            image = import_pillow(self._caller).open(io.BytesIO(data), formats=self._formats)
            image.load()
        shape = (image.height, image.width, self._channels)
        return np.asarray(convert_mode(image, mode)).reshape(shape)

    def _decode_jpeg(self, data: bytes) -> np.ndarray | None:
        """Returns the pixels of a JPEG file; None if Pillow has to decode it."""
        decode = fast_jpeg_decoder()
        if decode is None or "JPEG" not in self._formats or not data.startswith(_JPEG_START):
            return None
        try:
            return decode(data, self._channels, self._buffer)
        except ValueError:  # damaged or unusual: Pillow decodes the file, or says what is wrong
            return None

    def _buffer(self, shape: tuple[int, int, int]) -> np.ndarray:
        size = shape[0] * shape[1] * shape[2]
        memory: np.ndarray | None = getattr(self._buffers, "memory", None)
        if memory is None or memory.size < size:
            memory = np.empty(size, np.uint8)
            if size <= _MAX_KEPT_BYTES:
                self._buffers.memory = memory
        return memory[:size].reshape(shape)


@functools.cache
def fast_jpeg_decoder() -> JpegDecoder | None:
    """Returns the decoder of simplejpeg; None if it is missing or differs from Pillow."""
    try:
        from simplejpeg import decode_jpeg, decode_jpeg_header
    except ImportError:
        return None
    pillow = import_pillow("image_dataset_from_directory")

    def decode(
        data: bytes, channels: int, allocate: Callable[[tuple[int, int, int]], np.ndarray]
    ) -> np.ndarray | None:
        height, width, stored, _ = decode_jpeg_header(data)
        limit = pillow.MAX_IMAGE_PIXELS
        if _CHANNELS.get(stored) != channels or (limit is not None and height * width > limit):
            return None
        pixels = allocate((height, width, channels))
        decode_jpeg(data, _COLORSPACES[channels], buffer=pixels)
        return pixels

    return decode if _agrees_with_pillow(decode) else None


def _agrees_with_pillow(decode: JpegDecoder) -> bool:
    """Whether a decoder computes the pixels of Pillow, whose libjpeg may have another version."""
    pillow = import_pillow("image_dataset_from_directory")
    steps = np.arange(37 * 43).reshape(37, 43, 1)
    noise = (steps * steps * np.array([3, 7, 11]) % 256).astype("uint8")
    for mode in ("RGB", "L"):
        for subsampling in (0, 1, 2):
            file = io.BytesIO()
            image = pillow.fromarray(noise).convert(mode)
            image.save(file, "JPEG", quality=80, subsampling=subsampling)
            expected = np.asarray(pillow.open(file)).reshape(37, 43, -1)
            try:
                pixels = decode(file.getvalue(), expected.shape[2], _allocate)
            except (TypeError, ValueError):
                return False
            if pixels is None or not np.array_equal(pixels, expected):
                return False
    return True


def _allocate(shape: tuple[int, int, int]) -> np.ndarray:
    return np.empty(shape, np.uint8)
