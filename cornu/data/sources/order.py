"""Orders of rows that take no memory: any part of a random permutation is computed by itself."""

from __future__ import annotations

import numpy as np

from cornu import seeds

__all__ = ["LARGE", "positions_of"]

# A permutation in NumPy takes seconds and hundreds of megabytes for some millions of rows.
LARGE = 1 << 22

_ROUNDS = 6
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def positions_of(rows: int, seed: int, pass_number: int, start: int, stop: int) -> np.ndarray:
    """Returns the elements from `start` to `stop` of a random permutation of `range(rows)`.

    The permutation is a Feistel network of six rounds over the next power of 4. Numbers that are
    not below `rows` are permuted again until they are, which keeps it a permutation.

    Args:
        rows: the number of rows.
        seed: the seed of the order; pass_number: the number of the pass through the rows.
        start, stop: the range of elements; those beyond `rows` are left out.

    Example:

    >>> whole = positions_of(1000, 3, 0, 0, 1000)
    >>> sorted(whole.tolist()) == list(range(1000))
    True
    >>> positions_of(1000, 3, 0, 10, 13).tolist() == whole[10:13].tolist()
    True

    References: John Black, Phillip Rogaway (2002), "Ciphers with Arbitrary Finite Domains".
    """
    half = np.uint64(((rows - 1).bit_length() + 1) // 2 or 1)
    bits = np.random.Philox(key=seeds.mix_bits(seed, pass_number))
    keys = np.random.Generator(bits).integers(0, 1 << 63, _ROUNDS, dtype="uint64")
    found = _permute(np.arange(start, min(stop, rows), dtype="uint64"), half, keys)
    outside = np.flatnonzero(found >= rows)
    while len(outside):
        found[outside] = _permute(found[outside], half, keys)
        outside = outside[found[outside] >= rows]
    return found.astype("int64")


def _permute(x: np.ndarray, half: np.uint64, keys: np.ndarray) -> np.ndarray:
    """Permutes the numbers below 4 ** half."""
    low = np.uint64((1 << int(half)) - 1)
    left, right = x >> half, x & low
    for key in keys:
        left, right = right, left ^ (_mix(right + key) & low)
    result: np.ndarray = left << half | right
    return result


def _mix(x: np.ndarray) -> np.ndarray:
    """Mixes the bits of 64-bit numbers, as SplitMix64 does."""
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9) + _GOLDEN
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    result: np.ndarray = x ^ x >> np.uint64(31)
    return result
