"""Attributes of HDF5 files, whose sizes are compared with that of the file before they are read.

HDF5 believes the length that an attribute declares for each of its strings, up to 4 GB, and refuses
the file only afterwards. The object headers of the file have the lengths; see "Disk Format: Level
2A" in the specification of the format.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from cornu.saving.formats.hdf5_headers import ReadBytes, read_messages

__all__ = ["read_attribute"]

_ATTRIBUTE = struct.Struct("<BxHHH")  # version, sizes of name, type and space
_ATTRIBUTE_TYPE = 0x0C
_STRING = struct.Struct("<I12x")  # the length, and the place in the heap


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
    for kind, _, data in read_messages(read, address):
        if kind != _ATTRIBUTE_TYPE or len(data) < _ATTRIBUTE.size:
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
