"""64-bit hashes of byte strings and integers, equal on all machines.

The functions hash the rows of a matrix of bytes, vectorized over rows. The same code runs on NumPy
and JAX arrays; JAX must have 64-bit integers enabled (see `hash_buckets`). The variables are named
as in the C++ sources.

References: Geoff Pike, Jyrki Alakuijala (2014), "FarmHash", github.com/google/farmhash;
Jean-Philippe Aumasson, Daniel J. Bernstein (2012), "SipHash: a fast short-input PRF".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.layers.preprocessing.base import HostArray

__all__ = [
    "combine_fingerprints",
    "farmhash",
    "farmhash_of_digits",
    "format_decimals",
    "pack_bytes",
    "siphash",
]

_K0 = np.uint64(0xC3A5C85C97CB3127)
_K1 = np.uint64(0xB492B66FBE98F273)
_K2 = np.uint64(0x9AE16A3B2F90404F)
_CHAIN = np.uint64(0xC6A4A7935BD1E995)
_SIP = tuple(
    np.uint64(int.from_bytes(word, "big"))
    for word in (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")
)
_TENS = np.array([10**k for k in range(19, -1, -1)], "uint64")
_DIGITS = 21  # of the longest number: a minus sign and twenty digits


def pack_bytes(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Returns byte strings as the rows of a matrix, padded with zeros, and their lengths.

    Example:

    >>> rows, lengths = pack_bytes([b"ab", b""])
    >>> rows.tolist(), lengths.tolist()
    ([[97, 98], [0, 0]], [2, 0])
    """
    lengths = np.fromiter(map(len, texts), "int64", len(texts))
    width = max(int(lengths.max(initial=0)), 1)
    rows = np.array(texts, f"S{width}").view("uint8").reshape(len(texts), width)
    return rows, lengths


def format_decimals(numbers: Any, xp: Any = np) -> tuple[Any, Any]:
    """Returns the decimal representations of integers of shape (n,), like `pack_bytes`.

    Example:

    >>> rows, lengths = format_decimals(np.array([-50, 7]))
    >>> [bytes(row[:n]) for row, n in zip(rows, lengths)]
    [b'-50', b'7']
    """
    negative = numbers < 0
    # The least int64 is its own negative; as uint64 it is 2**63, which is right.
    size = xp.where(negative, -numbers, numbers).astype("uint64")
    digits = (size[:, None] // _TENS) % np.uint64(10)
    count = xp.maximum(xp.sum(size[:, None] >= _TENS, axis=1, dtype="int32"), 1)
    written = xp.concatenate([xp.zeros_like(digits[:, :1]), digits + np.uint64(48)], axis=1)
    start = _DIGITS - count
    minus = negative[:, None] & (np.arange(_DIGITS) == start[:, None] - 1)
    written = xp.where(minus, np.uint64(45), written).astype("uint8")
    length = count + negative
    columns = xp.minimum(np.arange(_DIGITS) + (_DIGITS - length)[:, None], _DIGITS - 1)
    return xp.take_along_axis(written, columns, axis=1), length


# -------------------------------------------------------------------------------------- FarmHash


def farmhash(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Returns FarmHash's `Fingerprint64` of each row.

    Args:
        rows: bytes, (n, width).
        lengths: the number of bytes of each row, (n,).

    Example:

    >>> [hex(h) for h in farmhash(*pack_bytes([b"", b"wide"]))]
    ['0x9ae16a3b2f90404f', '0x7394d9b4cdc506e5']
    """
    out = np.empty(len(rows), "uint64")
    low = 0
    for high, formula in ((16, _to_16), (32, _to_32), (64, _to_64), (None, _beyond_64)):
        chosen = lengths >= low
        if high is not None:
            chosen &= lengths <= high
            low = high + 1
        if chosen.any():
            out[chosen] = formula(rows[chosen], lengths[chosen])
    return out


def farmhash_of_digits(rows: Any, lengths: Any, xp: Any) -> Any:
    """Returns `farmhash` of the result of `format_decimals`.

    It computes both formulas for all rows, because a traced function cannot select rows by value.
    Lengths are clipped to the domain of the second formula, whose result is then not used.
    """
    return xp.where(
        # Both formulas run on all rows. The maximum keeps the indices of the second one
        # nonnegative.
        lengths <= 16,
        _to_16(rows, lengths, xp),
        _to_32(rows, xp.maximum(lengths, 16), xp),
    )


def _to_16(rows: Any, lengths: Any, xp: Any = np) -> Any:
    n = lengths.astype("uint64")
    mul = _K2 + n * np.uint64(2)

    def at(start: Any, count: int) -> Any:
        # Negative starts occur in rows that are too short for the formula, whose result is not
        # used.
        return _word(rows, xp.maximum(start, 0), count, xp)

    a, b = at(0 * lengths, 8) + _K2, at(lengths - 8, 8)
    c, d = _turned(b, 37) * mul + a, (_turned(a, 25) + b) * mul
    long = _mixed(c, d, mul)
    middle = _mixed(n + (at(0 * lengths, 4) << np.uint64(3)), at(lengths - 4, 4), mul)
    first, half, last = (at(start, 1) for start in (0 * lengths, lengths // 2, lengths - 1))
    short = _shifted((first + (half << np.uint64(8))) * _K2 ^ (n + (last << np.uint64(2))) * _K0)
    out = xp.where(lengths >= 4, middle, short * _K2)
    return xp.where(lengths == 0, _K2, xp.where(lengths >= 8, long, out))


def _to_32(rows: Any, lengths: Any, xp: Any = np) -> Any:
    mul = _K2 + lengths.astype("uint64") * np.uint64(2)
    a, b = _word(rows, 0 * lengths, 8, xp) * _K1, _word(rows, 0 * lengths + 8, 8, xp)
    c, d = _word(rows, lengths - 8, 8, xp) * mul, _word(rows, lengths - 16, 8, xp) * _K2
    return _mixed(_turned(a + b, 43) + _turned(c, 30) + d, a + _turned(b + _K2, 18) + c, mul)


def _to_64(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    mul = _K2 + lengths.astype("uint64") * np.uint64(2)
    a, b, e, f = (_word(rows, 0 * lengths + start, 8) for start in (0, 8, 16, 24))
    c, d, g, h = (_word(rows, lengths - back, 8) for back in (8, 16, 32, 24))
    a, c, d, e = a * _K2, c * mul, d * _K2, e * mul
    y = _turned(a + b, 43) + _turned(c, 30) + d
    z = _mixed(y, a + _turned(b + _K2, 18) + c, mul)
    g, h = (y + g) * mul, (z + h) * mul
    hashes: np.ndarray = _mixed(
        _turned(e + f, 43) + _turned(g, 30) + h, e + _turned(f + a, 18) + g, mul
    )
    return hashes


def _beyond_64(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    start = 0 * lengths
    x = np.full(len(rows), 81, "uint64")
    y = x * _K1 + np.uint64(113)
    z = _shifted(y * _K2 + np.uint64(113)) * _K2
    v = w = (0 * x, 0 * x)
    x = x * _K2 + _word(rows, start, 8)
    state = (x, y, z, v, w)
    # Rows have different numbers of blocks: all rows run the longest loop, masked.
    steps = (lengths - 1) // 64
    for step in range(int(steps.max())):
        running = steps > step
        new = _round(rows, np.where(running, start + 64 * step, 0), state, _K1, 1)
        state = _chosen(running, new, state)
    x, y, z, v, w = state
    mul = _K1 + ((z & np.uint64(255)) << np.uint64(1))
    rest = (lengths - 1) % 64
    w = (w[0] + rest.astype("uint64"), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _round(rows, steps * 64 + rest - 63, (x, y, z, v, w), mul, 9)
    hashes: np.ndarray = _mixed(
        _mixed(v[0], w[0], mul) + _shifted(y) * _K0 + z, _mixed(v[1], w[1], mul) + x, mul
    )
    return hashes


def _round(rows: np.ndarray, start: np.ndarray, state: Any, mul: Any, nine: int) -> Any:
    """Updates the state with 64 bytes of each row."""
    x, y, z, v, w = state
    times = np.uint64(nine)
    words = [_word(rows, start + 8 * i, 8) for i in range(8)]
    x = _turned(x + y + v[0] + words[1], 37) * mul
    y = _turned(y + v[1] + words[6], 42) * mul
    x = x ^ w[1] * times
    y = y + v[0] * times + words[5]
    z = _turned(z + w[0], 33) * mul
    v = _weak(words[:4], v[1] * mul, x + w[0])
    w = _weak(words[4:], z + w[1], y + words[2])
    return z, y, x, v, w


def _weak(words: Sequence[Any], a: Any, b: Any) -> tuple[Any, Any]:
    first, second, third, fourth = words
    a = a + first
    b = _turned(b + a + fourth, 21)
    c = a
    a = a + second + third
    return a + fourth, b + _turned(a, 44) + c


def _chosen(where: np.ndarray, new: Any, old: Any) -> Any:
    if isinstance(new, tuple):
        return tuple(_chosen(where, a, b) for a, b in zip(new, old, strict=True))
    return np.where(where, new, old)


def _word(rows: Any, start: Any, count: int, xp: Any = np) -> Any:
    """Reads `count` bytes of each row as a little-endian integer."""
    columns = start[:, None] + np.arange(count)
    got = xp.take_along_axis(rows, xp.minimum(columns, rows.shape[1] - 1), axis=1)
    shifts = np.arange(0, 8 * count, 8, dtype="uint64")
    return xp.sum(got.astype("uint64") << shifts, axis=1, dtype="uint64")


def _turned(x: HostArray, by: int) -> Any:
    """Rotates the bits to the right."""
    return (x >> np.uint64(by)) | (x << np.uint64(64 - by))


def _shifted(x: HostArray) -> Any:
    return x ^ (x >> np.uint64(47))


def _mixed(u: Any, v: Any, mul: Any) -> Any:
    a = _shifted((u ^ v) * mul)
    return _shifted((v ^ a) * mul) * mul


# --------------------------------------------------------------------------------------- crossing


def combine_fingerprints(seed: int, parts: Sequence[Any]) -> Any:
    """Combines several fingerprints of each row; the result depends on their order."""
    out = np.uint64(seed)
    for part in parts:
        out = out ^ _CHAIN ^ (_shifted(part * _CHAIN) * _CHAIN)
        out = _shifted(_shifted(out * _CHAIN) * _CHAIN)
    return out


# ---------------------------------------------------------------------------------------- SipHash


def siphash(rows: Any, lengths: Any, key: Sequence[int], xp: Any = np) -> Any:
    """Returns SipHash-2-4 of each row, with a key of two 64-bit integers.

    Example:

    >>> hex(siphash(*pack_bytes([bytes(range(15))]), (0x0706050403020100, 0x0F0E0D0C0B0A0908))[0])
    '0xa129ca6149be45e5'
    """
    count = -(-(rows.shape[1] + 1) // 8)
    rows = xp.concatenate([rows, xp.zeros((rows.shape[0], 8 * count - rows.shape[1]), "uint8")], 1)
    rows = xp.where(np.arange(8 * count) < lengths[:, None], rows, 0)
    # NumPy does not convert negative integers to uint64.
    one, two = (np.uint64(word % 2**64) for word in key)
    zero = xp.zeros(rows.shape[0], "uint64")
    state = tuple(zero + (k ^ word) for k, word in zip((one, two, one, two), _SIP, strict=True))
    blocks = lengths // 8  # the last block also contains the length
    for block in range(count):
        word = _word(rows, 0 * lengths + 8 * block, 8, xp)
        last = blocks == block
        word = xp.where(last, word | (lengths.astype("uint64") << np.uint64(56)), word)
        a, b, c, d = state
        a, b, c, d = _sip_rounds((a, b, c, d ^ word), 2)
        new = (a ^ word, b, c, d)
        state = tuple(xp.where(blocks >= block, x, y) for x, y in zip(new, state, strict=True))
    a, b, c, d = state
    a, b, c, d = _sip_rounds((a, b, c ^ np.uint64(255), d), 4)
    return a ^ b ^ c ^ d


def _sip_rounds(state: Any, count: int) -> Any:
    a, b, c, d = state
    for _ in range(count):
        a, c = a + b, c + d
        # SipHash rotates to the left, and `_turned` to the right.
        b, d = _turned(b, 64 - 13) ^ a, _turned(d, 64 - 16) ^ c
        a = _turned(a, 32)
        c, a = c + b, a + d
        b, d = _turned(b, 64 - 17) ^ c, _turned(d, 64 - 21) ^ a
        c = _turned(c, 32)
    return a, b, c, d
