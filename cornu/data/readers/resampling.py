"""Images and sounds of another size or rate, in NumPy: one sum over a few neighbours per axis.

XLA would compile a program for the size of every file.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["METHODS", "cropped", "padded", "resampled", "resized"]

Kernel = Callable[[np.ndarray], np.ndarray]


def _triangle(x: np.ndarray) -> np.ndarray:
    return 1 - np.abs(x)


def _cubic(b: float, c: float) -> Kernel:
    """Returns the cubic of Mitchell and Netravali: (0, 1/2) is Keys's, (1/3, 1/3) their own."""

    def kernel(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, far) / 6

    return kernel


def _lanczos(radius: int) -> Kernel:
    return lambda x: np.sinc(x) * np.sinc(x / radius)


def _bell(x: np.ndarray) -> np.ndarray:
    return np.exp(-2 * x**2)


# What neighbours count by their distance, and up to which distance.
_KERNELS: dict[str, tuple[Kernel, float]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic(0, 1 / 2), 2),
    "lanczos3": (_lanczos(3), 3),
    "lanczos5": (_lanczos(5), 5),
    "gaussian": (_bell, 1.5),
    "mitchellcubic": (_cubic(1 / 3, 1 / 3), 2),
}
METHODS = (*_KERNELS, "nearest", "area")

_ZEROS = 16  # of the window of sounds, at each side


def resized(x: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """Returns an image of another size, with pixels as squares, without smoothing.

    Args:
        x: the image (height, width, channels).
        size: the new (height, width).
        method: one of METHODS.

    Returns:
        An array of float32; with `"nearest"` of the dtype of x.
    """
    rows, columns = (_taps(old, new, method) for old, new in zip(x.shape, size, strict=False))
    if method == "nearest":
        return x[rows[0][:, 0]][:, columns[0][:, 0]]
    return _summed(_summed(x, rows, 0), columns, 1)


def cropped(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the largest part in the middle of an image with the aspect ratio of a size."""
    (height, width), (h, w) = x.shape[:2], size
    tall, wide = max(1, min(height, width * h // w)), max(1, min(width, height * w // h))
    top, left = (height - tall) // 2, (width - wide) // 2
    return x[top : top + tall, left : left + wide]


def padded(x: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """Returns the image resized without distortion, with zeros at two sides."""
    (height, width), (h, w) = x.shape[:2], size
    # In float32, whose rounding sometimes loses a row, as it does in TensorFlow.
    old, new = np.array([height, width], "float32"), np.array([h, w], "float32")
    fitting = old / (old / new).max()
    inner = tuple(np.maximum(fitting, 1).astype(int).tolist())
    top, left = np.maximum((new - fitting) / 2, 0).astype(int).tolist()
    x = resized(x, inner, method)
    borders = ((top, h - top - inner[0]), (left, w - left - inner[1]), (0, 0))
    return np.pad(x, borders)


def resampled(x: np.ndarray, rate: int, new: int) -> np.ndarray:
    """Returns a sound at another rate: a windowed sinc, without what the new rate cannot hold.

    Args:
        x: the sound (samples, channels), of float32.
        rate: samples of a second in x.
        new: samples of a second in the result.
    """
    if rate == new or not len(x):
        return x
    count = -(-len(x) * new // rate)
    stretch = max(1.0, rate / new)
    centers = np.arange(count) * (rate / new)
    return _summed(x, _weighted(centers, len(x), _lanczos(_ZEROS), _ZEROS, stretch), 0)


@functools.lru_cache(maxsize=64)
def _taps(size: int, new: int, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns for each new pixel the neighbours that it is made of, and their weights."""
    if method == "nearest":
        scale = np.float32(size) / np.float32(new)
        place = np.floor((np.arange(new, dtype="float32") + np.float32(0.5)) * scale).astype(int)
        return np.minimum(place, size - 1)[:, None], np.ones((new, 1), "float32")
    if method == "area":
        low, high = (np.arange(new) + np.array([[0], [1]])) * (size / new)
        index = np.floor(low).astype(int)[:, None] + np.arange(int(np.ceil(size / new)) + 1)
        shares = np.minimum(high[:, None], index + 1) - np.maximum(low[:, None], index)
        return _kept(index, shares.clip(0), size)
    kernel, radius = _KERNELS[method]
    return _weighted((np.arange(new) + 0.5) * (size / new) - 0.5, size, kernel, radius, 1.0)


def _weighted(
    centers: np.ndarray, size: int, kernel: Kernel, radius: float, stretch: float
) -> tuple[np.ndarray, np.ndarray]:
    reach = radius * stretch
    index = np.ceil(centers - reach).astype(int)[:, None] + np.arange(math.ceil(2 * reach))
    distance = (index - centers[:, None]) / stretch
    return _kept(index, np.where(np.abs(distance) < radius, kernel(distance), 0), size)


def _kept(index: np.ndarray, weights: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Leaves out neighbours outside, and makes the weights of the others sum up to one."""
    weights = np.where((index >= 0) & (index < size), weights, 0)
    weights = weights / weights.sum(1, keepdims=True)
    return index.clip(0, size - 1), weights.astype("float32")


def _summed(x: np.ndarray, taps: tuple[Any, Any], axis: int) -> np.ndarray:
    """Returns the weighted sum over the neighbours of each new place on an axis."""
    shape = [-1 if a == axis else 1 for a in range(x.ndim)]
    total: Any = None
    for neighbour, weight in zip(*(part.T for part in taps), strict=True):
        one = x.take(neighbour, axis) * weight.reshape(shape)
        total = one if total is None else np.add(total, one, out=total)
    return total
