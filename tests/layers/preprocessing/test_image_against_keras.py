"""Image layers transform as those of Keras for equal parameters, or as documented."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from cornu.layers.preprocessing.images.base import Transformation
from cornu.layers.preprocessing.images.filtering import rectangle_mask
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 7, 6, 3)).astype("float32")


def layer(name, *args, **kwargs):
    return tuple(getattr(lib.layers, name)(*args, **kwargs) for lib in (cornu, keras))


# Ranges of one number leave nothing to chance, so whole layers are compared.
DETERMINISTIC_CASES = {
    "rotation": ("RandomRotation", ((0.1, 0.1),), {}),
    "rotation wrap": ("RandomRotation", ((-0.3, -0.3), "wrap", "nearest"), {}),
    "rotation constant": ("RandomRotation", ((0.3, 0.3), "constant"), {"fill_value": 7.0}),
    "translation": ("RandomTranslation", ((0.3, 0.3), (-0.2, -0.2)), {}),
    "translation nearest": ("RandomTranslation", ((0.3, 0.3), 0.0, "nearest", "nearest"), {}),
    "zoom": ("RandomZoom", ((0.3, 0.3),), {}),
    "zoom both": ("RandomZoom", ((0.3, 0.3), (-0.5, -0.5), "constant"), {"fill_value": 3.0}),
    "brightness": ("RandomBrightness", ((0.3, 0.3),), {}),
    "brightness unit": ("RandomBrightness", ((-0.3, -0.3), (0, 1)), {}),
    "saturation": ("RandomSaturation", ((0.3, 0.3),), {}),
    "saturation more": ("RandomSaturation", ((0.5, 0.5),), {}),
    "degeneration": ("RandomColorDegeneration", ((0.3, 0.3),), {}),
    "degeneration less": ("RandomColorDegeneration", ((-0.3, -0.3),), {}),
    "sharper": ("RandomSharpness", ((0.9, 0.9),), {}),
    "softer": ("RandomSharpness", ((0.1, 0.1),), {}),
    "posterization": ("RandomPosterization", ((3, 3),), {}),
    "posterization unit": ("RandomPosterization", ((5, 5), (-100, 300)), {}),
    "grayscale": ("RandomGrayscale", (1.0,), {}),
    "invert": ("RandomInvert", ((1.0, 1.0),), {}),
    "blur": ("RandomGaussianBlur", ((1.0, 1.0), 3, (0.7, 0.7)), {}),
    "blur long": ("RandomGaussianBlur", ((1.0, 1.0), (5, 3), (1.0, 1.0)), {}),
    "solarization": ("Solarization", ((0.0, 0.0), (0.0, 0.0)), {}),
    "auto contrast": ("AutoContrast", (), {}),
    "auto contrast range": ("AutoContrast", ((-10, 300),), {}),
    "resizing": ("Resizing", (4, 9), {}),
    "center crop": ("CenterCrop", (3, 4), {}),
    "nothing": ("RandomColorJitter", (), {}),
}


TYPICAL = [
    *("rotation", "brightness", "degeneration", "sharper", "posterization", "blur"),
    *("resizing", "center crop"),
]


@pytest.mark.parametrize("case", slow_except(DETERMINISTIC_CASES, TYPICAL))
def test_deterministic_layers(case):
    name, args, kwargs = DETERMINISTIC_CASES[case]
    ours, theirs = layer(name, *args, **kwargs)
    for images in (IMAGES, IMAGES[0]):
        a, b = ours(images, training=True), theirs(images, training=True)
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-2)


@pytest.mark.parametrize(
    "case",
    slow_except(
        (c for c in DETERMINISTIC_CASES if c != "auto contrast range"), ["translation", "resizing"]
    ),
)
def test_deterministic_layers_with_channels_first(case):
    name, args, kwargs = DETERMINISTIC_CASES[case]
    if name == "AutoContrast":  # Keras takes the wrong axes
        return
    ours, theirs = layer(name, *args, **kwargs, data_format="channels_first")
    images = np.moveaxis(IMAGES, -1, 1)
    np.testing.assert_allclose(
        ours(images, training=True), theirs(images, training=True), rtol=1e-4, atol=2e-2
    )


def row(values):
    return np.asarray(values).reshape(3)


# Otherwise what Keras drew is given to the formula here.
RANDOM_CASES = {
    "RandomFlip": (("horizontal",), {}, lambda d: (row(d["flips"]),)),
    "RandomContrast": (((0.2, 0.7),), {}, lambda d: (row(d["contrast_factor"]),)),
    "RandomHue": ((0.9,), {}, lambda d: (row(d["factor"]),)),
    "RandomInvert": (((0.2, 0.8),), {}, lambda d: (np.asarray(d["apply_inversion"]),)),
    "RandomPosterization": (
        ((1, 8),),
        {},
        lambda d: (8 - row(d["shift_factor"]).astype("float32"),),
    ),
    "Solarization": (
        (0.4, 0.8),
        {},
        lambda d: (row(d["additions"]), row(d["thresholds"])),
    ),
    "RandomPerspective": (
        (0.9, 0.7),
        {},
        lambda d: (
            np.asarray(d["apply_perspective"]),
            np.nan_to_num(
                (d["end_points"] - d["start_points"]) / np.maximum(d["start_points"], 1e-9)
            ),
        ),
    ),
    "RandomErasing": (
        (0.9,),
        {},
        lambda d: (
            np.asarray(d["apply_erasing"]),
            np.asarray(d["batch_masks"]),
            np.asarray(d["fill_value"]),
        ),
    ),
    "RandomGrayscale": ((0.5,), {}, lambda d: (row(d),)),
    "CutMix": (
        (),
        {},
        lambda d: (
            np.asarray(d["permutation_order"]),
            np.asarray(d["batch_masks"]),
            np.asarray(d["mix_weight"]),
        ),
    ),
}


@pytest.mark.parametrize(
    "name",
    slow_except(
        RANDOM_CASES, ["RandomFlip", "RandomContrast", "RandomPosterization", "RandomErasing"]
    ),
)
def test_formulas(name):
    args, kwargs, taken = RANDOM_CASES[name]
    for seed in range(4):
        ours, theirs = layer(name, *args, **kwargs, seed=seed)
        parameters = theirs.get_random_transformation(IMAGES, training=True)
        expected = np.asarray(theirs.transform_images(IMAGES, parameters, training=True))
        result = np.asarray(
            ours.transform(cornu.ops.array(IMAGES), *map(cornu.ops.array, taken(parameters)))
        )
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=2e-2)


def test_shear():
    for seed in range(4):
        ours, theirs = layer("RandomShear", 0.5, (0.1, 0.4), seed=seed)
        parameters = theirs.get_random_transformation(IMAGES, training=True)
        expected = theirs.transform_images(IMAGES, parameters, training=True)
        across, down = np.asarray(parameters["shear_factor"]).T
        (matrix,) = ours.matrix(1, across, 0, down, 1, 0)
        np.testing.assert_allclose(ours.transform(IMAGES, matrix), expected, rtol=1e-4, atol=1e-2)


def test_elastic_transform():
    layer = cornu.layers.RandomElasticTransform((1.0, 1.0), (0.5, 0.5), seed=1)
    x = np.tile(np.arange(20.0)[None, None, :, None], (2, 20, 1, 1))
    selected, places = layer.sample(x, layer.make_rng(x))
    assert np.asarray(selected).all() and places.shape == (2, 2, 20, 20)
    moved = np.asarray(places) - np.indices((20, 20))
    assert 0 < np.abs(moved).max() < 3 and np.abs(moved[0] - moved[1]).max() > 0.1
    # On a slope, the new value is the position from which it comes.
    y = np.asarray(layer.transform(x, selected, places))[..., 0]
    inside = (places[:, 1] > 0) & (places[:, 1] < 19) & (places[:, 0] > 0) & (places[:, 0] < 19)
    np.testing.assert_allclose(y[inside], np.asarray(places[:, 1])[inside], atol=1e-3)
    assert layer(cornu.Input((None, None, 3))).shape == (None, None, None, 3)


@pytest.mark.slow
def test_equalization_of_one_image_is_that_of_keras():
    for bins in (256, 64):
        ours, theirs = layer("Equalization", bins=bins)
        for images in (IMAGES[:1], IMAGES[:1] // 40, np.full((1, 4, 4, 3), 9.0, "float32")):
            np.testing.assert_allclose(
                ours(images, training=True), theirs(images, training=True), atol=1e-3
            )
    ours = cornu.layers.Equalization()
    alone = [ours(image, training=True) for image in IMAGES]
    np.testing.assert_array_equal(ours(IMAGES, training=True), alone)


def test_rectangles():
    sides, places = np.array([[0.5, 0.25], [1, 1]]), np.array([[1.0, 0.0], [0.3, 0.3]])
    inside = np.asarray(rectangle_mask(np.zeros((2, 4, 8, 3)), sides, places))[..., 0]
    assert inside[0].tolist() == [[False] * 8] * 2 + [[True] * 2 + [False] * 6] * 2
    assert inside[1].all()


# ----------------------------------------------- where Keras differs from its documentation


def test_flips_are_independent():
    x = np.arange(4.0).reshape(1, 2, 2, 1)
    y = cornu.layers.RandomFlip(seed=1)(np.tile(x, (200, 1, 1, 1)), training=True)
    kinds = {tuple(image) for image in np.asarray(y).reshape(200, 4).tolist()}
    assert kinds == {(0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)}


def test_contrast_of_one_number_goes_both_ways():
    x = np.tile(np.array([100.0, 150.0]).reshape(1, 1, 2, 1), (500, 1, 1, 1))
    y = np.asarray(cornu.layers.RandomContrast(0.5, seed=1)(x, training=True))
    ratio = (y[:, 0, 1, 0] - y[:, 0, 0, 0]) / 50
    assert 0.5 <= ratio.min() < 0.55 and 1.45 < ratio.max() <= 1.5


def test_saturation_stays_a_color():
    layer = cornu.layers.RandomSaturation((0.95, 0.95))
    y = np.asarray(layer(IMAGES, training=True))
    assert y.min() >= -1e-3 and y.max() <= 255.001
    np.testing.assert_allclose(y.max(-1), IMAGES.max(-1), atol=1e-3)


def test_posterization_keeps_the_given_bits():
    x = np.arange(256.0).reshape(1, 16, 16, 1)
    y = np.asarray(cornu.layers.RandomPosterization(3)(x, training=True))
    np.testing.assert_array_equal(y, x // 32 * 32)
    many = cornu.layers.RandomPosterization((1, 3), seed=1)(np.tile(x, (100, 1, 1, 1)))
    assert {len(np.unique(image)) for image in np.asarray(many)} == {2, 4, 8}


def test_solarization_draws_parts_of_the_range():
    layer = cornu.layers.Solarization((0.5, 0.5), (1.0, 1.0))
    y = layer(np.array([[[10.0], [100.0]]]), training=True)
    np.testing.assert_allclose(y.ravel(), [137.5, 227.5])


def test_crops():
    x = np.arange(63.0).reshape(1, 7, 9, 1)
    y = np.asarray(cornu.layers.RandomCrop(3, 4, seed=1)(np.tile(x, (300, 1, 1, 1)), training=True))
    corners = {int(image[0, 0, 0]) for image in y}
    assert corners == {9 * i + j for i in range(5) for j in range(6)}
    for image in y[:20]:
        at = image[0, 0, 0]
        np.testing.assert_array_equal(image[..., 0], at + np.arange(3)[:, None] * 9 + np.arange(4))
    # Outside of training, and where it does not fit, it is what Keras says that it is.
    smart = keras.preprocessing.image.smart_resize
    for training, size in ((False, (3, 4)), (True, (8, 4)), (False, (8, 12))):
        y = cornu.layers.RandomCrop(*size)(x.astype("float32"), training=training)
        np.testing.assert_allclose(y, smart(x.astype("float32"), size), atol=1e-3)


def test_center_crop_is_that_of_keras():
    for size in ((3, 3), (7, 6), (2, 5), (9, 3), (3, 9), (20, 20)):
        for images in (IMAGES, IMAGES[0]):
            ours, theirs = layer("CenterCrop", *size)
            np.testing.assert_allclose(ours(images), theirs(images), rtol=1e-4, atol=1e-2)


def test_resizing_of_integers_is_that_of_keras():
    images = IMAGES.astype("uint8")
    for kwargs in ({}, {"interpolation": "nearest"}, {"interpolation": "bicubic"}):
        ours, theirs = layer("Resizing", 5, 11, **kwargs)
        a, b = np.asarray(ours(images)), np.asarray(theirs(images))
        assert a.dtype == b.dtype == "uint8"
        assert np.abs(a.astype(int) - b).max() <= 1 and np.mean(a != b) < 0.01


# --------------------------------------------------------------------------- mixing and policies


def test_mix_up_mixes_images_and_labels_with_equal_weights():
    images = np.broadcast_to(np.arange(6.0)[:, None, None, None], (6, 2, 2, 3))
    new = cornu.layers.MixUp(1.0, seed=2)({"images": images, "labels": np.eye(6)}, training=True)
    labels = np.asarray(new["labels"])
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(new["images"][:, 0, 0, 0], labels @ np.arange(6), rtol=1e-5)
    assert ((labels > 0).sum(1) <= 2).all() and (labels > 0).sum() > 6
    order = np.array([2, 0, 1])
    weight = np.array([0.2, 0.5, 1.0], "float32")
    mixed = cornu.layers.MixUp().transform(IMAGES, order, weight)
    theirs = keras.layers.MixUp()
    parameters = {"mix_weight": weight, "permutation_order": order}
    np.testing.assert_allclose(mixed, theirs.transform_images(IMAGES, parameters), rtol=1e-5)
    numbers = Transformation((order, weight), IMAGES.shape[1:3])
    integers = cornu.layers.MixUp().transform_labels(np.arange(3), numbers)
    assert integers.dtype == "float32"


def test_cut_mix_mixes_labels_by_area():
    images = np.broadcast_to(np.arange(6.0)[:, None, None, None], (6, 64, 64, 1))
    new = cornu.layers.CutMix(seed=4)({"images": images, "labels": np.eye(6)}, training=True)
    labels = np.asarray(new["labels"])
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-5)
    mean = np.asarray(new["images"]).mean((1, 2, 3))
    np.testing.assert_allclose(mean, labels @ np.arange(6), atol=0.2)
    assert len(np.unique(new["images"][:, 0, 0, 0])) > 1


@pytest.mark.slow
def test_rand_augment_samples_all_layers():
    layer = cornu.layers.RandAugment(seed=1)
    which = {int(n) for _ in range(40) for n in layer.sample(IMAGES, layer.make_rng(IMAGES))[0]}
    assert which == set(range(11))
    # Each of them is what its layer does; the number behind them does nothing.
    key = layer.make_rng(IMAGES).key()
    results = [np.asarray(layer.apply_step(IMAGES, n, key)) for n in range(12)]
    np.testing.assert_array_equal(results[11], IMAGES)
    assert all(result.shape == IMAGES.shape for result in results)
    assert sum(np.abs(result - IMAGES).max() > 1 for result in results) >= 10
    auto = cornu.layers.AutoContrast()(IMAGES)
    np.testing.assert_allclose(results[5], auto, rtol=1e-5, atol=1e-3)


@pytest.mark.slow
def test_aug_mix():
    layer = cornu.layers.AugMix(num_chains=2, chain_depth=1)
    keys = layer.sample(IMAGES, layer.make_rng(IMAGES))[3]
    none = np.full((2, 1), len(layer._steps))
    same = layer.transform(IMAGES, np.array([0.3, 0.7]), 0.4, none, keys)
    np.testing.assert_allclose(same, IMAGES, rtol=1e-5)
    half = layer.transform(IMAGES, np.array([1.0, 0.0]), 0.25, np.array([[5], [11]]), keys)
    auto = np.asarray(cornu.layers.AutoContrast()(IMAGES))
    np.testing.assert_allclose(half, 0.25 * IMAGES + 0.75 * auto, rtol=1e-4, atol=1e-2)
    assert len(cornu.layers.AugMix(all_ops=False)._steps) == 7
