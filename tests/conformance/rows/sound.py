"""Spectrogram layers."""

from __future__ import annotations

from tests.conformance.table import LayerRow


def _sounds(*shape):
    return lambda rng: rng.normal(size=shape).astype("float32")


def _mel(name, shape, skip=None, **kwargs):
    return LayerRow(
        name,
        lambda k: k.layers.MelSpectrogram(
            **{"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 8, **kwargs}
        ),
        _sounds(*shape),
        rtol=1e-4,
        atol=1e-4,
        skip=skip or {},
    )


def _stft(name, shape=(2, 40, 2), **kwargs):
    return LayerRow(
        f"stft_spectrogram_{name}",
        lambda k: k.layers.STFTSpectrogram(**{"frame_length": 12, **kwargs}),
        _sounds(*shape),
        rtol=1e-4,
        atol=1e-5,
    )


ROWS = [
    _mel("mel_spectrogram", (2, 150)),
    _mel("mel_spectrogram_power", (2, 150), power_to_db=False, window="hamming", mag_exp=1.0),
    _mel(
        "mel_spectrogram_range",
        (3, 130),
        sequence_length=50,
        min_freq=100.0,
        max_freq=3000.0,
        sampling_rate=8000,
        ref_power=2.0,
    ),
    _stft("log"),
    _stft("magnitude", mode="magnitude", frame_step=5, fft_length=32, padding="same"),
    _stft("psd", mode="psd", scaling="spectrum", periodic=True),
    _stft("real", mode="real", window="hamming"),
    _stft("imag", mode="imag", scaling=None),
    _stft("angle", mode="angle", expand_dims=True),
    _stft("parts", mode="stft"),
    _stft("first", (2, 3, 40), data_format="channels_first"),
    _stft("first_image", (2, 3, 40), data_format="channels_first", expand_dims=True),
]
