"""Reads WAV files."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from typing import IO, NamedTuple

import numpy as np

__all__ = ["Sound", "read_wav"]

_INTEGERS, _FLOATS, _EXTENSIBLE = 1, 3, 0xFFFE
_MOST_CHUNKS = 10_000


class Sound(NamedTuple):
    """Samples (samples, channels) of float32 from -1 to 1, and the number of samples per second."""

    samples: np.ndarray
    rate: int


class _Format(NamedTuple):
    code: int
    channels: int
    rate: int
    bits: int


def read_wav(path: str | os.PathLike[str]) -> Sound:
    """Reads a WAV file with integers of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits.

    Raises:
        ValueError: the file is not a valid WAV file, or has an unsupported encoding.

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
        # At once and without a buffer: a sound is much larger than its header.
        with open(path, "rb", buffering=0) as file:
            data = file.read()
        return _read_sound(io.BytesIO(data), len(data))
    except (ValueError, struct.error) as error:
        raise ValueError(
            f"{os.fsdecode(path)!r} is not a valid WAV file. {error}\n"
            "Convert it to 16-bit integers, or remove it from the folder."
        ) from error


def _read_sound(file: IO[bytes], size: int) -> Sound:
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError(f"The file begins with {head!r}.")
    form = None
    for _ in range(_MOST_CHUNKS):
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            if form is None:
                raise ValueError("The samples precede the format chunk.")
            # An interrupted recorder leaves the length 0 or 2**32 - 1: read to the end of the file.
            return Sound(
                _decode_samples(file.read(min(length, size - file.tell())), form), form.rate
            )
        if name == b"fmt ":
            form = _parse_format(file.read(min(length, 64)))
            length -= min(length, 64)
        # Chunks are padded to an even length.
        file.seek(length + length % 2, os.SEEK_CUR)
    raise ValueError("The file has too many chunks.")


def _parse_format(data: bytes) -> _Format:
    code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", data[:16])
    if code == _EXTENSIBLE:
        (code,) = struct.unpack("<H", data[24:26])
    if (code, bits) not in _READERS:
        raise ValueError(f"The encoding {code} with {bits} bits is not supported.")
    if channels < 1 or rate < 1:
        raise ValueError(f"The header declares {channels} channels and {rate} samples per second.")
    return _Format(code, channels, rate, bits)


def _decode_samples(data: bytes, form: _Format) -> np.ndarray:
    frame = form.bits // 8 * form.channels
    data = data[: len(data) // frame * frame]
    samples = _READERS[form.code, form.bits](data).astype("float32", copy=False)
    return samples.reshape(-1, form.channels)


def _decode_uint8(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "u1") / np.float32(128) - 1


def _decode_int16(data: bytes) -> np.ndarray:
    samples = np.frombuffer(data, "<i2").astype("float32")
    samples *= 1 / (1 << 15)  # exactly
    return samples


def _decode_int24(data: bytes) -> np.ndarray:
    wide = np.zeros((len(data) // 3, 4), "u1")
    # The upper three bytes of an int32, so that the sign is right.
    wide[:, 1:] = np.frombuffer(data, "u1").reshape(-1, 3)
    return _decode_int32(wide.tobytes())


def _decode_int32(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<i4") / (1 << 31)


_READERS: dict[tuple[int, int], Callable[[bytes], np.ndarray]] = {
    (_INTEGERS, 8): _decode_uint8,
    (_INTEGERS, 16): _decode_int16,
    (_INTEGERS, 24): _decode_int24,
    (_INTEGERS, 32): _decode_int32,
    (_FLOATS, 32): lambda data: np.frombuffer(data, "<f4"),
    (_FLOATS, 64): lambda data: np.frombuffer(data, "<f8"),
}
