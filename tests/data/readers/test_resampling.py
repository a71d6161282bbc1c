"""Properties of every interpolation method; test_image_files compares with Keras."""

from __future__ import annotations

import numpy as np
import pytest

from cornu.data.readers import resampling
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


@pytest.mark.parametrize("method", METHODS)
def test_images_are_weighted_sums_of_their_neighbors(method):
    # Bands of rows, crops, given outputs and equal sizes give the same numbers to the last bit.
    for shape, size in {
        ((9, 7, 3), (4, 20)),
        ((30, 41, 1), (17, 13)),
        ((6, 5, 4), (6, 5)),
        ((40, 3000, 3), (90, 11)),
        ((50, 450, 3), (70, 300)),
        ((20, 45, 2), (11, 19)),
    }:
        x = RNG.integers(0, 256, shape).astype("uint8")
        for image in (x, x[:, ::-1], x[1:, 1:]):
            out = np.full((*size, shape[2]), 7, "uint8" if method == "nearest" else "float32")
            assert resize_image(image, size, method, out) is out
            if method == "nearest":
                rows, columns = (
                    ((np.arange(new) + 0.5) * (old / new)).astype(int)
                    for old, new in zip(image.shape, size, strict=False)
                )
                expected = image[rows][:, columns]
            else:
                expected = image
                for axis in (0, 1):
                    expected = weighted_sum(expected, size[axis], method, axis)
            assert out.tobytes() == expected.tobytes()
            assert resize_image(image, size, method).tobytes() == expected.tobytes()


def weighted_sum(x, new, method, axis):
    """The sum over neighbors, one after another, in float32."""
    shape = [1, 1, 1]
    shape[axis] = new
    index, weights = resampling._neighbors(x.shape[axis], new, method)
    total = x.take(index[:, 0], axis) * weights[:, 0].reshape(shape)
    for k in range(1, index.shape[1]):
        total = total + x.take(index[:, k], axis) * weights[:, k].reshape(shape)
    return total


@pytest.mark.parametrize(
    ("method", "old", "new", "kind"),
    [
        ("bilinear", 45, 19, "once"),  # no column belongs to two taps
        ("bilinear", 45, 30, "spread"),
        ("bicubic", 45, 30, "spread"),  # with neighbors outside of the image
        ("bicubic", 45, 20, "spread"),
        ("area", 45, 19, "spread"),
        ("bilinear", 30, 45, "gathered"),
        ("bilinear", 300, 45, "gathered"),  # most columns are not used
        ("bilinear", 1, 1, "once"),
    ],
)
def test_reduced_images_are_summed_before_columns_are_gathered(method, old, new, kind):
    _, columns = resampling._cached_taps((9, old, 3), (5, new), method)
    found = "gathered"
    if isinstance(columns, resampling._Spread):
        found = "once" if len(columns.weights) == 1 else "spread"
    assert found == kind
    before = np.getbufsize()
    resize_image(np.ones((9, old, 3), "uint8"), (5, new), method)
    assert np.getbufsize() == before


@pytest.mark.parametrize("method", METHODS)
def test_padding_is_written_into_a_given_array(method):
    x = RNG.integers(0, 256, (9, 20, 3)).astype("uint8")
    expected = pad_to_aspect(x, (12, 12), method)
    out = np.full_like(expected, 7)
    assert pad_to_aspect(x, (12, 12), method, out) is out
    assert (out == expected).all() and (out[0] == 0).all() and (out[5] != 0).any()
