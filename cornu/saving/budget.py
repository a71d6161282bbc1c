"""What a file may ask for, in proportion to its size.

A few bytes can describe any number of layers, and compressed ones any number of bytes. Everything
that a reader creates is therefore counted before it is created, in a unit of this table, and
compared with the size of the file. Weights that are stored take what they take.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Unit", "check", "limit"]

Unit: TypeAlias = Literal[
    "bytes after decompression",
    "bytes of JSON",
    "JSON values",
    "archive members",
    "files and folders",
    "HDF5 objects",
    "layers",
    "traced operations",
    "numbers in memory",
    "bytes of new weights",
]


class _Limit(NamedTuple):
    """The limit of a unit.

    Attributes:
        free: what every file may have.
        per_byte: what each byte of the file adds.
    """

    free: float
    per_byte: float


_LIMITS: dict[Unit, _Limit] = {
    # Weights hardly compress, except those that are still zero.
    "bytes after decompression": _Limit(32 << 20, 100),
    # The configs of many equal layers compress to a fortieth.
    "bytes of JSON": _Limit(2 << 20, 100),
    # Each takes two bytes at least, and some 100 in memory.
    "JSON values": _Limit(200_000, 4),
    # The headers of a member take some 80 bytes, and those of a compressed array as much.
    "archive members": _Limit(1000, 1 / 150),
    # A folder takes some microseconds and 4 KB of a disk. Data sets have a million small files.
    "files and folders": _Limit(10_000, 1 / 50),
    # A group or an array takes 50 microseconds, and hundreds of bytes in files that HDF5 writes.
    "HDF5 objects": _Limit(10_000, 1 / 100),
    # A layer takes a millisecond, some take twenty, and 500 bytes in the configs that Keras writes.
    "layers": _Limit(100, 1 / 300),
    # A thousand of them take about a second.
    "traced operations": _Limit(2000, 1 / 100),
    "numbers in memory": _Limit(1e7, 1),
    # Of the stored weights, that is: optimizers have slots, and layers averages.
    "bytes of new weights": _Limit(64 << 20, 8),
}


def limit(unit: Unit, nbytes: float) -> float:
    """Returns how much of a unit a file of a size may have.

    Example:

    >>> limit("archive members", 100_000)
    1666.6666666666667
    """
    free, per_byte = _LIMITS[unit]
    return free + per_byte * nbytes


def check(
    unit: Unit, total: float, nbytes: float, name: str, detail: str = "", remedy: str = ""
) -> None:
    """Raises ValueError if a file has more of a unit than its size justifies.

    Args:
        unit: what is counted.
        total: how much of it the file has, or more; infinity and NaN are always too much.
        nbytes: the size of the file, or of its part.
        name: the file, as messages show it.
        detail: what takes most, for the message.
        remedy: what to do with a file that is trusted.
    """
    allowed = limit(unit, nbytes)
    if not total <= allowed:  # true for NaN
        raise ValueError(
            f"{name} asks for more than its size justifies: "
            f"{detail + ' would take ' if detail else ''}{total:,.0f} {unit}. "
            f"At most {int(allowed):,} are allowed for {nbytes:,.0f} bytes."
            f"{chr(10) + remedy if remedy else ''}"
        )
