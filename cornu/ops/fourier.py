"""Segments, distances, and the spectra of signals."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.types import Array, ArrayLike

__all__ = [
    "extract_sequences",
    "fft",
    "fft2",
    "ifft2",
    "irfft",
    "istft",
    "rfft",
    "stft",
    "view_as_complex",
    "view_as_real",
]


# A complex array is a pair of float arrays here: (real, imaginary).
Pair = tuple[Any, Any]


def _complex(x: Any) -> Array:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"A pair (real, imaginary) of float arrays is needed. Received: {x!r}")
    return jax.lax.complex(*(jnp.asarray(part) for part in x))


def _pair(x: Array) -> Pair:
    return jnp.real(x), jnp.imag(x)


@op
def view_as_complex(x: ArrayLike) -> Array:
    """Pairs of numbers as complex numbers.

    Args:
        x: an array of shape (..., 2): real and imaginary parts.

    Returns:
        A complex array of shape (...).
    """
    x = to_array(x)
    if x.shape[-1:] != (2,):
        raise ValueError(f"view_as_complex: the last axis must have the size 2, not {x.shape}.")
    return jax.lax.complex(x[..., 0], x[..., 1])


@op
def view_as_real(x: ArrayLike) -> Array:
    """Complex numbers as pairs of numbers.

    Args:
        x: a complex array of shape (...).

    Returns:
        An array of shape (..., 2): real and imaginary parts.
    """
    x = to_array(x)
    return jnp.stack(_pair(x), axis=-1)


@op
def fft(x: Any) -> Pair:
    """The discrete Fourier transform along the last axis.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).
    """
    return _pair(jnp.fft.fft(_complex(x)))


@op
def fft2(x: Any) -> Pair:
    """The discrete Fourier transform along the last two axes.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).
    """
    return _pair(jnp.fft.fft2(_complex(x)))


@op
def ifft2(x: Any) -> Pair:
    """The inverse of `fft2`.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).
    """
    return _pair(jnp.fft.ifft2(_complex(x)))


@op
def rfft(x: ArrayLike, fft_length: int | None = None) -> Pair:
    """The discrete Fourier transform of real numbers along the last axis.

    Args:
        x: an array of shape (..., length).
        fft_length: the length to which the signal is cut or filled with zeros.

    Returns:
        A pair (real, imaginary) of arrays of shape (..., fft_length // 2 + 1).
    """
    x = to_array(x)
    return _pair(jnp.fft.rfft(x, fft_length))


@op
def irfft(x: Any, fft_length: int | None = None) -> Array:
    """The inverse of `rfft`.

    Args:
        x: a pair (real, imaginary) of arrays of shape (..., bins).
        fft_length: the length of the signal; 2 * (bins - 1) by default.
    """
    return jnp.fft.irfft(_complex(x), fft_length)


@op
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Array:
    """Windows of a signal, one beginning some steps after the other.

    Args:
        x: an array of shape (..., length).
        sequence_length: the length of a window.
        sequence_stride: the distance of two windows.

    Returns:
        An array of shape (..., windows, sequence_length).
    """
    x = to_array(x)
    count = (x.shape[-1] - sequence_length) // sequence_stride + 1
    begins = jnp.arange(count) * sequence_stride
    return x[..., begins[:, None] + jnp.arange(sequence_length)]


_COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


def _window(window: Any, length: int, fft_length: int, dtype: Any) -> Array:
    """Returns the window, centred in `fft_length`."""
    if fft_length < length:
        raise ValueError(
            "fft_length must be sequence_length or more. "
            f"Received: fft_length={fft_length}, sequence_length={length}"
        )
    if window is None:
        return jnp.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in _COSINES:
            raise ValueError(f"window is 'hann', 'hamming' or an array. Received: {window!r}")
        level, swing = _COSINES[window]
        window = level - swing * np.cos(2 * np.pi * np.arange(length) / length)
    window = jnp.asarray(window, dtype)
    if window.shape != (length,):
        raise ValueError(f"The window's shape must be ({length},). Received: {window.shape}")
    left = (fft_length - length) // 2
    return jnp.pad(window, (left, fft_length - length - left))


@op
def stft(
    x: ArrayLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Pair:
    """The Fourier transforms of windows of a signal.

    Args:
        x: a float array of shape (..., length).
        sequence_length: the length of a window.
        sequence_stride: the distance of two windows.
        fft_length: the length of the transforms, at least that of a window.
        window: `"hann"`, `"hamming"`, an array of shape (sequence_length,), or None for ones.
        center: whether the signal is mirrored at its ends, so that window t is centred at
            t * sequence_stride.

    Returns:
        A pair (real, imaginary) of arrays of shape (..., windows, fft_length // 2 + 1).
    """
    x = to_array(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"stft: x must be of float32 or float64. Received: {x.dtype}")
    window = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        half = fft_length // 2
        x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(half, half)], mode="reflect")
    return _pair(jnp.fft.rfft(extract_sequences(x, fft_length, sequence_stride) * window))


@op
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Array:
    """The inverse of `stft`: overlapping windows are added.

    Args:
        x: a pair (real, imaginary) of arrays of shape (..., windows, fft_length // 2 + 1).
        sequence_length: as in `stft`.
        sequence_stride: as in `stft`.
        fft_length: as in `stft`.
        length: the length of the signal; by default all that the windows cover.
        window: as in `stft`.
        center: as in `stft`.

    Returns:
        An array of shape (..., length).
    """
    frames = jnp.fft.irfft(_complex(x), fft_length)
    window = _window(window, sequence_length, fft_length, frames.dtype)
    count = frames.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    places = (jnp.arange(count) * sequence_stride)[:, None] + jnp.arange(fft_length)
    signal = jnp.zeros((*frames.shape[:-2], total), frames.dtype)
    signal = signal.at[..., places].add(frames * window)
    weight = jnp.zeros(total, frames.dtype).at[places].add(window * window)
    signal = signal / jnp.where(weight > 1e-10, weight, 1)
    start = fft_length // 2 if center else 0
    end = total - start if length is None else start + length
    return signal[..., start:end]
