"""STFT and mel spectrograms of audio signals."""

from __future__ import annotations

import math
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.layer.input_spec import InputSpec
from cornu.core.layer.layer import Layer
from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.base import HostArray
from cornu.ops.fourier import stft
from cornu.ops.nn.convolution import conv
from cornu.parts.initializers.fourier import STFT
from cornu.types import DataFormat, Padding, ShapeLike

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
# The two parts of a spectrum, each with the mode that does not need it.
_SIDES: tuple[tuple[Literal["real", "imag"], str], ...] = (("real", "imag"), ("imag", "real"))


class MelSpectrogram(Layer):
    """Shows how strong the frequencies of a sound are over time, on the mel scale of hearing.

    S = |STFT(x)|^mag_exp M, with M the triangles of the mel scale: mel = 1127 ln(1 + hertz / 700)

    y = max(10 log10(S / ref_power), its maximum - top_db)

    Args:
        fft_length: samples of a window with what is added around it.
        sequence_stride: samples from a window to the next.
        sequence_length: samples of a window, by default `fft_length`.
        window: `"hann"`, `"hamming"`, an array of `sequence_length` numbers, or None for ones.
        sampling_rate: samples of a second.
        num_mel_bins: how many frequencies there are in the result.
        min_freq: where the first triangle begins, in hertz.
        max_freq: where the last one ends, by default half of the sampling rate.
        power_to_db: whether the result is in decibels.
        top_db: how far below the maximum of a sound values are cut off.
        mag_exp: 2 for the power, 1 for the magnitude.
        min_power: the least power.
        ref_power: the power of 0 decibels.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, samples) -> (batch, num_mel_bins, times); a single image without batch axis is
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

    Differences: `top_db` counts from the maximum of each sound; in Keras 3.15 it counts from that
    of the whole batch, so that a sound's result depends on the others.
    """

    rowwise = True
    infers_by_config = True

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
        label = self._label()
        self.fft_length = positive_int(label, "fft_length", fft_length)
        self.sequence_stride = positive_int(label, "sequence_stride", sequence_stride)
        self.sequence_length = positive_int(label, "sequence_length", sequence_length or fft_length)
        if self.sequence_length > self.fft_length:
            raise ValueError(
                f"{label}: a window of sequence_length={sequence_length} samples is longer than "
                f"fft_length={fft_length}."
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
                f"a sound has the shape (samples,) or (batch, samples). Received: {inputs.shape}"
            )
        x = inputs.astype(jnp.promote_types(self.compute_dtype, "float32"))
        real, imaginary = stft(
            x, self.sequence_length, self.sequence_stride, self.fft_length, self.window
        )
        power = jnp.sqrt(real**2 + imaginary**2) ** self.mag_exp
        y = power @ jnp.asarray(self._triangles(power.shape[-1]), power.dtype)
        if self.power_to_db:
            y = self._decibels(y)
        return jnp.swapaxes(y, -1, -2).astype(self.compute_dtype)

    def _decibels(self, power: Any) -> Any:
        reference = max(abs(self.ref_power), self.min_power)
        y = 10 * jnp.log10(jnp.maximum(power, self.min_power) / reference)
        return jnp.maximum(y, y.max((-1, -2), keepdims=True) - self.top_db)

    def _triangles(self, bins: int) -> np.ndarray:
        """Returns what each linear frequency counts in each mel bin, (bins, num_mel_bins)."""
        hertz = np.linspace(0, self.sampling_rate / 2, bins)
        ends = np.linspace(_mel(self.min_freq), _mel(self.max_freq), self.num_mel_bins + 2)
        place = (_mel(hertz)[:, None] - ends[0]) / (ends[1] - ends[0])  # in widths of a bin
        weights: np.ndarray = np.maximum(0, 1 - np.abs(place - np.arange(1, self.num_mel_bins + 1)))
        weights[0] = 0  # the constant part is no tone
        return weights


class STFTSpectrogram(Layer):
    """Shows how strong the frequencies of a sound are over time, by a convolution.

    s[t, f] = sum_n window[n] x[t step + n] exp(-2 pi i n f / fft_length), for each channel

    The kernels of the convolution are weights, which training may change.

    Args:
        mode: `"magnitude"` gives |s|, `"log"` its logarithm, `"psd"` the power, in which what is
            mirrored counts twice, `"real"` and `"imag"` the parts of s, `"stft"` both, `"angle"`
            the phase.
        frame_length: samples of a window.
        frame_step: samples from a window to the next, by default half a window.
        fft_length: samples of a window with zeros, by default the next power of two.
        window: `"hann"`, `"hamming"` and others of `cornu.initializers.STFT`, an array of
            `frame_length` numbers, or None.
        periodic: whether the window is one period of a periodic function.
        scaling: `"density"`, `"spectrum"` or None: by what the window is divided.
        padding: `"valid"`, or `"same"` to add zeros at both ends.
        expand_dims: whether the result is an image, with the channels of x as its channels.
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
        TypeError: x has no floats.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.STFTSpectrogram(frame_length=64, fft_length=128)
    >>> layer(cornu.Input((160, 1))).shape
    (None, 4, 65)
    """

    rowwise = True
    infers_by_config = True

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
        label = self._label()
        if mode not in _MODES:
            raise ValueError(f"{label}: mode is one of {_MODES}. Received: {mode!r}")
        if padding not in ("valid", "same"):
            raise ValueError(f"{label}: padding is 'valid' or 'same'. Received: {padding!r}")
        self.frame_length = positive_int(label, "frame_length", frame_length)
        if frame_step is not None and not 1 <= frame_step <= frame_length:
            raise ValueError(
                f"{label}: frame_step lies between 1 and frame_length={frame_length}. "
                f"Received: {frame_step!r}"
            )
        if fft_length is not None and fft_length < frame_length:
            raise ValueError(
                f"{label}: fft_length is at least frame_length={frame_length}. "
                f"Received: {fft_length!r}"
            )
        self.mode = mode
        self.frame_step = frame_step
        self.fft_length = fft_length
        self.window = window
        self.periodic = periodic
        self.scaling = scaling
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = settings.data_format(data_format)
        self.input_spec = InputSpec(ndim=3)
        self._kernels = {
            side: STFT(side, window, scaling, periodic) for side, other in _SIDES if mode != other
        }

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the kernels of the parts that the mode needs."""
        length = self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))
        shape = (self.frame_length, 1, length // 2 + 1)
        for side, initializer in self._kernels.items():
            kernel = self.add_weight(name=f"{side}_kernel", shape=shape, initializer=initializer)
            setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs: HostArray) -> Any:
        """Returns the spectrogram."""
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            raise TypeError(f"a sound has floats, from -1 to 1. Received: {inputs.dtype}")
        x = inputs if self.data_format == "channels_last" else jnp.swapaxes(inputs, 1, 2)
        parts = {side: self._part(x, getattr(self, f"{side}_kernel")) for side in self._kernels}
        return self._laid_out(self._shown(**parts))

    def _part(self, x: HostArray, kernel: Any) -> Any:
        """Returns the real or the imaginary part, (batch, channels, times, frequencies)."""
        batch, samples, channels = x.shape
        signals = jnp.swapaxes(x, 1, 2).reshape(batch * channels, samples, 1)
        step = self.frame_step or self.frame_length // 2
        y = conv(signals, kernel, step, self.padding, "channels_last")
        return y.reshape(batch, channels, *y.shape[1:])

    def _shown(self, real: Any = None, imag: Any = None) -> Any:
        if self.mode in ("real", "imag"):
            return real if imag is None else imag
        if self.mode == "angle":
            return jnp.arctan2(imag, real)
        if self.mode == "stft":
            return jnp.concatenate([real, imag], axis=-1)
        power = real**2 + imag**2
        if self.mode == "psd":
            return power.at[..., 1:-1].multiply(2)
        epsilon = settings.get("epsilon")
        magnitude = jnp.sqrt(jnp.maximum(power, epsilon))
        return jnp.log(jnp.maximum(magnitude, epsilon)) if self.mode == "log" else magnitude

    def _laid_out(self, y: Any) -> Any:
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return jnp.moveaxis(y, 1, -1) if last else y
        batch, channels, times, frequencies = y.shape
        y = jnp.swapaxes(y, 2, 3).reshape(batch, channels * frequencies, times)
        return jnp.swapaxes(y, 1, 2) if last else y


def _mel(hertz: Any) -> Any:
    return 1127 * np.log(1 + np.asarray(hertz) / 700)
