"""Fourier transforms of signals."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.ops.precision import widen
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


# As in Keras, complex arrays are pairs of float arrays: (real, imaginary).
Pair = tuple[Any, Any]


def _to_complex(x: Any) -> Array:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"Expected a pair (real, imaginary) of float arrays. Received: {x!r}")
    return jax.lax.complex(*(jnp.asarray(part) for part in x))


def _to_real_pair(x: Array) -> Pair:
    return jnp.real(x), jnp.imag(x)


@op
def view_as_complex(x: ArrayLike) -> Array:
    """Converts real and imaginary parts along the last axis to complex numbers.

    Args:
        x: an array of shape (..., 2): real and imaginary parts.

    Returns:
        A complex array of shape (...).

    Example:

    >>> import cornu
    >>> cornu.ops.view_as_complex([[1.0, 2.0]]).tolist()
    [(1+2j)]
    """
    x = to_array(x)
    if x.shape[-1:] != (2,):
        raise ValueError(
            f"view_as_complex: the last axis must have size 2. Received shape {x.shape}"
        )
    x = widen(x)  # there are no complex numbers of half precision
    return jax.lax.complex(x[..., 0], x[..., 1])


@op
def view_as_real(x: ArrayLike) -> Array:
    """Converts complex numbers to real and imaginary parts along a new last axis.

    Args:
        x: a complex array of shape (...).

    Returns:
        An array of shape (..., 2): real and imaginary parts.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.view_as_real(np.array([1 + 2j])).tolist()
    [[1.0, 2.0]]
    """
    x = to_array(x)
    return jnp.stack(_to_real_pair(x), axis=-1)


@op
def fft(x: Any) -> Pair:
    """Computes the discrete Fourier transform along the last axis.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).

    Example:

    >>> import cornu
    >>> real, imag = cornu.ops.fft(([1.0, 1.0], [0.0, 0.0]))
    >>> real.tolist(), imag.tolist()
    ([2.0, 0.0], [0.0, 0.0])
    """
    return _to_real_pair(jnp.fft.fft(_to_complex(x)))


@op
def fft2(x: Any) -> Pair:
    """Computes the discrete Fourier transform along the last two axes.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> real, imag = cornu.ops.fft2((np.ones((2, 2)), np.zeros((2, 2))))
    >>> real.tolist(), imag.tolist()
    ([[4.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    """
    return _to_real_pair(jnp.fft.fft2(_to_complex(x)))


@op
def ifft2(x: Any) -> Pair:
    """Computes the inverse of `fft2`.

    Args:
        x: a pair (real, imaginary) of arrays.

    Returns:
        A pair (real, imaginary).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> pair = np.full((2, 2), 4.0), np.zeros((2, 2))
    >>> cornu.ops.ifft2(pair)[0].tolist()
    [[4.0, 0.0], [0.0, 0.0]]
    """
    return _to_real_pair(jnp.fft.ifft2(_to_complex(x)))


@op
def rfft(x: ArrayLike, fft_length: int | None = None) -> Pair:
    """Computes the discrete Fourier transform of real numbers along the last axis.

    Args:
        x: an array of shape (..., length).
        fft_length: the length to which the signal is truncated or padded with zeros.

    Returns:
        A pair (real, imaginary) of arrays of shape (..., fft_length // 2 + 1).

    Example:

    >>> import cornu
    >>> real, imag = cornu.ops.rfft([1.0, 1.0])
    >>> real.tolist(), imag.tolist()
    ([2.0, 0.0], [0.0, 0.0])
    """
    x = to_array(x)
    return _to_real_pair(jnp.fft.rfft(x, fft_length))


@op
def irfft(x: Any, fft_length: int | None = None) -> Array:
    """Computes the inverse of `rfft`.

    Args:
        x: a pair (real, imaginary) of arrays of shape (..., bins).
        fft_length: the length of the signal; 2 * (bins - 1) by default.

    Example:

    >>> import cornu
    >>> cornu.ops.irfft(([2.0, 0.0], [0.0, 0.0])).tolist()
    [1.0, 1.0]
    """
    return jnp.fft.irfft(_to_complex(x), fft_length)


@op
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Array:
    """Extracts overlapping windows of a signal.

    Args:
        x: an array of shape (..., length).
        sequence_length: the length of a window.
        sequence_stride: the number of samples between the starts of successive windows.

    Returns:
        An array of shape (..., windows, sequence_length).

    Example:

    >>> import cornu
    >>> cornu.ops.extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1).tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    x = to_array(x)
    count = (x.shape[-1] - sequence_length) // sequence_stride + 1
    # One gather, whose indices are constants of the program.
    starts = jnp.arange(count) * sequence_stride
    return x[..., starts[:, None] + jnp.arange(sequence_length)]


# The coefficients (a, b) of periodic windows a - b * cos(2 pi t / length).
_COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}


def _window(window: Any, length: int, fft_length: int, dtype: Any) -> Array:
    """Returns the window, centered within `fft_length` by zero padding."""
    if fft_length < length:
        raise ValueError(
            "fft_length must be at least sequence_length. "
            f"Received: fft_length={fft_length}, sequence_length={length}"
        )
    if window is None:
        return jnp.ones(fft_length, dtype)
    if isinstance(window, str):
        if window not in _COSINES:
            raise ValueError(f"window must be 'hann', 'hamming' or an array. Received: {window!r}")
        a, b = _COSINES[window]
        window = a - b * np.cos(2 * np.pi * np.arange(length) / length)
    window = jnp.asarray(window, dtype)
    if window.shape != (length,):
        raise ValueError(f"window must have shape ({length},). Received: {window.shape}")
    # As in Keras and librosa, the window is centered within the frame.
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
    """Computes the short-time Fourier transform of a signal.

    Args:
        x: a float array of shape (..., length).
        sequence_length: the length of a window.
        sequence_stride: the number of samples between the starts of successive windows.
        fft_length: the length of the transforms, at least `sequence_length`.
        window: `"hann"`, `"hamming"`, an array of shape (sequence_length,), or None for ones.
        center: whether the signal is reflected at both ends, so that window `t` is centered at
            `t * sequence_stride`.

    Returns:
        A pair (real, imaginary) of arrays of shape (..., windows, fft_length // 2 + 1).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> real, imag = cornu.ops.stft(np.ones(8, "float32"), 4, 2, 4)
    >>> real.shape, imag.shape
    ((5, 3), (5, 3))
    """
    x = to_array(x)
    if x.dtype not in ("float32", "float64"):
        raise TypeError(f"stft: the dtype of x must be float32 or float64. Received: {x.dtype}")
    window = _window(window, sequence_length, fft_length, x.dtype)
    if center:
        x = _reflect(x, fft_length // 2)
    return _to_real_pair(jnp.fft.rfft(extract_sequences(x, fft_length, sequence_stride) * window))


def _reflect(x: Array, width: int) -> Array:
    """Extends a signal by its reflection at both ends."""
    length = x.shape[-1]
    # `jnp.pad` adds less than a length at a time, which takes long for a short signal.
    if isinstance(length, int) and 1 < length <= width:
        period = 2 * (length - 1)
        positions = np.arange(-width, length + width) % period
        return x[..., np.minimum(positions, period - positions)]
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(width, width)], mode="reflect")


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
    """Computes the inverse of `stft` by overlap-add.

    Args:
        x: a pair (real, imaginary) of arrays of shape (..., windows, fft_length // 2 + 1).
        sequence_length: as in `stft`.
        sequence_stride: as in `stft`.
        fft_length: as in `stft`.
        length: the length of the signal; by default the span of all windows.
        window: as in `stft`.
        center: as in `stft`.

    Returns:
        An array of shape (..., length).

    Example:

    >>> import cornu
    >>> pair = cornu.ops.stft(cornu.Input((8,)), 4, 2, 4)
    >>> cornu.ops.istft(pair, 4, 2, 4).shape
    (None, 8)

    Fixes: with `window=None` the result is the inverse as well; Keras 3.15 on JAX returns it times
    the number of windows that overlap.
    """
    frames = jnp.fft.irfft(_to_complex(x), fft_length)
    window = _window(window, sequence_length, fft_length, frames.dtype)
    count = frames.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    positions = (jnp.arange(count) * sequence_stride)[:, None] + jnp.arange(fft_length)
    signal = jnp.zeros((*frames.shape[:-2], total), frames.dtype)
    # Overlap-add in one scatter, which sums values at repeated positions.
    signal = signal.at[..., positions].add(frames * window)
    weight = jnp.zeros(total, frames.dtype).at[positions].add(window * window)
    # Dividing by the summed squares of the windows makes the result the least-squares inverse
    # (Griffin and Lim, 1984, "Signal estimation from modified short-time Fourier transform").
    signal = signal / jnp.where(weight > 1e-10, weight, 1)
    start = fft_length // 2 if center else 0
    end = total - start if length is None else start + length
    return signal[..., start:end]
