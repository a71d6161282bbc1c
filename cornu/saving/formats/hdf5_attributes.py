"""Attributes of HDF5 files, whose sizes are compared with that of the file before they are read.

HDF5 believes the length that an attribute declares for each of its strings, up to 4 GB, and refuses
the file only afterwards. In the heap that holds strings of variable length, it follows damaged
sizes without an end. Therefore these strings are read here; see "Global Heap" and "The Attribute
Message" in the specification of the format.
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from cornu.saving.formats.hdf5_headers import ReadBytes, read_messages

__all__ = ["read_attribute"]

_ATTRIBUTE = struct.Struct("<BxHHH")  # version, sizes of name, type and space
_ATTRIBUTE_TYPE = 0x0C
_STRING = struct.Struct("<IQI")  # length, address of a collection of the heap, number in it
_COLLECTION = struct.Struct("<4sB3xQ")  # signature, version, size
_OBJECT = struct.Struct("<HH4xQ")  # number, references, size


def read_attribute(item: Any, name: str, read: ReadBytes) -> Any:
    """Returns the value of an attribute.

    Args:
        item: the group or dataset of h5py that has the attribute.
        name: the name of the attribute.
        read: reads bytes of the file.

    Raises:
        ValueError: the attribute declares more than the file has, is damaged, or is neither text
            nor numbers.
    """
    from h5py import h5a, h5o, h5t

    attribute = h5a.open(item.id, name.encode())
    kind, shape = attribute.get_type(), attribute.shape
    where, size = f"{item.file.filename!r}: the attribute {name!r}", item.file.id.get_filesize()
    if not isinstance(kind, (h5t.TypeStringID, h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeEnumID)):
        raise ValueError(f"{where} is neither text nor numbers.")
    count = math.prod(shape or ())
    stored = count * kind.get_size()
    references = None
    if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str() and shape is not None:
        address = h5o.get_info(item.id).addr
        references = _find_references(read, address, name.encode(), count) if count else []
        if references is None:
            raise ValueError(
                f"{item.file.filename!r} stores the attribute {name!r} in a version of HDF5 that "
                "is not supported. Save the file with Keras again."
            )
        stored += sum(length for length, _, _ in references)
    if stored > size:
        raise ValueError(f"{where} declares {stored} bytes, more than the file has.")
    if references is None:
        return item.attrs[name]
    try:
        strings = _read_strings(read, references, size)
    except (ValueError, struct.error) as error:
        raise ValueError(f"{where} is damaged. {error}") from error
    return np.array(strings, object).reshape(shape) if shape else strings[0]


def _find_references(
    read: ReadBytes, address: int, name: bytes, count: int
) -> list[tuple[int, int, int]] | None:
    """Returns the lengths, heap addresses and numbers of the strings of an attribute.

    Args:
        read: reads bytes of the file.
        address: the address of the object that has the attribute.
        name: the name of the attribute.
        count: the number of its strings, which have a variable length.

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
            return list(_STRING.iter_unpack(strings[: count * _STRING.size]))
    return None


def _read_strings(read: ReadBytes, references: list[tuple[int, int, int]], most: int) -> list[str]:
    """Returns strings of the heap.

    Args:
        read: reads bytes of the file.
        references: their lengths, the addresses of their collections, and their numbers there.
        most: the size of the file.
    """
    collections: dict[int, dict[int, bytes]] = {}
    strings, left = [], most  # collections do not overlap
    for length, address, number in references:
        content = b""
        if length:
            if address not in collections:
                data = _read_collection(read, address, left)
                left -= len(data)
                collections[address] = _objects_of(data)
            content = collections[address].get(number, b"")
            if len(content) < length:
                raise ValueError("A string is not in the heap of the file.")
        text = content[:length].split(b"\0", 1)[0]
        strings.append(text.decode("utf-8", "surrogateescape"))
    return strings


def _read_collection(read: ReadBytes, address: int, most: int) -> bytes:
    """Returns a collection of the heap, which has at most so many bytes."""
    signature, version, size = _COLLECTION.unpack(read(address, _COLLECTION.size))
    if signature != b"GCOL" or version != 1 or not _COLLECTION.size <= size <= most:
        raise ValueError("Its strings refer to a heap that is not there.")
    return read(address, size)


def _objects_of(collection: bytes) -> dict[int, bytes]:
    """Returns the objects of a collection, by their numbers."""
    objects: dict[int, bytes] = {}
    at = _COLLECTION.size
    while at + _OBJECT.size <= len(collection):
        number, _, length = _OBJECT.unpack_from(collection, at)
        if number == 0:  # what is free, at the end
            break
        at += _OBJECT.size
        objects[number] = collection[at : at + length]
        at += -(-length // 8) * 8
    return objects
