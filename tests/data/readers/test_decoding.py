"""Decoding of image files: simplejpeg and Pillow give the same pixels and the same errors."""

from __future__ import annotations

import contextlib
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFilter

import cornu
from cornu.data.readers import decoding
from cornu.data.readers.decoding import ImageDecoder, fast_jpeg_decoder
from tests.data.readers.test_images import bomb

RNG = np.random.default_rng(0)
FORMATS = ("BMP", "GIF", "JPEG", "PNG")

# Options of Pillow's encoder, and the mode of the image.
JPEGS = {
    "plain": {},
    "quality 100": {"quality": 100},
    "quality 5": {"quality": 5},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "restart markers": {"restart_marker_rows": 1},
    "kept RGB": {"keep_rgb": True},
    "gray": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
    "metadata": {"comment": b"words", "dpi": (72, 72)},
}


def encode(size=(45, 37), mode="RGB", **options):
    height, width = size
    image = Image.fromarray(RNG.integers(0, 256, (height, width, 3)).astype("uint8"))
    file = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(1)).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def decode(path, channels=3):
    return ImageDecoder(channels, "read", FORMATS)(str(path)).copy()


@pytest.fixture
def without_simplejpeg(monkeypatch):
    monkeypatch.setattr(decoding, "fast_jpeg_decoder", lambda: None)


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_pixels_are_those_of_pillow(tmp_path, options):
    pytest.importorskip("simplejpeg")
    assert fast_jpeg_decoder() is not None
    for size in ((45, 37), (1, 1), (16, 17), (8, 130)):
        (tmp_path / "a.jpg").write_bytes(encode(size, **options))
        for channels, mode in ((1, "L"), (3, "RGB"), (4, "RGBA")):
            expected = np.asarray(Image.open(tmp_path / "a.jpg").convert(mode))
            expected = expected.reshape(*size, channels)
            np.testing.assert_array_equal(decode(tmp_path / "a.jpg", channels), expected)


def test_the_first_picture_of_several_is_read(tmp_path):
    pictures = [Image.open(io.BytesIO(encode())) for _ in range(2)]
    path = tmp_path / "a.jpg"
    pictures[0].save(path, "MPO", save_all=True, append_images=pictures[1:])
    with Image.open(path) as expected:
        np.testing.assert_array_equal(decode(path), np.asarray(expected))


def test_pillow_reads_only_what_the_faster_decoder_refuses(tmp_path, monkeypatch):
    pytest.importorskip("simplejpeg")
    files = {mode: encode(mode=mode) for mode in ("RGB", "L", "CMYK")}
    files["a name of JPEG"] = b"\x89PNG" + bytes(20)
    assert fast_jpeg_decoder() is not None
    opened = []
    monkeypatch.setattr(Image, "open", lambda file, formats: opened.append(file.read()) or 1 / 0)
    for data in files.values():
        (tmp_path / "a.jpg").write_bytes(data)
        with contextlib.suppress(ValueError):
            decode(tmp_path / "a.jpg")
    assert opened == [data for name, data in files.items() if name != "RGB"]


@pytest.mark.parametrize("damage", ["cut", "zeros", "garbage before a marker", "no image"])
def test_damaged_files_are_read_as_by_pillow(tmp_path, damage, monkeypatch):
    pytest.importorskip("simplejpeg")
    good = encode()
    bad = {
        "cut": good[: len(good) // 2],
        "zeros": good[:-200] + bytes(200),
        "garbage before a marker": good[:-2] + b"\x00\x01\x02" + good[-2:],
        "no image": good[:150],
    }[damage]
    (tmp_path / "a.jpg").write_bytes(bad)
    found = []
    for fast in (fast_jpeg_decoder(), None):
        monkeypatch.setattr(decoding, "fast_jpeg_decoder", lambda fast=fast: fast)
        try:
            found.append(decode(tmp_path / "a.jpg").tolist())
        except ValueError as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    bomb(tmp_path / "a.png")
    with pytest.raises(ValueError, match="so many pixels"):
        decode(tmp_path / "a.png")
    (tmp_path / "a.jpg").write_bytes(encode())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 45 * 37 // 2 - 1)
    with pytest.raises(ValueError, match="so many pixels"):
        decode(tmp_path / "a.jpg")


def test_a_decoder_with_other_pixels_is_not_used(monkeypatch):
    simplejpeg = pytest.importorskip("simplejpeg")
    right = simplejpeg.decode_jpeg

    def wrong(*args, **kwargs):
        pixels = right(*args, **kwargs)
        pixels[-1, -1, -1] ^= 1

    for broken in (wrong, lambda data, colorspace: None):
        monkeypatch.setattr(simplejpeg, "decode_jpeg", broken)
        assert fast_jpeg_decoder.__wrapped__() is None
    monkeypatch.setattr(simplejpeg, "decode_jpeg", right)
    assert fast_jpeg_decoder.__wrapped__() is not None


def test_memory_is_reused_within_a_thread_and_never_between_threads(tmp_path):
    pytest.importorskip("simplejpeg")
    paths = [tmp_path / f"{i}.jpg" for i in range(12)]
    for path in paths:
        path.write_bytes(encode(tuple(RNG.integers(5, 60, 2))))
    expected = [decode(path) for path in paths]
    decoder = ImageDecoder(3, "read", FORMATS)
    largest = max(paths, key=lambda path: decode(path).size)
    first = decoder(str(largest))
    assert all(np.shares_memory(first, decoder(str(path))) for path in paths)

    def check(_):
        return [decoder(str(path)).copy() for path in paths]

    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(check, range(16)):
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)


def test_batches_are_the_same_without_simplejpeg(tmp_path, request):
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(encode((20 + i, 30)))
    options = {"labels": None, "image_size": (9, 8), "batch_size": 2, "verbose": False}
    read = cornu.utils.image_dataset_from_directory
    fast = list(read(tmp_path, shuffle=False, **options))
    request.getfixturevalue("without_simplejpeg")
    plain = list(read(tmp_path, shuffle=False, **options))
    assert len(fast) == len(plain) == 3
    for a, b in zip(fast, plain, strict=True):
        np.testing.assert_array_equal(a, b)
    # A batch that was returned is not overwritten by later ones.
    assert not any(np.shares_memory(a, b) for a in fast for b in fast if a is not b)
