"""Attributes of HDF5 files, whose sizes are compared with that of the file before they are read.

HDF5 believes the length that an attribute declares for each of its strings, up to 4 GB, and refuses
the file only afterwards. The object headers of the file have the lengths; see "Disk Format: Level
2A" in the specification of the format.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["ReadBytes", "read_attribute"]

# Reads bytes of a file, given the address and how many.
ReadBytes = Callable[[int, int], bytes]

_HEADER = struct.Struct("<BxHxxxxIxxxx")  # version, number of messages, size of the messages
_MESSAGE = struct.Struct("<HHBxxx")  # type, size, flags
_BLOCK = struct.Struct("<QQ")  # address and size of a continuation
_ATTRIBUTE = struct.Struct("<BxHHH")  # version, sizes of name, type and space
_CONTINUATION, _ATTRIBUTE_TYPE = 0x10, 0x0C
_STRING = struct.Struct("<I12x")  # the length, and the place in the heap
_MAX_BLOCKS = 1000


def read_attribute(item: Any, name: str, read: ReadBytes) -> Any:
    """Returns the value of an attribute.

    Args:
        item: the group or dataset of h5py that has the attribute.
        name: the name of the attribute.
        read: reads bytes of the file.

    Raises:
        ValueError: the attribute declares more than the file has, or its lengths are unknown.
    """
    from h5py import h5a, h5o, h5t

    attribute = h5a.open(item.id, name.encode())
    kind, count = attribute.get_type(), math.prod(attribute.shape or ())
    stored = count * kind.get_size()
    if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
        address = h5o.get_info(item.id).addr
        length = _declared_length(read, address, name.encode(), count) if count else 0
        if length is None:
            raise ValueError(
                f"{item.file.filename!r} stores the attribute {name!r} in a version of HDF5 that "
                "is not supported. Save the file with Keras again."
            )
        stored += length
    if stored > item.file.id.get_filesize():
        raise ValueError(
            f"{item.file.filename!r}: the attribute {name!r} declares {stored} bytes, more than "
            "the file has."
        )
    return item.attrs[name]


def _declared_length(read: ReadBytes, address: int, name: bytes, count: int) -> int | None:
    """Returns the length of all strings of variable length in an attribute together.

    Args:
        read: reads bytes of the file.
        address: the address of the object that has the attribute.
        name: the name of the attribute.
        count: the number of its strings.

    Returns:
        None if the file has no such attribute, or has it in another version of the format.
    """
    for data in _attributes(read, address):
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


def _attributes(read: ReadBytes, address: int) -> Iterator[bytes]:
    """Yields the messages of an object header that describe attributes."""
    head = read(address, _HEADER.size)
    if len(head) < _HEADER.size or head[0] != 1:
        return
    blocks = [(address + _HEADER.size, _HEADER.unpack(head)[2])]
    for number in range(_MAX_BLOCKS):
        if number >= len(blocks):
            return
        block = read(blocks[number][0], min(blocks[number][1], 1 << 20))
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
