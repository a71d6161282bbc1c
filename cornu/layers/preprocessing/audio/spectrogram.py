"""STFT and mel spectrograms of audio signals."""

from __future__ import annotations

import math
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.layer.input_spec import InputSpec
from cornu.core.state.aligned import empty_aligned
from cornu.errors import check_choice
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.audio.host_fourier import is_on_host, windowed_spectrum
from cornu.layers.preprocessing.base import (
    DatasetLayer,
    HostArray,
    is_alone,
    new_output,
)
from cornu.ops.fourier import stft
from cornu.ops.nn.convolution import conv
from cornu.parts.initializers.fourier import STFT
from cornu.types import Array, DataFormat, DTypeLike, Padding, ShapeLike

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
# The two parts of a spectrum, each with the mode that does not need it.
_SIDES: tuple[tuple[Literal["real", "imag"], str], ...] = (("real", "imag"), ("imag", "real"))


class MelSpectrogram(DatasetLayer):
    """Computes the mel spectrogram of audio signals.

    S = |STFT(x)|^mag_exp M, with M the triangular filters of the mel scale:
    mel = 1127 ln(1 + hertz / 700)

    y = max(10 log10(S / ref_power), its maximum - top_db)

    Args:
        fft_length: the size of the FFT in samples; windows are zero-padded to it.
        sequence_stride: the number of samples between windows.
        sequence_length: the size of a window in samples, by default `fft_length`.
        window: `"hann"`, `"hamming"`, an array of `sequence_length` numbers, or None for ones.
        sampling_rate: the sampling rate in hertz.
        num_mel_bins: the number of mel frequencies.
        min_freq: the lower end of the first filter, in hertz.
        max_freq: the upper end of the last filter, in hertz; by default half of the sampling rate.
        power_to_db: whether to convert the result to decibels.
        top_db: the dynamic range: values are at least the maximum of the signal minus `top_db`.
        mag_exp: the exponent of the magnitude: 2 for the power, 1 for the magnitude.
        min_power: the lower bound of the power.
        ref_power: the power at 0 decibels.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, samples) -> (batch, num_mel_bins, times); a single signal without batch axis is
        accepted.

    Raises:
        ValueError: a window is longer than `fft_length`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.MelSpectrogram(num_mel_bins=64, sequence_stride=256)
    >>> layer(np.sin(np.arange(16000.0))).shape
    (64, 63)

    References: S. S. Stevens, J. Volkmann, E. B. Newman (1937), "A Scale for the Measurement of
    the Psychological Magnitude Pitch".

    Fixes: `top_db` is relative to the maximum of each signal; in Keras 3.15 it is relative to the
    maximum of the batch, so that the result for a signal depends on the others.
    """

    _rowwise_ = True
    _infers_by_config_ = True

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        label = self._label_()
        self.fft_length = positive_int(label, "fft_length", fft_length)
        self.sequence_stride = positive_int(label, "sequence_stride", sequence_stride)
        self.sequence_length = positive_int(label, "sequence_length", sequence_length or fft_length)
        if self.sequence_length > self.fft_length:
            raise ValueError(
                f"{label}: sequence_length must be at most fft_length={fft_length}. "
                f"Received: {sequence_length}"
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = positive_int(label, "num_mel_bins", num_mel_bins)
        self.min_freq = min_freq
        self.max_freq = max_freq or sampling_rate // 2
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power
        self.built = True

    def call(self, inputs: HostArray) -> Any:
        """Returns the spectrogram."""
        if inputs.ndim not in (1, 2):
            raise ValueError(
                "expected a signal of shape (samples,) or (batch, samples). "
                f"Received: {inputs.shape}"
            )
        # XLA computes FFTs of float32 and float64 only.
        x = inputs.astype(jnp.promote_types(self.compute_dtype, "float32"))
        real, imaginary = stft(
            x, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = jnp.sqrt(real**2 + imaginary**2) ** self.mag_exp
        y = power @ self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            power.shape[-1],
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
            power.dtype,
        )
        if self.power_to_db:
            y = self._to_decibels(y)
        return jnp.swapaxes(y, -1, -2).astype(self.compute_dtype)

    def _to_decibels(self, power: Any) -> Any:
        reference = max(abs(self.ref_power), self.min_power)
        y = 10 * jnp.log10(jnp.maximum(power, self.min_power) / reference)
        return jnp.maximum(y, y.max((-1, -2), keepdims=True) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: DTypeLike = "float32",
    ) -> Array:
        """Returns the weight of each linear frequency in each mel bin.

        Args:
            num_mel_bins: the number of mel frequencies.
            num_spectrogram_bins: the number of linear frequencies, of which the last is half
                the sampling rate.
            sampling_rate: the number of samples per second.
            lower_edge_hertz: the lowest frequency of the first mel bin.
            upper_edge_hertz: the highest frequency of the last mel bin.
            dtype: the dtype of the weights.

        Returns:
            An array of shape (num_spectrogram_bins, num_mel_bins).
        """
        hertz = np.linspace(0, sampling_rate / 2, num_spectrogram_bins)
        ends = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        position = (_mel(hertz)[:, None] - ends[0]) / (ends[1] - ends[0])  # in widths of a bin
        weights = np.maximum(0, 1 - np.abs(position - np.arange(1, num_mel_bins + 1)))
        weights[0] = 0  # excludes the constant component
        return jnp.asarray(weights, dtype)


class STFTSpectrogram(DatasetLayer):
    """Computes the spectrogram of audio signals by a convolution with trainable kernels.

    s[t, f] = sum_n window[n] x[t step + n] exp(-2 pi i n f / fft_length), for each channel

    Args:
        mode: `"magnitude"`: |s|; `"log"`: its logarithm; `"psd"`: the power, doubled for
            frequencies that also have a negative counterpart; `"real"`, `"imag"`: a part of s;
            `"stft"`: both parts; `"angle"`: the phase.
        frame_length: the size of a window in samples.
        frame_step: the number of samples between windows, by default half a window.
        fft_length: the size of the FFT in samples; by default the next power of two.
        window: `"hann"`, `"hamming"` and others of `cornu.initializers.STFT`, an array of
            `frame_length` numbers, or None.
        periodic: whether the window is one period of a periodic function.
        scaling: the normalization of the window: `"density"`, `"spectrum"` or None.
        padding: `"valid"`, or `"same"` to pad with zeros at both ends.
        expand_dims: whether the result is an image with the channels of x as its channels.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, samples, channels) -> (batch, times, channels * frequencies), or with
        `expand_dims` (batch, times, frequencies, channels).
        With channels first (batch, channels, samples) -> (batch, channels * frequencies, times),
        or (batch, channels, times, frequencies).

    Raises:
        ValueError: an argument is invalid.
        TypeError: x does not have a floating-point dtype.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.STFTSpectrogram(frame_length=64, fft_length=128)
    >>> layer(cornu.Input((160, 1))).shape
    (None, 4, 65)

    Fixes: bfloat16 is supported; Keras 3.15 raises an error.
    """

    _rowwise_ = True
    _infers_by_config_ = True
    _bookkeeping_ = DatasetLayer._bookkeeping_ | {"_fourier"}

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: Literal["density", "spectrum"] | None = "density",
        padding: Padding = "valid",
        expand_dims: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        label = self._label_()
        if padding not in ("valid", "same"):
            raise ValueError(f"{label}: padding must be 'valid' or 'same'. Received: {padding!r}")
        self.frame_length = positive_int(label, "frame_length", frame_length)
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                f"{label}: frame_step must be from 1 to frame_length={frame_length}. "
                f"Received: {frame_step!r}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                f"{label}: fft_length must be at least frame_length={frame_length}. "
                f"Received: {fft_length!r}"
            )
        self.mode = check_choice(label, "mode", mode, _MODES)
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = settings.data_format(data_format)
        self.input_spec = InputSpec(ndim=3)
        # Modes that use only one part do not get the kernel of the other.
        self._kernels = {
            side: STFT(side, window, scaling, periodic) for side, other in _SIDES if mode != other
        }
        # The values of the kernels, and the window if they are a Fourier transform.
        self._fourier: tuple[tuple[Any, ...], np.ndarray | None] = ((), None)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the real and imaginary kernels that the mode needs."""
        length = self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))
        shape = (self.frame_length, 1, length // 2 + 1)
        for side, initializer in self._kernels.items():
            kernel = self.add_weight(name=f"{side}_kernel", shape=shape, initializer=initializer)
            setattr(self, f"{side}_kernel", kernel)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        x: Any = args[0] if len(args) == 1 and not kwargs else None
        # The steps around `call` would copy the signals, and do nothing else.
        plain = type(self) is STFTSpectrogram and self.built and is_alone()
        if plain and isinstance(x, np.ndarray) and not self.activity_regularizer:
            fits = x.ndim == 3 and x.dtype == self.compute_dtype == "float32"
            window = self._find_window(x) if fits else None
            if window is not None:
                return self._transform(x, window)
        return super().__call__(*args, **kwargs)

    def call(self, inputs: HostArray) -> Any:
        """Returns the spectrogram."""
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            raise TypeError(
                f"expected a signal with a floating-point dtype. Received: {inputs.dtype}"
            )
        window = self._find_window(inputs)
        if window is not None:
            return self._transform(np.asarray(inputs), window)
        x = inputs if self.data_format == "channels_last" else jnp.swapaxes(inputs, 1, 2)
        parts = {side: self._part(x, getattr(self, f"{side}_kernel")) for side in self._kernels}
        return self._to_layout(self._combine(jnp, **parts))

    def _find_window(self, x: HostArray) -> np.ndarray | None:
        """Returns the window with which FFTs compute the result for signals; otherwise None.

        On the CPU, FFTs of a signal take a tenth of the time of the convolution. They require
        kernels as they were initialized, and numbers that are not being traced. Phases of
        frequencies without energy depend on rounding and remain those of the convolution.
        """
        values = tuple(getattr(self, f"{side}_kernel").value for side in self._kernels)
        if self.mode == "angle" or not all(map(is_on_host, (x, *values))):
            return None
        known, window = self._fourier
        # Arrays of JAX do not change: the same ones have the same numbers.
        if len(known) != len(values) or any(a is not b for a, b in zip(known, values, strict=True)):
            window, shape = None, values[0].shape
            initial = [make(shape, "float32") for make in self._kernels.values()]
            # An odd `fft_length` is the period of no frequency of the kernels.
            fits = self.frame_length <= 2 * (shape[2] - 1)
            if fits and all(map(np.array_equal, values, initial)):
                make = STFT("real", self.window, self.scaling, self.periodic)
                window = make((self.frame_length, 1, 2), "float32")[:, 0, 0]
            self._fourier = (values, window)  # at once, for other threads
        samples = x.shape[1 if self.data_format == "channels_last" else 2]
        return None if self.padding == "valid" and samples < self.frame_length else window

    def _transform(self, x: np.ndarray, window: np.ndarray) -> Any:
        """Returns the spectrogram by FFTs."""
        x = x.swapaxes(1, 2) if self.data_format == "channels_last" else x
        batch, channels, samples = x.shape
        step = self.frame_step or self.frame_length // 2
        signals = x.reshape(batch * channels, samples)
        if self.padding == "same":
            times = -(-samples // step)
            missing = max((times - 1) * step + self.frame_length - samples, 0)
            signals = np.pad(signals, ((0, 0), (missing // 2, missing - missing // 2)))
        times = (signals.shape[1] - self.frame_length) // step + 1
        bins = getattr(self, f"{next(iter(self._kernels))}_kernel").shape[2]
        width = bins * (2 if self.mode == "stft" else 1)
        out = empty_aligned((len(signals), times, width), np.dtype("float32"))
        with np.errstate(all="ignore"):  # as in JAX
            for signal, y in zip(signals, out, strict=True):
                spectrum = windowed_spectrum(signal, window, step, 2 * (bins - 1))
                sides = {"real": spectrum.real, "imag": spectrum.imag}
                y[...] = self._combine(np, **{side: sides[side] for side in self._kernels})
        return new_output(self._to_layout(out.reshape(batch, channels, times, width)))

    def _part(self, x: HostArray, kernel: Any) -> Any:
        """Returns the real or the imaginary part, (batch, channels, times, frequencies)."""
        batch, samples, channels = x.shape
        # Channels become rows, because all of them share a kernel with one input channel.
        signals = jnp.swapaxes(x, 1, 2).reshape(batch * channels, samples, 1)
        step = self.frame_step or self.frame_length // 2
        y = conv(signals, kernel, step, self.padding, "channels_last")
        return y.reshape(batch, channels, *y.shape[1:])

    def _combine(self, xp: Any, real: Any = None, imag: Any = None) -> Any:
        """Returns what the mode computes from the parts, with NumPy or JAX."""
        if self.mode in ("real", "imag"):
            return real if imag is None else imag
        if self.mode == "angle":
            return xp.arctan2(imag, real)
        if self.mode == "stft":
            return xp.concatenate([real, imag], axis=-1)
        power = real**2 + imag**2
        if self.mode == "psd":
            # A one-sided spectrum: all frequencies except the first and the last also stand for
            # their negative.
            counts = np.full(power.shape[-1], 2)
            counts[[0, -1]] = 1
            return power * counts.astype(power.dtype)
        epsilon = settings.get("epsilon")
        # The derivative of the root is infinite at 0.
        magnitude = xp.sqrt(xp.maximum(power, epsilon))
        return xp.log(xp.maximum(magnitude, epsilon)) if self.mode == "log" else magnitude

    def _to_layout(self, y: Any) -> Any:
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return y.transpose(0, 2, 3, 1) if last else y
        batch, channels, times, frequencies = y.shape
        y = y.swapaxes(2, 3).reshape(batch, channels * frequencies, times)
        return y.swapaxes(1, 2) if last else y


def _mel(hertz: Any) -> Any:
    # The mel scale of HTK, as in Keras.
    return 1127 * np.log(1 + np.asarray(hertz) / 700)
