"""WAV files as arrays."""

from __future__ import annotations

import os
import struct
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Sound", "read_wav"]

_INTEGERS, _FLOATS, _EXTENSIBLE = 1, 3, 0xFFFE
_MOST_CHUNKS = 10_000


class Sound(NamedTuple):
    """Samples (samples, channels) of float32 from -1 to 1, and how many are a second."""

    samples: np.ndarray
    rate: int


class _Format(NamedTuple):
    code: int
    channels: int
    rate: int
    bits: int


def read_wav(path: Any) -> Sound:
    """Reads a WAV file of integers of 8, 16, 24 or 32 bits, or floats of 32 or 64.

    Raises:
        ValueError: the file is none, is damaged, or packed in another way; it is named.

    Example:

    >>> import pathlib, tempfile, wave
    >>> path = str(pathlib.Path(tempfile.mkdtemp()) / "a.wav")
    >>> with wave.open(path, "wb") as file:
    ...     file.setparams((1, 2, 8000, 0, "NONE", ""))
    ...     file.writeframes(struct.pack("<3h", 0, 16384, -32768))
    >>> read_wav(path).samples[:, 0]
    array([ 0. ,  0.5, -1. ], dtype=float32)
    """
    try:
        with open(path, "rb") as file:
            return _sound(file, os.fstat(file.fileno()).st_size)
    except (ValueError, struct.error) as error:
        raise ValueError(
            f"{os.fsdecode(path)!r} is no readable WAV file. {error}\n"
            "Write it anew with integers of 16 bits, or take it out of the folder."
        ) from error


def _sound(file: Any, size: int) -> Sound:
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError(f"It begins with {head!r}.")
    form = None
    for _ in range(_MOST_CHUNKS):
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            if form is None:
                raise ValueError("It has samples before it says what they are.")
            # A recorder that was stopped leaves 0 or 2**32 - 1 here; what is there is what counts.
            return Sound(_samples(file.read(min(length, size - file.tell())), form), form.rate)
        if name == b"fmt ":
            form = _format(file.read(min(length, 64)))
            length -= min(length, 64)
        file.seek(length + length % 2, os.SEEK_CUR)
    raise ValueError("It has too many parts.")


def _format(data: bytes) -> _Format:
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", data[:16])
    if code == _EXTENSIBLE:
        (code,) = struct.unpack("<H", data[24:26])
    if (code, bits) not in _READERS:
        raise ValueError(f"It is packed as kind {code} with {bits} bits, which is not read.")
    if channels < 1 or rate < 1:
        raise ValueError(f"It says that it has {channels} channels and {rate} samples a second.")
    return _Format(code, channels, rate, bits)


def _samples(data: bytes, form: _Format) -> np.ndarray:
    frame = form.bits // 8 * form.channels
    data = data[: len(data) // frame * frame]
    return _READERS[form.code, form.bits](data).astype("float32").reshape(-1, form.channels)


def _bytes_8(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "u1") / np.float32(128) - 1


def _integers_16(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i2") / np.float32(1 << 15)


def _integers_24(data: bytes) -> np.ndarray:
    wide = np.zeros((len(data) // 3, 4), "u1")
    wide[:, 1:] = np.frombuffer(data, "u1").reshape(-1, 3)
    return _integers_32(wide.tobytes())


def _integers_32(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i4") / (1 << 31)


_READERS = {
    (_INTEGERS, 8): _bytes_8,
    (_INTEGERS, 16): _integers_16,
    (_INTEGERS, 24): _integers_24,
    (_INTEGERS, 32): _integers_32,
    (_FLOATS, 32): lambda data: np.frombuffer(data, "<f4"),
    (_FLOATS, 64): lambda data: np.frombuffer(data, "<f8"),
}
