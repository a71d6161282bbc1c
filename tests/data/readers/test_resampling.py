"""Properties of every interpolation method; test_image_files compares with Keras."""

from __future__ import annotations

import numpy as np
import pytest

from cornu.data.readers.resampling import (
    METHODS,
    crop_to_aspect,
    pad_to_aspect,
    resample,
    resize_image,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("method", METHODS)
def test_one_value_stays_in_every_size(method):
    x = np.full((9, 7, 2), 5, "uint8")
    for size in ((9, 7), (3, 20), (20, 2), (1, 1)):
        y = resize_image(x, size, method)
        assert y.shape == (*size, 2) and y.dtype == ("uint8" if method == "nearest" else "float32")
        np.testing.assert_allclose(y, 5, rtol=1e-6)
    if method not in ("gaussian", "mitchellcubic"):  # these blur
        image = RNG.uniform(0, 255, (9, 7, 2)).astype("float32")
        np.testing.assert_allclose(resize_image(image, (9, 7), method), image, rtol=1e-4)


def test_middles():
    x = np.arange(24).reshape(4, 6, 1)
    assert crop_to_aspect(x, (1, 1)).shape == (4, 4, 1) and crop_to_aspect(x, (1, 1))[0, 0, 0] == 1
    assert crop_to_aspect(x, (1, 9))[:, :, 0].tolist() == [[6, 7, 8, 9, 10, 11]]
    y = pad_to_aspect(np.ones((4, 8, 1)), (6, 6), "bilinear")[..., 0]
    assert y[:, 0].round(5).tolist() == [0, 1, 1, 1, 0, 0]


def test_audio_layers():
    x = RNG.normal(size=(50, 2)).astype("float32")
    assert resample(x, 8000, 8000) is x and resample(x[:0], 8000, 16000).shape == (0, 2)
    twice = resample(x, 8000, 16000)
    assert twice.shape == (100, 2) and twice.dtype == "float32"
    np.testing.assert_allclose(twice[::2], x, atol=1e-5)
