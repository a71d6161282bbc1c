"""Digests of data, by which other data is recognized."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cornu import tree
from cornu.data.lazy_columns import Column, RowsColumn
from cornu.process.cores import count_cores
from cornu.types import PyTree

__all__ = ["digest_rows"]

_CHUNK = 8 << 20  # bytes of rows that are hashed together
# Reading a whole Column means reading a file. Of a larger one, some rows are read.
_MAX_COLUMN = 256 << 20
_MAX_SAMPLE = 16 << 20  # bytes
_MAX_SAMPLED_ROWS = 1024


def digest_rows(structure: PyTree) -> dict[str, Any]:
    """Returns dtypes, shapes and hashes of nested arrays, as plain data.

    Every byte of an array in memory is hashed, so that any other value and any other order of the
    rows changes the digest: 1.7 GB/s on one core with SHA instructions. Of a Column of more than
    256 MB, at most 1024 rows are read, one at a random position in each of as many equal parts,
    and the first and the last one.

    Example:

    >>> digest_rows(np.arange(6.0).reshape(3, 2))
    {'0': {'dtype': 'float64', 'shape': [3, 2], 'values': '949a6f8b4e188992'}}
    """
    return {str(i): _digest_array(leaf) for i, leaf in enumerate(tree.leaves(structure))}


def _digest_array(array: Any) -> dict[str, Any] | None:
    if array is None:
        return None
    described = {"dtype": str(array.dtype), "shape": [int(size) for size in array.shape]}
    if isinstance(array, RowsColumn):
        array = array.dense()
    if not isinstance(array, Column):
        array = np.asarray(array)
    digest = hashlib.sha256()
    parts = [*_parts(array)]
    if len(parts) <= 1:
        digest.update(b"".join(_hash(array, part) for part in parts))
    else:
        # Hashing releases the lock of the interpreter.
        with ThreadPoolExecutor(min(len(parts), count_cores())) as pool:
            for hashed in pool.map(lambda part: _hash(array, part), parts):
                digest.update(hashed)
    return {**described, "values": digest.hexdigest()[:16]}


def _parts(array: Any) -> Iterator[Any]:
    """Yields slices or indices of rows, which together are the rows to be hashed."""
    if not array.shape:
        yield ...
        return
    count = array.shape[0]
    row_bytes = max(1, math.prod(array.shape[1:]) * array.dtype.itemsize)
    rows = max(1, _CHUNK // row_bytes)
    if isinstance(array, Column) and count * row_bytes > _MAX_COLUMN:
        sample = _sample(count, max(2, min(_MAX_SAMPLED_ROWS, _MAX_SAMPLE // row_bytes)))
        yield from (sample[i : i + rows] for i in range(0, len(sample), rows))
        return
    yield from (slice(start, start + rows) for start in range(0, count, rows))


def _sample(count: int, size: int) -> np.ndarray:
    """Returns increasing indices of rows: the first, the last, and one in each of equal parts."""
    edges = np.linspace(0, count, size - 1).astype("int64")
    # Regular distances would miss changes that are regular too.
    inner = np.random.Generator(np.random.PCG64(0)).integers(edges[:-1], edges[1:])
    return np.unique(np.concatenate([[0], inner, [count - 1]]))


def _hash(array: Any, part: Any) -> bytes:
    if isinstance(array, Column):
        is_slice = isinstance(part, slice)
        rows = array.range(part.start, part.stop) if is_slice else array.take(part)
    else:
        rows = array[part]
    if rows.dtype == object:  # its bytes are addresses
        return hashlib.sha256("\0".join(map(repr, rows.ravel().tolist())).encode()).digest()
    rows = np.ascontiguousarray(rows)
    # Types such as bfloat16 do not support the buffer protocol.
    return hashlib.sha256(rows.view(np.uint8).data if rows.size else b"").digest()
