"""Images of a folder: decoded and resized as TensorFlow does it for Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image, ImageFilter

import cornu
from cornu.utils import image_dataset_from_directory, save_img
from tests.data.readers.tensorflow_reference import arrays, made, pictures
from tests.data.readers.test_images import bomb

READ_OPTIONS = {"labels": None, "shuffle": False, "verbose": False}


def compare(folder, atol, **kwargs):
    kwargs = {**READ_OPTIONS, **kwargs}
    ours = list(image_dataset_from_directory(folder, **kwargs))
    theirs = arrays(made(keras.utils.image_dataset_from_directory, folder, **kwargs))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a.astype("float32"), b.astype("float32"), rtol=0, atol=atol)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for i, size in enumerate([(9, 7), (16, 31), (40, 8), (5, 5)]):
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype("uint8")).save(root / f"{i}.png")
    return root


@pytest.mark.parametrize(
    "method, atol",
    [
        ("bilinear", 1e-3),
        ("nearest", 0),
        ("bicubic", 0.3),  # TensorFlow reads its weights from a table
        ("area", 1e-3),
        ("lanczos3", 2e-3),
        ("lanczos5", 2e-3),
        ("gaussian", 1e-3),
        ("mitchellcubic", 1e-3),
    ],
)
def test_sizes_are_those_of_keras(folder, method, atol):
    for size in ((12, 6), (3, 20)):
        compare(folder, atol, image_size=size, interpolation=method)


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
@pytest.mark.parametrize("aspect", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_aspect_ratios_are_those_of_keras(folder, aspect, method):
    for size in ((12, 6), (7, 20), (8, 8), 16, (17, 13)):
        compare(folder, 1e-3, image_size=size, interpolation=method, **{aspect: True})


@pytest.mark.parametrize("color, channels", [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_colors_are_those_of_keras(tmp_path, color, channels):
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (6, 5, 4)).astype("uint8"))
    for mode in ("RGB", "L", "RGBA", "LA", "1"):
        if (mode, color) != ("1", "rgba"):  # TensorFlow makes them transparent
            pixels.convert(mode).save(tmp_path / f"{mode}.png")
    pixels.convert("RGB").quantize(200).save(tmp_path / "P.png")
    Image.fromarray(rng.integers(0, 1 << 16, (6, 5)).astype("uint16")).save(tmp_path / "deep.png")
    if color != "grayscale":
        pixels.convert("RGB").save(tmp_path / "a.bmp")
    if color == "rgb":
        pixels.convert("RGB").save(tmp_path / "a.gif")
    compare(tmp_path, 1 if color == "grayscale" else 0, image_size=(6, 5), color_mode=color)
    data = image_dataset_from_directory(
        tmp_path, image_size=(4, 4), color_mode=color, **READ_OPTIONS
    )
    assert data[0].shape[1:] == (4, 4, channels)


def test_jpeg_is_close_to_keras(tmp_path):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (40, 50, 3)).astype("uint8"))
    noise.filter(ImageFilter.GaussianBlur(2)).save(tmp_path / "a.jpg")
    for color in ("rgb", "grayscale"):
        compare(tmp_path, 4, image_size=(40, 50), color_mode=color)


def test_layouts(folder):
    compare(folder, 1e-3, image_size=(6, 8), data_format="channels_first")
    compare(folder, 1e-3, image_size=(6, 8), batch_size=None)
    compare(folder, 1e-3, image_size=(6, 8), batch_size=3)
    cornu.config.set_image_data_format("channels_first")
    try:
        data = image_dataset_from_directory(folder, image_size=(6, 8), **READ_OPTIONS)
    finally:
        cornu.config.set_image_data_format("channels_last")
    assert data[0].shape == (4, 3, 6, 8)


def test_files_are_recognized_by_their_content(tmp_path):
    image = Image.fromarray(np.full((4, 4, 3), 9, "uint8"))
    image.save(tmp_path / "a.jpg", "PNG")
    data = image_dataset_from_directory(tmp_path, image_size=(4, 4), **READ_OPTIONS)
    assert (data[0] == 9).all()
    image.save(tmp_path / "b.png", "TIFF")
    with pytest.raises(ValueError, match=r"b.png' is not a valid image in the format BMP, GIF"):
        list(image_dataset_from_directory(tmp_path, image_size=(4, 4), **READ_OPTIONS))


def test_bad_files_are_named(tmp_path):
    save_img(tmp_path / "a.png", np.zeros((4, 4, 3)))
    data = image_dataset_from_directory(tmp_path, **READ_OPTIONS)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    with pytest.raises(ValueError, match=r"a.png' is not a valid image"):
        list(data)
    bomb(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a.png' has so many pixels"):
        list(data)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"color_mode": "gray"}, "color_mode must be one of"),
        ({"interpolation": "biliner"}, "Did you mean 'bilinear'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "not both"),
        ({"image_size": (1, 2, 3)}, "image_size must be .height, width."),
        ({"image_size": 0}, "image_size must be .height, width."),
        ({"image_size": (2.5, 3)}, "image_size must be .height, width."),
        ({"format": "torch"}, "format must be"),
        ({"data_format": "last"}, "data_format must be"),
    ],
)
def test_wrong_arguments(folder, kwargs, message):
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(folder, **{**READ_OPTIONS, **kwargs})


def test_a_model_learns_from_a_folder(tmp_path):
    pictures(tmp_path, ("a", "b"), 6, (4, 4))
    train, test = image_dataset_from_directory(
        tmp_path,
        image_size=(4, 4),
        batch_size=4,
        seed=1,
        validation_split=0.25,
        subset="both",
        verbose=False,
    )
    assert (len(train.file_paths), len(test.file_paths)) == (9, 3)
    model = cornu.Sequential(
        [cornu.Input((4, 4, 3)), cornu.layers.Flatten(), cornu.layers.Dense(2)]
    )
    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    scaled, tested = (d.map(lambda x, y: (x / 255, y)).cache().prefetch() for d in (train, test))
    history = model.fit(scaled, validation_data=tested, epochs=2, verbose=0).history
    assert len(history["val_accuracy"]) == 2
    assert model.predict(tested, verbose=0).shape == (3, 2)
