"""The initializer of convolutions that compute a Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from cornu.errors import suggest
from cornu.parts.initializers.base import DeterministicInitializer, numpy_dtype
from cornu.types import ArrayLike, DTypeLike

__all__ = ["STFT"]

# Windows that are sums of cosines: w(t) = a0 - a1 cos(t) + a2 cos(2t) - ..., t from 0 to 2 pi. They
# do not need `scipy.signal`, which takes half a second to import.
_WINDOWS = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}


class STFT(DeterministicInitializer):
    """Initializes the kernel of a convolution that computes a short-time Fourier transform.

        kernel[t, 0, f] = window[t] / scale * cos(-2 pi t f / n)    (sin for the imaginary part)

    where `n = 2 * (bins - 1)`.

    Args:
        side: `"real"` or `"imag"`.
        window: the name of a window of `scipy.signal.windows`, such as `"hann"` and `"hamming"`; an
            array of `frame_length` values; or `None`.
        scaling: `"density"` divides by the L2 norm of the window, `"spectrum"` by its sum; `None`
            for no scaling.
        periodic: whether the window is one period of a periodic function.

    Shapes: the kernel is (frame_length, 1, bins).

    Example:

    >>> import cornu
    >>> cornu.initializers.STFT("real", "hann")((4, 1, 3)).shape
    (4, 1, 3)

    Fixes: values in half precision are rounded once, from float64; Keras 3.15 computes them in half
    precision, with errors of several percent.
    """

    def __init__(
        self,
        side: Literal["real", "imag"] = "real",
        window: str | ArrayLike | None = "hann",
        scaling: Literal["density", "spectrum"] | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"side must be 'real' or 'imag'. Received: {side!r}")
        if isinstance(window, str) and window not in _WINDOWS:
            _scipy_window(window, 1, periodic)  # raises if there is no such window
        if scaling not in ("density", "spectrum", None):
            raise ValueError(
                f"scaling must be 'density', 'spectrum' or None. Received: {scaling!r}"
            )
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        frame_length, channels, bins = shape
        time = np.arange(frame_length).reshape(-1, 1, 1)
        angle = -2 * np.pi * time * np.arange(bins) / (2 * (bins - 1))
        kernel = np.cos(angle) if self.side == "real" else np.sin(angle)
        kernel = np.broadcast_to(kernel, (frame_length, channels, bins))
        if self.window is not None:
            window = self._window(frame_length).reshape(-1, 1, 1)
            norms = {
                "density": np.sqrt(np.sum(window**2)),
                "spectrum": np.sum(np.abs(window)),
                None: 1.0,
            }
            kernel = kernel * window / norms[self.scaling]
        return kernel.astype(numpy_dtype(dtype))

    def _window(self, length: int) -> np.ndarray:
        if isinstance(self.window, str) and self.window not in _WINDOWS:
            return _scipy_window(self.window, length, self.periodic)
        if isinstance(self.window, str):
            # A symmetric window ends at the full period, a periodic one a sample before.
            period = length if self.periodic else max(length - 1, 1)
            phase = 2 * np.pi * np.arange(length) / period
            terms = enumerate(_WINDOWS[self.window])
            # In float64; the kernel is rounded to its dtype once, at the end.
            window = sum((-1) ** k * a * np.cos(k * phase) for k, a in terms)
            return window if length > 1 else np.ones(1)
        window = np.asarray(self.window, dtype="float64")
        if window.shape != (length,):
            raise ValueError(
                f"STFT: the window must have shape ({length},), the length of a frame. "
                f"Received: {window.shape}"
            )
        return window


def _scipy_window(name: str, length: int, periodic: bool) -> np.ndarray:
    from scipy import signal

    try:
        window: np.ndarray = signal.get_window(name, length, periodic)
    except ValueError:
        raise ValueError(
            f"Unknown window {name!r}. {suggest(name, _WINDOWS)}\n"
            "Expected the name of a window of scipy.signal.windows without parameters. Pass other "
            "windows as an array."
        ) from None
    return window
