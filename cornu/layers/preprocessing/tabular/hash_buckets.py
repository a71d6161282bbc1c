"""Hash buckets of strings and integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.layers.preprocessing.base import HostArray
from cornu.layers.preprocessing.reading import as_bytes, holds_strings
from cornu.layers.preprocessing.tabular import fingerprint

__all__ = ["bucket", "cross_columns", "salt_pair"]

_SEED = 0xDECAFCAFFE  # the seed of crossings in TensorFlow


def bucket(x: HostArray, count: int, salt: Sequence[int] | None, label: str) -> Any:
    """Returns the hash bucket of each string, or of the decimal representation of each integer.

    Args:
        x: a NumPy array, or a JAX array that may be traced.
        count: the number of buckets.
        salt: the key of SipHash, two integers; by default FarmHash is used.
        label: the name of the layer in error messages.

    Example:

    >>> bucket(np.array(["A", "B", "C"]), 3, None, "example").tolist()
    [1, 0, 1]
    """
    if isinstance(x, np.ndarray):
        texts = as_bytes(x, label) if holds_strings(x) else x.ravel().astype("S").tolist()
        hashes = _hash_bytes(*fingerprint.pack_bytes(texts), salt)
        return _to_bucket(hashes, count).reshape(x.shape)
    # The hash needs 64-bit integers, which JAX truncates to 32 bits by default.
    with jax.enable_x64(True):
        digits = fingerprint.format_decimals(x.reshape(-1).astype(_int64_dtype(x)), jnp)
        if salt is None:
            hashes = fingerprint.farmhash_of_digits(*digits, jnp)
        else:
            hashes = fingerprint.siphash(*digits, salt, jnp)
        return _to_bucket(hashes, count).reshape(x.shape)


def _hash_bytes(rows: np.ndarray, lengths: np.ndarray, salt: Sequence[int] | None) -> Any:
    if salt is None:
        return fingerprint.farmhash(rows, lengths)
    return fingerprint.siphash(rows, lengths, salt)


def _int64_dtype(x: HostArray) -> str:
    return "uint64" if x.dtype == "uint64" else "int64"


def _to_bucket(hashes: Any, count: int) -> Any:
    return (hashes % np.uint64(count)).astype("int32" if count < 2**31 else "int64")


def cross_columns(columns: Sequence[Any], count: int, label: str) -> Any:
    """Returns the hash bucket of each combination of strings and integers.

    Args:
        columns: arrays of the same shape.
        count: the number of buckets.
        label: the name of the layer in error messages.
    """
    shape = columns[0].shape
    if all(isinstance(x, np.ndarray) for x in columns):
        return _to_bucket(_chain_fingerprints(columns, label), count).reshape(shape)
    with jax.enable_x64(True):
        return _to_bucket(_chain_fingerprints(columns, label), count).reshape(shape)


def _chain_fingerprints(columns: Sequence[Any], label: str) -> Any:
    return fingerprint.combine_fingerprints(_SEED, [_fingerprint(x, label) for x in columns])


def _fingerprint(x: HostArray, label: str) -> Any:
    if holds_strings(x):
        return fingerprint.farmhash(*fingerprint.pack_bytes(as_bytes(np.asarray(x), label)))
    # TensorFlow crosses integers by their values, while Hashing hashes their decimal digits.
    return x.reshape(-1).astype(_int64_dtype(x)).astype("uint64")


def salt_pair(label: str, salt: int | Sequence[int] | None) -> list[int] | None:
    """Returns a salt as two integers."""
    if salt is None:
        return None
    if isinstance(salt, int) and not isinstance(salt, bool):
        return [salt, salt]
    if isinstance(salt, (tuple, list)) and len(salt) == 2:
        return [int(part) for part in salt]
    raise ValueError(f"{label}: salt must be an integer or a pair of them. Received: {salt!r}")
