"""Images to and from files and arrays: equal to Keras, with clear errors for invalid files."""

from __future__ import annotations

import io
import struct
import sys
import zlib

import keras
import numpy as np
import pytest
from PIL import Image

import cornu
from cornu.utils import array_to_img, img_to_array, load_img, save_img

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kwargs", [{}, {"scale": False}, {"data_format": "channels_first"}])
def test_arrays_become_the_images_of_keras(channels, kwargs):
    x = RNG.uniform(-3, 250, (6, 5, channels)).clip(0 if kwargs == {"scale": False} else -3)
    x = x.transpose(2, 0, 1) if "data_format" in kwargs else x
    ours, theirs = array_to_img(x, **kwargs), keras.utils.array_to_img(x, **kwargs)
    assert ours.mode == theirs.mode and ours.size == theirs.size
    a, b = (np.asarray(image).astype(int) for image in (ours, theirs))
    assert np.abs(a - b).max() <= 1  # rounding of values between two integers
    data_format = kwargs.get("data_format")
    y = img_to_array(ours, data_format)
    assert y.dtype == "float32" and y.shape == x.shape
    np.testing.assert_array_equal(y, keras.utils.img_to_array(ours, data_format))
    assert img_to_array(ours, dtype="uint8").dtype == "uint8"


def test_edge_cases_of_images():
    assert np.asarray(array_to_img(np.full((2, 2, 3), 7.0))).max() == 0
    assert array_to_img(np.full((2, 2, 1), 300.0), scale=False).mode == "I"
    assert array_to_img(np.zeros((0, 2, 1))).size == (2, 0)
    for x, message in (
        (np.zeros((2, 2)), "expected an image with 3 axes"),
        (np.zeros((1, 2, 2, 3)), "expected an image with 3 axes"),
        (np.zeros((2, 2, 2)), "1, 3 or 4 channels. Received"),
        (np.full((2, 2, 3), np.nan), "NaN or infinite"),
    ):
        with pytest.raises(ValueError, match=message):
            array_to_img(x)
    with pytest.raises(ValueError, match="2 or 3 axes"):
        img_to_array(np.zeros(3))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "1", "I;16"])
@pytest.mark.parametrize("color", ["grayscale", "rgb", "rgba"])
def test_files_become_the_images_of_keras(tmp_path, mode, color):
    path = tmp_path / "image.png"
    if mode == "I;16":
        Image.fromarray(RNG.integers(0, 1 << 16, (9, 7)).astype("uint16")).save(path)
    else:
        Image.fromarray(RNG.integers(0, 256, (9, 7, 3)).astype("uint8")).convert(mode).save(path)
    ours, theirs = load_img(path, color), keras.utils.load_img(path, color)
    assert ours.mode == theirs.mode
    if mode != "I;16" or color == "grayscale":  # all that is above 255 is white, in Keras
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    else:
        deep = np.asarray(Image.open(path))
        np.testing.assert_array_equal(np.asarray(ours)[..., 0], deep >> 8)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"])
def test_sizes_are_those_of_keras(tmp_path, method, keep):
    Image.fromarray(RNG.integers(0, 256, (9, 17, 3)).astype("uint8")).save(tmp_path / "a.png")
    kwargs = {"target_size": (5, 6), "interpolation": method, "keep_aspect_ratio": keep}
    ours, theirs = (lib.utils.load_img(tmp_path / "a.png", **kwargs) for lib in (cornu, keras))
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("ending", ["png", "jpg", "JPEG", "bmp"])
def test_saved_files_are_those_of_keras(tmp_path, ending):
    x = RNG.uniform(0, 255, (8, 8, 3)).round().astype("float32")
    x[0, 0], x[0, 1] = 0, 255
    for lib in (cornu, keras):
        lib.utils.save_img(tmp_path / f"{lib.__name__}.{ending}", x)
    ours, theirs = (
        np.asarray(Image.open(tmp_path / f"{name}.{ending}")) for name in ("cornu", "keras")
    )
    assert np.abs(ours.astype(int) - theirs).max() <= 2
    if ending == "png":
        np.testing.assert_array_equal(ours, x)


def test_saving_reports_what_is_unsupported(tmp_path):
    with pytest.warns(UserWarning, match="not support transparency"):
        save_img(tmp_path / "a.jpg", np.zeros((2, 2, 4)))
    assert load_img(tmp_path / "a.jpg").mode == "RGB"
    with pytest.raises(ValueError, match="cannot write the format 'xyz'"):
        save_img(tmp_path / "a.xyz", np.zeros((2, 2, 3)))
    file = io.BytesIO()
    save_img(file, np.zeros((2, 3, 1)), file_format="png", compress_level=0)
    assert load_img(file, "grayscale").size == (3, 2)


def bomb(path, side=60_000):
    """A PNG file of some bytes that declares so many pixels."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def test_bad_files_are_named(tmp_path):
    good = tmp_path / "good.png"
    save_img(good, RNG.uniform(0, 255, (20, 20, 3)))
    cases = {
        "cut.png": good.read_bytes()[:-200],
        "empty.png": b"",
        "text.jpg": b"this is no image",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=rf"load_img: '.*{name}' is not a valid image"):
            load_img(tmp_path / name)
    with pytest.raises(ValueError, match=r"bomb.png' has so many pixels"):
        load_img(bomb(tmp_path / "bomb.png"))
    with pytest.raises(FileNotFoundError):
        load_img(tmp_path / "none.png")
    with pytest.raises(TypeError, match="expected the path of a file .* Received: ndarray"):
        load_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="the open file is not a valid image"):
        load_img(io.BytesIO(b"x"))


def test_wrong_keyword_arguments(tmp_path):
    with pytest.raises(ValueError, match="color_mode must be one of"):
        load_img(tmp_path, "gray")
    with pytest.raises(ValueError, match="Did you mean 'bilinear'"):
        load_img(tmp_path, interpolation="bilinar")


def test_pillow_is_required_only_when_needed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    for call in (
        lambda: array_to_img(np.zeros((2, 2, 3))),
        lambda: load_img(tmp_path / "a.png"),
        lambda: cornu.utils.image_dataset_from_directory(tmp_path),
    ):
        with pytest.raises(ImportError, match=r"pip install 'cornu\[images\]'"):
            call()


def test_smart_resize_is_that_of_keras():
    x = RNG.uniform(0, 255, (2, 30, 50, 3)).astype("float32")
    for size, method in (((20, 20), "bilinear"), ((10, 40), "nearest"), ((50, 9), "bicubic")):
        ours, theirs = (
            lib.preprocessing.image.smart_resize(x, size, method) for lib in (cornu, keras)
        )
        assert type(ours) is np.ndarray and ours.shape == (2, *size, 3)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-3)


def test_the_old_addresses():
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(cornu.preprocessing.image, name) is getattr(cornu.utils, name)
    assert cornu.preprocessing.sequence.pad_sequences is cornu.utils.pad_sequences
    for kind in ("image", "text"):
        name = f"{kind}_dataset_from_directory"
        assert getattr(cornu.preprocessing, name) is getattr(cornu.utils, name)
