"""Sources of batches: all data becomes either `Arrays` (random access) or a `Stream`."""

from cornu.data.adapters import DataInput, ReadOptions, adapt, identify, is_batched
from cornu.data.digest import digest_rows
from cornu.data.sources.arrays import Arrays
from cornu.data.sources.stream import Stream

__all__ = [
    "Arrays",
    "DataInput",
    "ReadOptions",
    "Stream",
    "adapt",
    "digest_rows",
    "identify",
    "is_batched",
]
