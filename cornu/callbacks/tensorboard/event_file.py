"""EventWriter: writes event files for TensorBoard, without TensorFlow or TensorBoard.

A file is a sequence of records: the length of the data, a checksum of the length, the data, a
checksum of the data. The data is an `Event` message in the wire format of protocol buffers. Only
the fields that are written here are implemented.

References: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and
tensorflow/core/lib/io/record_writer.cc.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cornu.callbacks.tensorboard import protobuf
from cornu.process import job
from cornu.types import ArrayLike

__all__ = ["EventWriter", "crc32c", "mask_crc"]

_file_numbers = itertools.count()
_DT_STRING = 7  # from tensorflow/core/framework/types.proto


class EventWriter:
    """Appends events to a new file in a folder.

    Args:
        folder: the folder, which is created if necessary.
        suffix: the end of the file name.

    Attributes:
        path: the path of the file.

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
            f"{os.getpid()}.{next(_file_numbers)}{suffix}"
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(job.path_to_write(str(self.path)), "ab")
        # The first event of a file is its version.
        self._write_event(None, protobuf.text(3, "brain.Event:2"))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Writes a number."""
        self._write_value(tag, step, protobuf.float32(2, value))

    def histogram(self, tag: str, values: ArrayLike, step: int, bins: int = 30) -> None:
        """Writes a histogram of the finite values of an array."""
        array = np.asarray(values, "float64").ravel()
        array = array[np.isfinite(array)]
        counts, edges = np.histogram(array, bins)
        total, squares = float(array.sum()), float((array**2).sum())
        self.counts(tag, counts, edges, step, total, squares)

    def counts(
        self,
        tag: str,
        counts: Sequence[float] | np.ndarray,
        edges: Sequence[float] | np.ndarray,
        step: int,
        total: float,
        squares: float,
    ) -> None:
        """Writes a histogram that was computed before.

        Args:
            tag: its name.
            counts: the number of values in each bin.
            edges: the edges of the bins, one more than there are bins.
            step: the step.
            total, squares: the sum of all values, and the sum of their squares.
        """
        edges = [float(edge) for edge in edges]
        if edges[0] == edges[-1]:  # TensorBoard needs increasing limits
            counts, edges = [np.sum(counts)], [edges[0] - 0.5, edges[0] + 0.5]
        measures = [edges[0], edges[-1], float(np.sum(counts)), total, squares]
        message = b"".join(protobuf.double(i, value) for i, value in enumerate(measures, 1))
        # A bucket is given by its upper limit: an empty one defines the lower limit of the first.
        message += protobuf.doubles(6, edges) + protobuf.doubles(
            7, [0.0, *(float(count) for count in counts)]
        )
        self._write_value(tag, step, protobuf.message(5, message))

    def image(self, tag: str, png: bytes, height: int, width: int, step: int) -> None:
        """Writes an image, encoded as PNG."""
        sizes = protobuf.number(1, height) + protobuf.number(2, width) + protobuf.number(3, 3)
        self._write_value(tag, step, protobuf.message(4, sizes + protobuf.message(4, png)))

    def text(self, tag: str, text: str, step: int) -> None:
        """Writes a text, which TensorBoard renders as Markdown."""
        shape = protobuf.message(2, protobuf.message(2, protobuf.number(1, 1)))
        tensor = protobuf.number(1, _DT_STRING) + shape + protobuf.message(8, text.encode())
        plugin = protobuf.message(1, protobuf.text(1, "text"))
        self._write_value(tag, step, protobuf.message(8, tensor) + protobuf.message(9, plugin))

    def graph(self, definition: bytes) -> None:
        """Writes an encoded `GraphDef`."""
        self._write_event(None, protobuf.message(4, definition))

    def flush(self) -> None:
        """Makes the events so far visible to readers."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_value(self, tag: str, step: int, value: bytes) -> None:
        self._write_event(
            step, protobuf.message(5, protobuf.message(1, protobuf.text(1, tag) + value))
        )

    def _write_event(self, step: int | None, field: bytes) -> None:
        data = (
            protobuf.double(1, time.time())
            + (b"" if step is None else protobuf.number(2, step))
            + field
        )
        length = struct.pack("<Q", len(data))
        sums = [struct.pack("<I", mask_crc(crc32c(part))) for part in (length, data)]
        self._file.write(length + sums[0] + data + sums[1])


# ------------------------------------------------------------------------------------ checksums


def _make_crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            # The polynomial of CRC-32C, with its bits in reverse order.
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _make_crc_table()


def crc32c(data: bytes) -> int:
    """Returns the CRC-32C (Castagnoli) checksum of bytes.

    Example:

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc, table = 0xFFFFFFFF, _CRC_TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def mask_crc(crc: int) -> int:
    """Masks a checksum as TFRecord files do, because checksums of checksums are problematic."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
