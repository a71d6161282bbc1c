"""Resizes images and resamples sounds in NumPy: a weighted sum over neighbors per axis.

Not in JAX, because XLA would compile a program for each file size.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["METHODS", "crop_to_aspect", "pad_to_aspect", "resample", "resize_image"]

Kernel = Callable[[np.ndarray], np.ndarray]


def _triangle(x: np.ndarray) -> np.ndarray:
    weights: np.ndarray = 1 - np.abs(x)
    return weights


def _cubic(b: float, c: float) -> Kernel:
    """Returns the cubic kernel of Mitchell and Netravali; (0, 1/2) is the kernel of Keys."""

    def kernel(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, far) / 6

    return kernel


def _lanczos(radius: int) -> Kernel:
    return lambda x: np.sinc(x) * np.sinc(x / radius)


def _gaussian(x: np.ndarray) -> np.ndarray:
    weights: np.ndarray = np.exp(-2 * x**2)
    return weights


# The weight of a neighbor as a function of its distance, and the maximum distance.
_KERNELS: dict[str, tuple[Kernel, float]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic(0, 1 / 2), 2),
    "lanczos3": (_lanczos(3), 3),
    "lanczos5": (_lanczos(5), 5),
    "gaussian": (_gaussian, 1.5),
    "mitchellcubic": (_cubic(1 / 3, 1 / 3), 2),
}
METHODS = (*_KERNELS, "nearest", "area")
# Their weights are exactly 1 and 0 if the size of an image does not change.
_EXACT = ("bilinear", "bicubic", "area")

_BAND_BYTES = 256 << 10  # of each buffer of a band, so that all fit into the second-level cache
_ZEROS = 16  # zero crossings of the sinc kernel for sounds, on each side


class _Taps(NamedTuple):
    """The neighbors of the new positions on an axis, as a sum of taps.

    Attributes:
        positions: the neighbor of each new position, for each tap (taps, new).
        weights: their weights (taps, new).
    """

    positions: np.ndarray
    weights: np.ndarray

    def over_channels(self, channels: int) -> _Taps:
        """Returns the taps of an axis that is merged with the axis of channels."""
        positions = self.positions[..., None] * channels + np.arange(channels)
        shape = (len(positions), -1)
        return _Taps(positions.reshape(shape), self.weights.repeat(channels, 1))


class _Spread(NamedTuple):
    """Taps of columns that are weighted and added at the old positions.

    Only the sums are gathered, which takes longer per number than the arithmetic. It requires that
    a position is the first neighbor of one new position at most. The products and the order of
    their sum are those of `_Taps`, and thus all bits of the result.

    Attributes:
        first: the position of the first neighbor of each new position, in padded rows (new,).
        weights: the weight of each position in padded rows, for each tap (taps, padded); one row
            if no position belongs to two taps.
        shift: the distance of consecutive taps, which is the number of channels.
        taps: the number of taps.
        pads: the number of zeros before and after a row.
    """

    first: np.ndarray
    weights: np.ndarray
    shift: int
    taps: int
    pads: tuple[int, int]


def resize_image(
    x: np.ndarray, size: tuple[int, int], method: str, out: np.ndarray | None = None
) -> np.ndarray:
    """Resizes an image, with half-pixel centers and without antialiasing.

    Args:
        x: the image (height, width, channels).
        size: the new (height, width).
        method: one of METHODS.
        out: a contiguous array for the result, of its shape and dtype; by default a new one.

    Returns:
        An array of float32; with `"nearest"` of the dtype of `x`.
    """
    if out is None:
        dtype = x.dtype if method == "nearest" else np.result_type(x, np.float32)
        out = np.empty((*size, x.shape[2]), dtype)
    if method == "nearest":
        rows, columns = (_nearest(old, new) for old, new in zip(x.shape, size, strict=False))
        out[...] = x[rows][:, columns]
    elif x.dtype == np.uint8 and method in _EXACT and x.shape[:2] == size:
        out[...] = x
    else:
        _sum_taps(x, *_cached_taps(x.shape, size, method), out)
    return out


def _sum_taps(x: np.ndarray, rows: _Taps, columns: _Taps | _Spread, out: np.ndarray) -> None:
    """Assigns the weighted sums over the neighbors in the rows, then in the columns.

    Bands of rows are computed one after another, because their buffers stay in the cache. New
    arrays of the size of an image took more time than the arithmetic, as the system clears their
    memory.
    """
    height, taps = len(out), len(rows.positions)
    x, out = x.reshape(len(x), -1), out.reshape(height, -1)
    before, after = columns.pads if isinstance(columns, _Spread) else (0, 0)
    width = before + x.shape[1] + after
    length = min(height, max(1, _BAND_BYTES // (width * out.itemsize)))
    raw = np.empty(taps * length * x.shape[1], x.dtype)
    products = np.empty((taps, length, width), out.dtype)
    products[..., :before] = products[..., width - after :] = 0
    spare = np.empty(length * max(width, out.shape[1]), out.dtype)
    with np.errstate():  # restores the size of the buffer
        # Operands whose rows are shorter than the buffer of ufuncs would be copied to it.
        np.setbufsize(min(8192, max(256, min(out.shape[1], x.shape[1]) // 16 * 16)))
        for start in range(0, height, length):
            band = slice(start, min(start + length, height))
            count = band.stop - start
            near = raw[: taps * count * x.shape[1]].reshape(taps, count, -1)
            # The indices are valid; other modes than "clip" would copy `out`.
            x.take(rows.positions[:, band], 0, near, "clip")
            part = products[:, :count]
            inner = part[..., before : width - after]
            np.copyto(inner, near)
            np.multiply(inner, rows.weights[:, band, None], inner)
            for product in part[1:]:
                np.add(part[0], product, part[0])
            if isinstance(columns, _Spread):
                _sum_spread(part, columns, spare, out[band])
            else:
                _sum_gathered(part, columns, spare, out[band])


def _sum_gathered(x: np.ndarray, columns: _Taps, spare: np.ndarray, out: np.ndarray) -> None:
    """Assigns the weighted sums over the neighbors in the columns of `x[0]`.

    Args:
        x: rows (taps, rows, columns); they are overwritten.
        columns: the taps.
        spare: memory that is overwritten.
        out: the array of the result.
    """
    product = spare[: out.size].reshape(out.shape)
    for k, (index, weights) in enumerate(zip(*columns, strict=True)):
        into = product if k else out
        x[0].take(index, 1, into, "clip")
        np.multiply(into, weights, into)
        if k:
            np.add(out, into, out)


def _sum_spread(x: np.ndarray, columns: _Spread, spare: np.ndarray, out: np.ndarray) -> None:
    """Like `_sum_gathered`; the products are summed at all columns, and the sums gathered."""
    source, product = x[0], x[1]
    flat, total = product.reshape(-1), spare[: source.size]
    shift, once = columns.shift, len(columns.weights) == 1
    # The sum at a position is that over the products there and at the next ones.
    count = total.size - (columns.taps - 1) * shift
    if once:
        np.multiply(source, columns.weights[0], product)
        np.add(flat[:count], flat[shift : shift + count], total[:count])
    else:
        np.multiply(source, columns.weights[0], total.reshape(source.shape))
    for k in range(1 + once, columns.taps):
        if not once:
            np.multiply(source, columns.weights[k], product)
        np.add(total[:count], flat[k * shift :][:count], total[:count])
    total.reshape(source.shape).take(columns.first, 1, out, "clip")


def crop_to_aspect(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Crops an image to its largest centered part with the aspect ratio of a size."""
    (height, width), (h, w) = x.shape[:2], size
    tall, wide = max(1, min(height, width * h // w)), max(1, min(width, height * w // h))
    top, left = (height - tall) // 2, (width - wide) // 2
    return x[top : top + tall, left : left + wide]


def pad_to_aspect(
    x: np.ndarray, size: tuple[int, int], method: str, out: np.ndarray | None = None
) -> np.ndarray:
    """Resizes an image without distortion, and pads it with zeros on two sides.

    Args:
        x, size, method, out: as for `resize_image`.
    """
    (height, width), (h, w) = x.shape[:2], size
    # In float32 as in TensorFlow, where rounding sometimes removes a row.
    old, new = np.array([height, width], "float32"), np.array([h, w], "float32")
    fitting = old / (old / new).max()
    inner = tuple(np.maximum(fitting, 1).astype(int).tolist())
    top, left = np.maximum((new - fitting) / 2, 0).astype(int).tolist()
    x = resize_image(x, inner, method)
    if out is None:
        out = np.empty((h, w, x.shape[2]), x.dtype)
    out.fill(0)
    out[top : top + inner[0], left : left + inner[1]] = x
    return out


def resample(x: np.ndarray, rate: int, new: int) -> np.ndarray:
    """Resamples a sound with a windowed sinc, which removes frequencies above the new Nyquist rate.

    Args:
        x: the sound (samples, channels), of float32.
        rate: samples per second of x.
        new: samples per second of the result.
    """
    if rate == new or not len(x):
        return x
    count = -(-len(x) * new // rate)
    stretch = max(1.0, rate / new)
    centers = np.arange(count) * (rate / new)
    return _weighted_sum(x, _kernel_weights(centers, len(x), _lanczos(_ZEROS), _ZEROS, stretch), 0)


@functools.lru_cache(maxsize=64)
def _cached_taps(
    shape: tuple[int, int, int], size: tuple[int, int], method: str
) -> tuple[_Taps, _Taps | _Spread]:
    """Returns the taps of the rows, and those of the columns and channels."""
    rows, columns = (
        _Taps(*(np.ascontiguousarray(part.T) for part in _neighbors(old, new, method)))
        for old, new in zip(shape, size, strict=False)
    )
    return rows, _spread(columns, shape[1], shape[2]) or columns.over_channels(shape[2])


def _spread(columns: _Taps, size: int, channels: int) -> _Spread | None:
    """Returns the taps of columns for `_sum_spread`; None if it is not possible or not faster."""
    taps, new = columns.positions.shape
    # Positions outside of the image were replaced by its edge, with the weight 0.
    last = columns.positions[-1] - (taps - 1)
    first = np.where(columns.positions[0] > 0, columns.positions[0], last)
    positions = first + np.arange(taps)[:, None]
    outside = positions != columns.positions
    same = (positions.clip(0, size - 1) == columns.positions).all()
    if not same or columns.weights[outside].any() or (np.diff(first) < 1).any() or size > 3 * new:
        return None
    before, after = max(0, -first.min()), max(0, first.max() + taps - size)
    weights = np.zeros((taps, before + size + after), "float32")
    np.put_along_axis(weights, positions + before, columns.weights, 1)
    if (np.diff(first) >= taps).all():
        weights = weights.sum(0, keepdims=True)
    index = ((first + before)[:, None] * channels + np.arange(channels)).ravel()
    pads = before * channels, after * channels
    return _Spread(index, weights.repeat(channels, 1), channels, taps, pads)


@functools.lru_cache(maxsize=64)
def _nearest(size: int, new: int) -> np.ndarray:
    """Returns the index of the nearest neighbor of each new pixel."""
    scale = np.float32(size) / np.float32(new)
    index = np.floor((np.arange(new, dtype="float32") + np.float32(0.5)) * scale).astype(int)
    nearest: np.ndarray = np.minimum(index, size - 1)
    return nearest


def _neighbors(size: int, new: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices and the weights of the neighbors of each new pixel."""
    if method == "area":
        low, high = (np.arange(new) + np.array([[0], [1]])) * (size / new)
        index = np.floor(low).astype(int)[:, None] + np.arange(int(np.ceil(size / new)) + 1)
        shares = np.minimum(high[:, None], index + 1) - np.maximum(low[:, None], index)
        return _normalize_weights(index, shares.clip(0), size)
    kernel, radius = _KERNELS[method]
    return _kernel_weights((np.arange(new) + 0.5) * (size / new) - 0.5, size, kernel, radius, 1.0)


def _kernel_weights(
    centers: np.ndarray, size: int, kernel: Kernel, radius: float, stretch: float
) -> tuple[np.ndarray, np.ndarray]:
    reach = radius * stretch
    index = np.ceil(centers - reach).astype(int)[:, None] + np.arange(math.ceil(2 * reach))
    distance = (index - centers[:, None]) / stretch
    return _normalize_weights(index, np.where(np.abs(distance) < radius, kernel(distance), 0), size)


def _normalize_weights(
    index: np.ndarray, weights: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Removes neighbors outside of the image, and normalizes the sum of weights to 1."""
    weights = np.where((index >= 0) & (index < size), weights, 0)
    weights = weights / weights.sum(1, keepdims=True)
    return index.clip(0, size - 1), weights.astype("float32")


def _weighted_sum(x: np.ndarray, neighbors: tuple[np.ndarray, np.ndarray], axis: int) -> np.ndarray:
    """Returns the weighted sum over the neighbors of each new position on an axis."""
    shape = [-1 if a == axis else 1 for a in range(x.ndim)]
    total: np.ndarray | None = None
    for index, weight in zip(*(part.T for part in neighbors), strict=True):
        one = x.take(index, axis) * weight.reshape(shape)
        total = one if total is None else np.add(total, one, out=total)
    assert total is not None  # each position has a neighbor
    return total
