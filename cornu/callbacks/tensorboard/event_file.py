"""events: files that TensorBoard reads, written without TensorFlow or TensorBoard.

A file is a sequence of records: the length of the data, a checksum of it, the data, a checksum.
The data is an `Event` in the wire format of protocol buffers. Only what is written here is known
here.

References: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and
tensorflow/core/lib/io/record_writer.cc.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.tensorboard import protobuf

__all__ = ["EventWriter", "crc32c", "masked"]

_opened = itertools.count()
_STRINGS = 7  # the DataType of strings


class EventWriter:
    """Appends events to a new file in a folder.

    Args:
        folder: where; made if it is not there.
        suffix: what the name of the file ends with.

    Attributes:
        path: the file.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, EventWriter(folder) as writer:
    ...     writer.scalar("loss", 0.5, step=1)
    ...     writer.text("note", "looks good", step=1)
    ...     writer.path.name.startswith("events.out.tfevents.")
    True
    """

    def __init__(self, folder: str | os.PathLike[str], suffix: str = "") -> None:
        self.path = Path(folder) / (
            f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}."
            f"{os.getpid()}.{next(_opened)}{suffix}"
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "ab")
        self._event(None, protobuf.text(3, "brain.Event:2"))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a number."""
        self._value(tag, step, protobuf.float32(2, value))

    def histogram(self, tag: str, values: Any, step: int, bins: int = 30) -> None:
        """Writes how values are distributed; those that are not finite are left out."""
        array = np.asarray(values, "float64").ravel()
        array = array[np.isfinite(array)]
        counts, edges = np.histogram(array, bins)
        total, squares = float(array.sum()), float((array**2).sum())
        self.counts(tag, counts, edges, step, total, squares)

    def counts(
        self, tag: str, counts: Any, edges: Any, step: int, total: float, squares: float
    ) -> None:
        """Writes a histogram of which the counts are known.

        Args:
            tag: its name.
            counts: how many values lie in each bin.
            edges: the borders of the bins, one more than there are bins.
            step: when.
            total, squares: the sum of all values, and of their squares.
        """
        edges = [float(edge) for edge in edges]
        if edges[0] == edges[-1]:  # limits must rise
            counts, edges = [np.sum(counts)], [edges[0] - 0.5, edges[0] + 0.5]
        measures = [edges[0], edges[-1], float(np.sum(counts)), total, squares]
        message = b"".join(protobuf.double(i, value) for i, value in enumerate(measures, 1))
        # Each bucket ends at its limit; an empty one before says where the first one begins.
        message += protobuf.doubles(6, edges) + protobuf.doubles(
            7, [0.0, *(float(count) for count in counts)]
        )
        self._value(tag, step, protobuf.message(5, message))

    def image(self, tag: str, png: bytes, height: int, width: int, step: int) -> None:
        """Writes a picture, encoded as PNG."""
        sizes = protobuf.number(1, height) + protobuf.number(2, width) + protobuf.number(3, 3)
        self._value(tag, step, protobuf.message(4, sizes + protobuf.message(4, png)))

    def text(self, tag: str, text: str, step: int) -> None:
        """Writes a text, which is shown as Markdown."""
        shape = protobuf.message(2, protobuf.message(2, protobuf.number(1, 1)))
        tensor = protobuf.number(1, _STRINGS) + shape + protobuf.message(8, text.encode())
        plugin = protobuf.message(1, protobuf.text(1, "text"))
        self._value(tag, step, protobuf.message(8, tensor) + protobuf.message(9, plugin))

    def graph(self, definition: bytes) -> None:
        """Writes a graph, given as an encoded `GraphDef`."""
        self._event(None, protobuf.message(4, definition))

    def flush(self) -> None:
        """Makes what was written visible to readers."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _value(self, tag: str, step: int, value: bytes) -> None:
        self._event(step, protobuf.message(5, protobuf.message(1, protobuf.text(1, tag) + value)))

    def _event(self, step: int | None, what: bytes) -> None:
        data = (
            protobuf.double(1, time.time())
            + (b"" if step is None else protobuf.number(2, step))
            + what
        )
        length = struct.pack("<Q", len(data))
        sums = [struct.pack("<I", masked(crc32c(part))) for part in (length, data)]
        self._file.write(length + sums[0] + data + sums[1])


# ------------------------------------------------------------------------------------ checksums


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Returns the CRC-32C (Castagnoli) of some bytes.

    Example:

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc, table = 0xFFFFFFFF, _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """Returns a checksum as records hold it, so that a record of records does not check itself."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
