"""What all layers on images have in common: layouts, phases, dicts, seeds, compiled steps."""

from __future__ import annotations

import copy
import functools
import pickle

import jax
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.core.graph.graph import Graph
from cornu.core.state import scope
from cornu.layers.preprocessing.images.factors import ImageRNG, factor_range, value_pair
from tests.compiling import compilations
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 6, 5, 3)).astype("float32")

# A layer of each random class; every new instance draws the same numbers.
RANDOM = {
    "RandomBrightness": (0.2,),
    "RandomColorDegeneration": (0.4,),
    "RandomColorJitter": ((0, 255), 0.1, 0.2, 0.3, 0.1),
    "RandomContrast": (0.2,),
    "RandomCrop": (4, 3),
    "RandomElasticTransform": (),
    "RandomErasing": (),
    "RandomFlip": (),
    "RandomGaussianBlur": (),
    "RandomGrayscale": (0.5,),
    "RandomHue": (0.2,),
    "RandomInvert": (),
    "RandomPerspective": (),
    "RandomPosterization": ((2, 6),),
    "RandomRotation": (0.2,),
    "RandomSaturation": (0.8,),
    "RandomSharpness": (0.8,),
    "RandomShear": (0.2, 0.2),
    "RandomTranslation": (0.2, 0.2),
    "RandomZoom": (0.2,),
    "Solarization": (0.2, 0.5),
    "CutMix": (),
    "MixUp": (),
    "RandAugment": (),
    "AugMix": ((0, 255), 2, 1),
}

# One of each kind: colors, filters, spatial transformations, mixing.
TYPICAL = ("RandomBrightness", "RandomGaussianBlur", "RandomRotation", "MixUp")


def made(name, **kwargs):
    return getattr(layers, name)(*RANDOM[name], seed=5, **kwargs)


def make_all():
    """Returns a function for each image layer that constructs it."""
    certain = {
        "AutoContrast": (),
        "CenterCrop": (4, 4),
        "ContrastLimitedAdaptiveHistogramEqualization": ((0, 255), 4.0, (2, 2)),
        "Equalization": (),
        "MaxNumBoundingBoxes": (2,),
        "Resizing": (4, 4),
    }
    return {
        **{name: functools.partial(made, name) for name in RANDOM},
        **{name: functools.partial(getattr(layers, name), *args) for name, args in certain.items()},
    }


@pytest.mark.parametrize("name", slow_except(make_all(), ["RandomRotation", "RandAugment"]))
def test_a_loop_of_eager_calls_compiles_in_the_first_only(name):
    layer = make_all()[name]()
    layer(IMAGES)
    with compilations() as found:
        for _ in range(19):
            layer(IMAGES)
    assert found == []


@pytest.mark.parametrize("name", slow_except(make_all(), ["RandAugment"]))
def test_copies_continue_as_the_original(name):
    layer = make_all()[name]()
    layer(IMAGES)
    copies = copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))
    expected = layer(IMAGES)
    for other in copies:
        np.testing.assert_array_equal(other(IMAGES), expected)


@pytest.mark.parametrize("name", slow_except(RANDOM, TYPICAL))
def test_layouts_and_dtypes(name):
    y = np.asarray(made(name)(IMAGES, training=True))
    assert y.dtype == "float32" and y.shape[0] == 4 and np.isfinite(y).all()
    moved = np.moveaxis(IMAGES, -1, 1)
    first = made(name, data_format="channels_first")(moved, training=True)
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), y, rtol=1e-5, atol=1e-3)
    integers = made(name)(IMAGES.astype("uint8"), training=True)
    assert integers.dtype == ("uint8" if name == "RandomGrayscale" else "float32")
    np.testing.assert_allclose(integers, y, atol=0.51 if name == "RandomGrayscale" else 1e-3)
    one = made(name)(IMAGES[0], training=True)
    assert one.shape == y.shape[1:]
    half = made(name, dtype="mixed_bfloat16")(IMAGES, training=True)
    assert half.dtype == "bfloat16"
    np.testing.assert_allclose(half.astype("float32"), y, rtol=1e-2, atol=1)


@pytest.mark.parametrize(
    "name", slow_except((name for name in RANDOM if name != "RandomCrop"), TYPICAL)
)
def test_nothing_changes_outside_of_training(name):
    layer = made(name)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
    if name not in ("RandomGrayscale", "RandomInvert", "CutMix"):
        assert np.abs(layer(IMAGES) - IMAGES).max() > 0, "called alone it changes, as in Keras"


def test_steps_draw_by_key_and_layers_by_seed():
    layer = layers.RandomBrightness(0.5)
    run = jax.jit(lambda key: scope.pure(lambda: layer(IMAGES, training=True), ())((), key)[0])
    one, same, other = (run(jax.random.key(n)) for n in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1
    added = np.asarray(one - IMAGES).reshape(4, -1)
    assert len({round(float(np.median(row)), 2) for row in added}) == 4, "each image has its own"
    first, second = (layers.RandomBrightness(0.5, seed=3) for _ in range(2))
    once = first(IMAGES)
    np.testing.assert_array_equal(once, second(IMAGES))
    assert np.abs(first(IMAGES) - once).max() > 1


@pytest.mark.slow
def test_in_a_model():
    inputs = cornu.Input((6, 5, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomCrop(4, 4)(layers.RandomRotation(0.1)(x))
    x = layers.RandAugment(num_ops=1)(x)
    model = cornu.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling2D()(x)))
    assert x.shape == (None, 4, 4, 3)
    model.compile("sgd", "mse")
    model.fit(IMAGES / 255, np.zeros((4, 1)), batch_size=3, epochs=2, verbose=0)
    one, two = (model.predict(IMAGES / 255, verbose=0) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(model(IMAGES / 255), one, rtol=1e-5)
    assert np.abs(model(IMAGES / 255, training=True) - one).max() > 0
    clone = cornu.Model.from_config(model.get_config())
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(IMAGES / 255, verbose=0), one)


@pytest.mark.parametrize("name", slow_except(RANDOM, [*TYPICAL, "RandomCrop"]))
def test_drawn(name):
    for shape in ((6, 5, 3), (None, None, 3)):
        if name == "RandomCrop" and None in shape:
            continue
        inputs = cornu.Input(shape)
        output = made(name)(inputs)
        assert output.dtype == "float32" and len(output.shape) == 4
    (y,) = Graph([inputs], [output]).run([IMAGES])
    assert y.shape == (4, *output.shape[1:]) or None in output.shape[1:]


def test_dicts():
    masks = (IMAGES[..., :1] > 128).astype("int32")
    data = {"images": IMAGES, "labels": np.eye(4), "segmentation_masks": masks, "name": masks}
    for layer in (
        layers.RandomFlip(seed=1),
        layers.RandomRotation((0.25, 0.25)),
        layers.RandomTranslation(0.3, 0.3, seed=1),
        layers.RandomCrop(4, 4, seed=1),
        layers.Resizing(3, 9),
        layers.CenterCrop(3, 3),
        layers.CutMix(seed=1),
    ):
        new = layer(data, training=True)
        assert set(new) == set(data) and data["images"] is IMAGES
        assert new["segmentation_masks"].shape == (*new["images"].shape[:3], 1)
        assert new["segmentation_masks"].dtype == "int32"
        assert set(np.unique(new["segmentation_masks"])) <= {0, 1}
    # Masks go where the pixels go.
    flip = layers.RandomFlip(seed=1)(data | {"segmentation_masks": IMAGES}, training=True)
    np.testing.assert_array_equal(flip["images"], flip["segmentation_masks"])
    color = layers.RandomBrightness(0.5)(data, training=True)
    np.testing.assert_array_equal(color["segmentation_masks"], masks)
    np.testing.assert_array_equal(color["labels"], np.eye(4))
    single = {"images": IMAGES[0], "labels": np.eye(4)[0], "segmentation_masks": masks[0]}
    new = layers.RandomCrop(4, 4)(single, training=False)
    assert [new[name].shape for name in single] == [(4, 4, 3), (4,), (4, 4, 1)]


def test_wrong_data():
    with pytest.raises(
        ValueError, match=r"images must have the shape .*Received: the shape \(2, 3\)"
    ):
        layers.RandomFlip()(np.ones((2, 3)))
    with pytest.raises(ValueError, match="Received: none"):
        layers.RandomFlip()({"labels": np.ones(2)})
    for name in ("RandomHue", "RandomSaturation", "RandomGrayscale"):
        with pytest.raises(ValueError, match="3 channels"):
            made(name)(np.ones((2, 4, 4, 2)), training=True)
    for name in ("RandAugment", "AugMix"):
        with pytest.raises(ValueError, match="whose number of channels is unknown"):
            made(name)(cornu.Input((4, 4, None)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.RandomRotation(2), "factor must be a number from -1 to 1, or a pair"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "factor must be a number from -1 to 1"),
        (lambda: layers.RandomRotation("much"), "factor must be a number from -1 to 1"),
        (lambda: layers.RandomRotation(0.1, "reflct"), "fill_mode must be one of"),
        (lambda: layers.RandomRotation(0.1, interpolation="cubic"), "interpolation must be one of"),
        (lambda: layers.RandomZoom((-1, 0)), "height_factor must be greater than -1"),
        (lambda: layers.RandomShear(-0.1), "x_factor must be a number from 0 to 1"),
        (lambda: layers.RandomPerspective(scale=2), "scale must be a number between 0 and 1"),
        (lambda: layers.RandomFlip("sideways"), "mode must be one of"),
        (lambda: layers.RandomBrightness(0.1, (0, 1, 2)), "value_range must be a pair"),
        (lambda: layers.RandomBrightness(0.1, (1, 1)), "value_range must be a pair"),
        (lambda: layers.RandomPosterization(9), "factor must be a number from 1 to 8"),
        (lambda: layers.RandomGrayscale(2), "factor must be a number between 0 and 1"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "kernel_size must be an odd number"),
        (lambda: layers.MixUp(0), "alpha must be positive"),
        (lambda: layers.RandomCrop(0, 4), "height must be a positive integer"),
        (lambda: layers.Resizing(4, 2.5), "width must be a positive integer"),
        (lambda: layers.RandAugment(num_ops=0), "num_ops must be a positive integer"),
        (lambda: layers.Equalization(bins=0), "bins must be a positive integer"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_ranges():
    assert factor_range("a", "b", 0.5) == (-0.5, 0.5) and factor_range("a", "b", 0.5, 0) == (0, 0.5)
    assert factor_range("a", "b", [0.5, -0.2]) == (-0.2, 0.5) and factor_range("a", "b", -0.5) == (
        -0.5,
        0.5,
    )
    assert value_pair("a", "b", [255, 0]) == (0, 255)


def test_dice():
    rng, same = ImageRNG(4000, jax.random.key(1)), ImageRNG(4000, jax.random.key(1))
    for draw in (
        lambda d: d.uniform(-1, 3),
        lambda d: d.uniform(0, 1, 2, 3),
        lambda d: d.normal(2),
        lambda d: d.bernoulli(0.2, 0.4),
        lambda d: d.signs(),
        lambda d: d.beta(0.5),
        lambda d: d.permutation(),
    ):
        one, two = draw(rng), draw(same)
        np.testing.assert_array_equal(one, two)
        assert one.shape[0] == 4000
    x = np.asarray(rng.uniform(-1, 3))
    assert -1 <= x.min() < -0.99 and 2.99 < x.max() <= 3 and abs(x.mean() - 1) < 0.1
    assert abs(np.mean(rng.bernoulli(0.2, 0.4)) - 0.3) < 0.04
    assert abs(np.mean(rng.signs())) < 0.06 and set(np.unique(rng.signs())) == {-1, 1}
    assert sorted(np.asarray(rng.permutation()).tolist()) == list(range(4000))
    beta = np.asarray(rng.beta(0.5))
    assert abs(beta.mean() - 0.5) < 0.03 and abs(beta.var() - 0.125) < 0.01
    assert abs(np.corrcoef(rng.uniform(0, 1), rng.uniform(0, 1))[0, 1]) < 0.06
    assert rng.uniform_scalar(2, 2, 3).tolist() == [2, 2, 2]
