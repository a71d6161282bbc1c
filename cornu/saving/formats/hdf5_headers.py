"""Headers of objects in HDF5 files, which are read before the library opens the object.

The library crashes or hangs on some damaged data sets that refer to other files, when it opens
them. They are not supported anyway, so that their headers tell enough.
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

__all__ = ["ReadBytes", "is_outside", "read_messages"]

_MAX_BLOCKS = 100  # of one header
_MAX_BLOCK = 1 << 20  # bytes
_EXTERNAL, _LAYOUT, _CONTINUATION = 0x7, 0x8, 0x10  # kinds of messages
_VIRTUAL = 3  # a class of layouts
_SHARED = 2  # a flag of messages that are stored elsewhere
_TIMES, _PHASES, _ORDER = 0x20, 0x10, 0x4  # flags of headers: which fields exist

# Reads bytes of a file, given the address and how many.
ReadBytes = Callable[[int, int], bytes]


def is_outside(read: ReadBytes, address: int) -> bool:
    """Returns whether an object is an array whose numbers are in other files or arrays.

    Args:
        read: reads bytes of the file, given the position and how many.
        address: the position of the header.

    Raises:
        ValueError: the header is damaged.
    """
    return any(
        _leads_outside(kind, flags, data) for kind, flags, data in read_messages(read, address)
    )


def _leads_outside(kind: int, flags: int, data: bytes) -> bool:
    if kind != _LAYOUT:
        return kind == _EXTERNAL
    if len(data) < 3 or flags & _SHARED:
        raise ValueError("The header of an HDF5 object has a damaged layout.")
    return data[1 if data[0] >= 3 else 2] == _VIRTUAL


def read_messages(read: ReadBytes, address: int) -> Iterator[tuple[int, int, bytes]]:
    """Yields the kind, flags and contents of each message in the header of an object.

    Args:
        read: reads bytes of the file.
        address: the position of the header.

    Raises:
        ValueError: the header is damaged.
    """
    start = read(address, 32)
    second = start[:4] == b"OHDR"
    if second:
        flags = start[5]
        begin = 6 + (16 if flags & _TIMES else 0) + (4 if flags & _PHASES else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(read(address + begin, width), "little")
        blocks = [(address + begin + width, size)]
        entry = struct.Struct("<BHB2x" if flags & _ORDER else "<BHB")
    elif start[:1] == b"\x01" and len(start) >= 16:
        blocks = [(address + 16, int.from_bytes(start[8:12], "little"))]
        entry = struct.Struct("<HHB3x")
    else:
        raise ValueError("An HDF5 object has no header.")
    for count in range(_MAX_BLOCKS + 1):
        if not blocks:
            return
        position, size = blocks.pop()
        if size > _MAX_BLOCK or count == _MAX_BLOCKS:
            raise ValueError("The header of an HDF5 object is too long.")
        block = read(position, size)
        if count and second:  # between a signature and a checksum
            block = block[4:-4]
        at = 0
        while at + entry.size <= len(block):
            kind, length, message_flags = entry.unpack_from(block, at)
            at += entry.size
            data = block[at : at + length]
            at += length
            if kind == _CONTINUATION and len(data) >= 16:
                blocks.append(struct.unpack("<QQ", data[:16]))
            yield kind, message_flags, data
