"""Audio files of a folder: decoded as TensorFlow does for Keras, and more WAV formats."""

from __future__ import annotations

import struct
import wave

import keras
import numpy as np
import pytest

from cornu.data.readers.wav import read_wav
from cornu.utils import audio_dataset_from_directory
from tests.data.readers.tensorflow_reference import arrays, made

RNG = np.random.default_rng(0)


def write(path, samples, rate=8000, width=2):
    """Writes integers (samples, channels) of `width` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = samples.astype("<i4").tobytes() if width > 2 else samples.astype(f"<i{width}").tobytes()
    if width == 1:
        data = (samples + 128).astype("u1").tobytes()
    if width == 3:
        data = np.frombuffer(data, "u1").reshape(-1, 4)[:, :3].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((samples.shape[1], width, rate, 0, "NONE", ""))
        file.writeframes(data)


def chunks(*parts, head=b"RIFF", kind=b"WAVE"):
    body = b"".join(name + struct.pack("<I", len(data)) + data for name, data in parts)
    return head + struct.pack("<I", len(body) + 4) + kind + body


def form(code=1, channels=1, rate=8000, bits=16, more=b""):
    frame = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits) + more


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sounds")
    for i, length in enumerate((30, 10, 20)):
        samples = RNG.integers(-(1 << 15), 1 << 15, (length, 2))
        write(root / "ab"[i % 2] / f"{i}.wav", samples)
    return root


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"output_sequence_length": 15}, {"output_sequence_length": 40}, {"batch_size": 2}]
    + [{"batch_size": None}, {"labels": None}],
)
def test_audio_equals_keras(folder, kwargs):
    kwargs = {"shuffle": False, "verbose": False, **kwargs}
    theirs = made(keras.utils.audio_dataset_from_directory, folder, **kwargs)
    ours = audio_dataset_from_directory(folder, **kwargs)
    for mine, expected in zip(ours, arrays(theirs), strict=True):
        if not isinstance(expected, tuple):
            mine, expected = (mine,), (expected,)
        for x, y in zip(mine, expected, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_integers_of_all_widths(tmp_path, width):
    most = 1 << (8 * width - 1)
    samples = np.array([[-most, 0], [most - 1, most // 2], [-most // 4, 1]])
    write(tmp_path / "a.wav", samples, 11025, width)
    sound = read_wav(tmp_path / "a.wav")
    assert sound.rate == 11025 and sound.samples.dtype == "float32"
    np.testing.assert_allclose(sound.samples, samples / most, rtol=1e-6)


@pytest.mark.parametrize("bits", [32, 64])
def test_floats(tmp_path, bits):
    values = np.array([0.5, -1, 0.25], f"<f{bits // 8}")
    plain = chunks(form(3, bits=bits), (b"data", values.tobytes()))
    # The extensible form names its kind behind 8 further bytes; unknown parts are passed over.
    extended = struct.pack("<HHIH", 22, bits, 4, 3) + bytes(14)
    other = chunks(
        (b"LIST", b"abc\0"),
        form(0xFFFE, bits=bits, more=extended),
        (b"fact", bytes(4)),
        (b"data", values.tobytes()),
    )
    for data in (plain, other):
        (tmp_path / "a.wav").write_bytes(data)
        np.testing.assert_array_equal(read_wav(tmp_path / "a.wav").samples[:, 0], values)


def test_a_length_that_a_recorder_left_open(tmp_path):
    data = chunks(form(), (b"data", struct.pack("<3h", 1, 2, 3)))
    (tmp_path / "a.wav").write_bytes(data[:40] + b"\xff\xff\xff\xff" + data[44:] + b"\x01")
    assert (read_wav(tmp_path / "a.wav").samples[:, 0] * (1 << 15)).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "The file begins with b''"),
        (b"ID3" + bytes(99), "The file begins with b'ID3"),
        (chunks(form(), kind=b"AVI "), "The file begins with"),
        (chunks(form()), "unpack requires"),
        (chunks((b"data", bytes(8))), "samples precede the format chunk"),
        (chunks(form(85), (b"data", bytes(8))), "encoding 85 with 16 bits"),
        (chunks(form(bits=12), (b"data", bytes(8))), "encoding 1 with 12 bits"),
        (chunks(form(channels=0), (b"data", bytes(8))), "0 channels"),
        (chunks(form(rate=0), (b"data", bytes(8))), "0 samples per second"),
        (chunks((b"fmt ", bytes(4)), (b"data", bytes(8))), "unpack requires"),
        (chunks(*[(b"junk", b"")] * 20_000), "too many chunks"),
        (chunks((b"junk", b""))[:-4] + b"\xff\xff\xff\xff", "unpack requires"),
    ],
)
def test_bad_files_are_named(tmp_path, data, message):
    (tmp_path / "bad.wav").write_bytes(data)
    dataset = audio_dataset_from_directory(tmp_path, labels=None, verbose=False)
    with pytest.raises(ValueError, match=rf"bad.wav' is not a valid WAV file. .*{message}"):
        list(dataset)


def test_another_rate_keeps_the_tone(tmp_path):
    seconds = np.arange(4000) / 8000
    tone = np.sin(2 * np.pi * 440 * seconds)[:, None] * 20000
    write(tmp_path / "a.wav", tone.round(), 8000)
    for rate in (16000, 6000, 11025, 8000):
        data = audio_dataset_from_directory(
            tmp_path, labels=None, sampling_rate=rate, verbose=False
        )
        sound = data[0][0, :, 0]
        assert len(sound) == -(-4000 * rate // 8000)
        expected = np.sin(2 * np.pi * 440 * np.arange(len(sound)) / rate) * 20000 / (1 << 15)
        np.testing.assert_allclose(sound[200:-200], expected[200:-200], atol=2e-3)
    # Frequencies above the new Nyquist limit are removed rather than aliased.
    write(tmp_path / "a.wav", np.sin(2 * np.pi * 3500 * seconds)[:, None] * 20000, 8000)
    data = audio_dataset_from_directory(tmp_path, labels=None, sampling_rate=4000, verbose=False)
    assert np.abs(data[0][0, 100:-100]).max() < 0.01


def test_wrong_arguments(tmp_path, folder):
    for kwargs, message in (
        ({"ragged": True}, "JAX has no ragged arrays"),
        ({"sampling_rate": 8000.0}, "sampling_rate must be a positive integer"),
        ({"output_sequence_length": 0}, "output_sequence_length must be a positive integer"),
    ):
        with pytest.raises(ValueError, match=message):
            audio_dataset_from_directory(folder, **kwargs)
    write(tmp_path / "1.wav", np.zeros((3, 1)))
    write(tmp_path / "2.wav", np.zeros((3, 2)))
    data = audio_dataset_from_directory(tmp_path, labels=None, shuffle=False, verbose=False)
    with pytest.raises(ValueError, match=r"same number of channels.*1.wav' has 1, .*2.wav' has 2"):
        list(data)
