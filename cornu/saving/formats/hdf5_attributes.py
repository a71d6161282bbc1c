"""The lengths of strings in attributes of HDF5 files, before HDF5 allocates memory for them.

HDF5 believes the length that an attribute declares for each of its strings, up to 4 GB, and refuses
the file only afterwards. The object headers of the file have the lengths; see "Disk Format: Level
2A" in the specification of the format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["declared_length"]

_HEADER = struct.Struct("<BxHxxxxIxxxx")  # version, number of messages, size of the messages
_MESSAGE = struct.Struct("<HHBxxx")  # type, size, flags
_BLOCK = struct.Struct("<QQ")  # address and size of a continuation
_ATTRIBUTE = struct.Struct("<BxHHH")  # version, sizes of name, type and space
_CONTINUATION, _ATTRIBUTE_TYPE = 0x10, 0x0C
_STRING = struct.Struct("<I12x")  # the length, and the place in the heap
_MAX_BLOCKS = 1000


def declared_length(file: BinaryIO, address: int, name: bytes, count: int) -> int | None:
    """Returns the length of all strings of variable length in an attribute together.

    Args:
        file: the HDF5 file.
        address: the address of the object that has the attribute.
        name: the name of the attribute.
        count: the number of its strings.

    Returns:
        None if the file has no such attribute, or has it in another version of the format.
    """
    for data in _attributes(file, address):
        if len(data) < _ATTRIBUTE.size:
            continue
        version, *sizes = _ATTRIBUTE.unpack_from(data)
        start = _ATTRIBUTE.size + (version == 3)
        found = data[start : start + sizes[0]].rstrip(b"\0")
        if version == 1:  # each part is padded to eight bytes
            sizes = [-(-size // 8) * 8 for size in sizes]
        strings = data[start + sum(sizes) :]
        if found == name and len(strings) >= count * _STRING.size:
            used = strings[: count * _STRING.size]
            return sum(int(length) for (length,) in _STRING.iter_unpack(used))
    return None


def _attributes(file: BinaryIO, address: int) -> Iterator[bytes]:
    """Yields the messages of an object header that describe attributes."""
    file.seek(address)
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size or head[0] != 1:
        return
    blocks = [(address + _HEADER.size, _HEADER.unpack(head)[2])]
    for number in range(_MAX_BLOCKS):
        if number >= len(blocks):
            return
        file.seek(blocks[number][0])
        block = file.read(min(blocks[number][1], 1 << 20))
        position = 0
        while position + _MESSAGE.size <= len(block):
            kind, size, _ = _MESSAGE.unpack_from(block, position)
            position += _MESSAGE.size
            data = block[position : position + size]
            position += size
            if kind == _ATTRIBUTE_TYPE:
                yield data
            elif kind == _CONTINUATION and len(data) >= _BLOCK.size:
                blocks.append(_BLOCK.unpack_from(data))
