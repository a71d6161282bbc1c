"""Bounding boxes and masks follow the images: as in Keras, and as the pixels of the images do."""

from __future__ import annotations

import os

import jax
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.layers.preprocessing.images.base import ImageLayer, Transformation
from cornu.layers.preprocessing.images.spatial import SpatialLayer
from cornu.utils.bounding_boxes import convert_format
from tests.conformance.faults import fault
from tests.layers.preprocessing.test_image_base import IMAGES, RANDOM, made, make_all
from tests.sampling import slow_except
from tests.utils.test_bounding_boxes import FORMATS

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

RNG = np.random.default_rng(0)
SIZE = 40, 48
PHOTOS = RNG.uniform(0, 255, (3, *SIZE, 3)).astype("float32")


def _boxes(low=0.25, high=0.55):
    """Returns boxes in the format xyxy, in the middle of the images."""
    first = RNG.uniform(low, high, (3, 4, 2))
    last = first + RNG.uniform(0.1, 0.25, (3, 4, 2))
    return (np.concatenate([first, last], -1) * [48, 40, 48, 40]).astype("float32")


BOXES, LABELS = _boxes(), RNG.integers(0, 9, (3, 4))


def _sample(boxes=BOXES, labels=LABELS, images=PHOTOS):
    return {"images": images, "bounding_boxes": {"boxes": np.array(boxes), "labels": labels}}


def _pair(name, *args, **kwargs):
    return [
        getattr(library.layers, name)(*args, **({"bounding_box_format": "xyxy"} | kwargs))
        for library in (cornu, keras)
    ]


# -------------------------------------------------------------------------------- beside Keras

WINDOWS = {
    "center crop": ("CenterCrop", (20, 30)),
    "center crop of smaller images": ("CenterCrop", (60, 50)),
    "stretched": ("Resizing", (20, 60)),
    "cropped and resized": ("Resizing", (20, 20, "bilinear", True)),
    "padded and resized": ("Resizing", (48, 48, "bilinear", False, True)),
    "translated": ("RandomTranslation", ((0.25, 0.25), (-0.25, -0.25))),
}


@pytest.mark.parametrize("case", WINDOWS)
def test_boxes_of_every_format_are_those_of_keras(case):
    name, args = WINDOWS[case]
    for layout in FORMATS if case == "translated" else ("xyxy", "rel_center_xywh"):
        ours, theirs = _pair(name, *args, bounding_box_format=layout)
        boxes = np.asarray(convert_format(BOXES, "xyxy", layout, *SIZE))
        new, expected = (
            layer(_sample(boxes), training=True)["bounding_boxes"] for layer in (ours, theirs)
        )
        np.testing.assert_allclose(new["boxes"], expected["boxes"], rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(new["labels"], expected["labels"])


# Keras gives an edge of a box the coordinate of the pixel behind it, here it lies between two
# pixels: then the boxes of Keras are half a pixel away before and after.
MATRICES = {
    "rotated": ("RandomRotation", ((0.1, 0.1),)),
    "rotated back": ("RandomRotation", ((-0.3, -0.3),)),
    "zoomed out": ("RandomZoom", ((0.3, 0.3),)),
    "zoomed in": ("RandomZoom", ((-0.2, -0.2), (0.1, 0.1))),
}


@pytest.mark.parametrize("case", MATRICES)
def test_boxes_are_those_of_keras_half_a_pixel_away(case):
    ours, theirs = _pair(MATRICES[case][0], *MATRICES[case][1])
    new = ours(_sample(), training=True)["bounding_boxes"]
    expected = theirs(_sample(BOXES - 0.5), training=True)["bounding_boxes"]
    np.testing.assert_allclose(new["boxes"], expected["boxes"] + 0.5, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(new["labels"], expected["labels"])


def test_boxes_are_those_of_keras_for_its_random_numbers():
    for seed in range(3):
        ours, theirs = _pair("RandomFlip", "horizontal", seed=seed)
        numbers = theirs.get_random_transformation(PHOTOS)
        flipped = Transformation((numbers["flips"].reshape(3),), SIZE)
        new = ours.transform_bounding_boxes(_sample()["bounding_boxes"], flipped)
        expected = theirs.transform_bounding_boxes(_sample()["bounding_boxes"], numbers)
        np.testing.assert_allclose(new["boxes"], expected["boxes"], rtol=1e-4, atol=1e-3)

        ours, theirs = _pair("RandomPerspective", 0.9, 0.5, seed=seed)
        numbers = theirs.get_random_transformation(PHOTOS)
        starts, ends = numbers["start_points"], numbers["end_points"]
        moved = np.nan_to_num((ends - starts) / np.maximum(starts, 1e-9))
        warped = Transformation((numbers["apply_perspective"], moved), SIZE)
        new = ours.transform_bounding_boxes(_sample()["bounding_boxes"], warped)
        shifted = _sample(cornu.ops.array(BOXES - 0.5))["bounding_boxes"]
        expected = theirs.transform_bounding_boxes(shifted, numbers)
        inside = np.asarray(new["boxes"] < 40).all((1, 2))  # clipped half a pixel away
        np.testing.assert_allclose(
            new["boxes"][inside], np.asarray(expected["boxes"])[inside] + 0.5, rtol=1e-3, atol=0.05
        )


@fault("layers.RandomShear")
def test_boxes_of_images_that_are_not_square_are_sheared():
    # Of one direction, and for square images, Keras is right.
    ours, theirs = _pair("RandomShear", (0.2, 0.2), 0.0)
    square = PHOTOS[:, :, :40]
    for images, equal in ((square, True), (PHOTOS, False)):
        for seed in range(3):
            numbers = theirs.get_random_transformation(images, seed=seed)
            across, down = np.asarray(numbers["shear_factor"]).T
            (matrix,) = ours.matrix(1, across, 0, down, 1, 0)
            boxes = BOXES * 0.8
            given = {"boxes": cornu.ops.array(boxes - 0.5), "labels": LABELS}
            expected = theirs.transform_bounding_boxes(given, numbers)
            new = ours.transform_bounding_boxes(
                _sample(boxes)["bounding_boxes"], Transformation((matrix,), images.shape[1:3])
            )
            difference = np.abs(new["boxes"] - expected["boxes"] - 0.5)
            assert (difference.max() < 1e-2) == equal


@fault("layers.RandomRotation", "layers.RandomPerspective")
def test_boxes_remain_in_their_format():
    width_and_height = np.asarray(convert_format(BOXES, "xyxy", "xywh"))
    for name, args in (("RandomRotation", ((0.0, 0.0),)), ("RandomPerspective", (1.0, 0.0))):
        ours, theirs = (
            layer(_sample(width_and_height))["bounding_boxes"]["boxes"]
            for layer in _pair(name, *args, bounding_box_format="xywh")
        )
        np.testing.assert_allclose(ours, width_and_height, rtol=1e-4, atol=1e-3)
        assert np.abs(theirs - width_and_height).max() > 1


@fault("layers.RandomCrop")
def test_cropped_boxes_lie_in_the_crop():
    # A crop that has the width of the image moves boxes upward only.
    ours, theirs = _pair("RandomCrop", 10, 47, seed=1)
    left = [layer(_sample())["bounding_boxes"]["boxes"][..., 0] for layer in (ours, theirs)]
    assert np.abs(left[0] - BOXES[..., 0]).max() <= 1
    assert np.abs(left[1] - BOXES[..., 0]).max() > 1


@fault("layers.RandAugment")
def test_boxes_of_rand_augment_follow_the_order_of_its_steps():
    ours, theirs = _pair("RandAugment", num_ops=2, seed=1)
    layer = layers.RandAugment(num_ops=2, bounding_box_format="xyxy", seed=1)
    spec, boxes = layer._channels_last_spec(PHOTOS), _sample()["bounding_boxes"]
    (_, keys) = layer.sample(spec, layer.make_rng(PHOTOS))
    rotated_first, sheared_first = (
        layer.transform_bounding_boxes(boxes, Transformation((np.array(which), keys), SIZE))
        for which in ([2, 0], [0, 2])
    )
    assert np.abs(rotated_first["boxes"] - sheared_first["boxes"]).max() > 0.5
    numbers = theirs.get_random_transformation(PHOTOS)
    results = [
        theirs.transform_bounding_boxes(
            {"boxes": cornu.ops.array(BOXES), "labels": LABELS},
            numbers | {"layer_idxes": np.array(which)},
        )["boxes"]
        for which in ([0, 2], [2, 0])
    ]
    np.testing.assert_array_equal(*results)


def test_mix_up_joins_the_boxes_of_keras():
    ours, theirs = _pair("MixUp")
    order, weight = np.array([2, 0, 1]), np.array([0.2, 0.5, 0.9], "float32")
    new = ours.transform_bounding_boxes(
        _sample()["bounding_boxes"], Transformation((order, weight), SIZE)
    )
    numbers = {"permutation_order": order, "mix_weight": weight}
    expected = theirs.transform_bounding_boxes(_sample()["bounding_boxes"], numbers)
    np.testing.assert_allclose(new["boxes"], expected["boxes"])
    assert new["labels"].tolist() == np.concatenate([LABELS, LABELS[order]], 1).tolist()


@fault("layers.MixUp")
def test_mix_up_keeps_masks_and_labels_together():
    masks = np.eye(3, dtype="float32")[RNG.integers(0, 3, (3, *SIZE))]
    ours, theirs = _pair("MixUp")
    order, weight = np.array([2, 0, 1]), np.array([0.2, 0.5, 0.9], "float32")
    mixed = ours.transform_segmentation_masks(masks, Transformation((order, weight), SIZE))
    column = weight[:, None, None, None]
    np.testing.assert_allclose(mixed, column * masks + (1 - column) * masks[order], rtol=1e-5)
    numbers = {"permutation_order": order, "mix_weight": weight}
    assert np.abs(theirs.transform_segmentation_masks(masks, numbers) - mixed).max() > 0.1
    labels = theirs.transform_bounding_boxes(_sample()["bounding_boxes"], numbers)["labels"]
    assert labels.shape == (6, 4), "not one per box"
    classes = masks.argmax(-1)[..., None]
    np.testing.assert_array_equal(
        ours.transform_segmentation_masks(classes, Transformation((order, weight), SIZE)), classes
    )


def test_a_fixed_number_of_boxes_as_in_keras():
    for number, fill in ((2, -1), (4, 0), (7, -1)):
        ours, theirs = _pair("MaxNumBoundingBoxes", number, fill)
        new, expected = (layer(_sample()) for layer in (ours, theirs))
        for key in ("boxes", "labels"):
            np.testing.assert_array_equal(
                new["bounding_boxes"][key], expected["bounding_boxes"][key]
            )
        one = {"boxes": BOXES[0], "labels": LABELS[0]}
        single = ours({"images": PHOTOS[0], "bounding_boxes": one})["bounding_boxes"]
        np.testing.assert_array_equal(single["boxes"], new["bounding_boxes"]["boxes"][0])
    assert layers.MaxNumBoundingBoxes.from_config(ours.get_config()).fill_value == -1
    unsigned = _sample(labels=LABELS.astype("uint8"))
    assert ours(unsigned)["bounding_boxes"]["labels"].min() == -1


# --------------------------------------------------------------------- beside the pixels

# Every layer that moves pixels. Outside of the images is nothing, instead of a reflection of them.
EMPTY = {"fill_mode": "constant"}
MOVING = {
    "CenterCrop": (lambda **k: layers.CenterCrop(24, 30, **k), {}),
    "Resizing": (lambda **k: layers.Resizing(31, 70, **k), {}),
    "Resizing crop": (lambda **k: layers.Resizing(31, 70, crop_to_aspect_ratio=True, **k), {}),
    "Resizing pad": (lambda **k: layers.Resizing(31, 70, pad_to_aspect_ratio=True, **k), {}),
    "RandomCrop": (lambda **k: layers.RandomCrop(24, 30, **k), {}),
    "RandomCrop resized": (lambda **k: layers.RandomCrop(60, 50, **k), {}),
    "RandomFlip": (lambda **k: layers.RandomFlip(**k), {}),
    "RandomRotation": (lambda **k: layers.RandomRotation(0.5, **k), EMPTY),
    "RandomTranslation": (lambda **k: layers.RandomTranslation(0.4, 0.4, **k), EMPTY),
    "RandomZoom": (lambda **k: layers.RandomZoom(0.6, 0.6, **k), EMPTY),
    "RandomShear": (lambda **k: layers.RandomShear(0.5, 0.4, **k), EMPTY),
    "RandomPerspective": (lambda **k: layers.RandomPerspective((1.0, 1.0), 0.6, **k), {}),
    "RandomElasticTransform": (
        lambda **k: layers.RandomElasticTransform((1.0, 1.0), (0.6, 0.6), **k),
        EMPTY,
    ),
    "RandAugment": (lambda **k: layers.RandAugment(num_ops=2, factor=0.2, **k), {}),
}


def test_the_table_names_every_layer_that_moves_pixels():
    kinds = {kind for kind in vars(layers).values() if isinstance(kind, type)}
    moving = {kind for kind in kinds if issubclass(kind, SpatialLayer)}
    assert {kind.__name__ for kind in moving} == {name.split()[0] for name in MOVING}


def _bounds(inside):
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("name", slow_except(MOVING, ["RandomRotation"]))
def test_a_bright_rectangle_is_in_its_box(name):
    make, kwargs = MOVING[name]
    count = 24
    rng = np.random.default_rng(1)
    first = rng.integers((17, 14), (22, 18), (count, 2))
    corners = np.concatenate([first, first + rng.integers(6, 10, (count, 2))], -1)
    masks = np.zeros((count, *SIZE, 1), "float32")
    for mask, (x1, y1, x2, y2) in zip(masks, corners, strict=True):
        mask[y1:y2, x1:x2] = 1
    boxes = {"boxes": corners[:, None], "labels": np.full((count, 1), 7)}
    data = {"images": masks.repeat(3, -1) * 255, "bounding_boxes": boxes}
    layer = make(bounding_box_format="xyxy", **kwargs, **({"seed": 3} if "Random" in name else {}))
    new = layer(data | {"segmentation_masks": masks.astype("int32")}, training=True)
    moved, labels = (np.asarray(new["bounding_boxes"][key])[:, 0] for key in ("boxes", "labels"))
    seen = np.asarray(new["segmentation_masks"])[..., 0]
    pixels = np.asarray(new["images"])[..., 0]
    height, width = pixels.shape[1:]
    visible = 0
    for box, label, mask, image in zip(moved, labels, seen, pixels, strict=True):
        assert (box >= 0).all() and (box <= [width, height] * 2).all()
        inside = [mask == 1] if name == "RandAugment" else [mask == 1, image > 128]
        for part in inside:
            if not part.any():
                continue
            visible += 1
            assert label == 7
            bounds = _bounds(part)
            assert (bounds[:2] >= box[:2] - 1).all() and (bounds[2:] <= box[2:] + 1).all()
            if (bounds > 0).all() and (bounds < [width, height] * 2).all():
                loose = 3 if name in ("RandAugment", "Resizing crop") else 2
                assert np.abs(bounds - box).max() <= loose, "the box is not larger than needed"
        if label == -1:
            assert not inside[0].any() or inside[0].sum() <= 2
    assert visible > count / 2


def test_cut_mix_shows_where_the_boxes_of_both_images_are():
    count = 60
    rng = np.random.default_rng(2)
    first = rng.integers(2, 28, (count, 2))
    corners = np.concatenate([first, first + rng.integers(4, 12, (count, 2))], -1)
    masks = np.zeros((count, *SIZE, 1), "int32")
    for i, (x1, y1, x2, y2) in enumerate(corners):
        masks[i, y1:y2, x1:x2] = i + 1
    boxes = {"boxes": corners[:, None], "labels": np.arange(1, count + 1)[:, None]}
    data = {"images": masks * 1.0, "segmentation_masks": masks, "bounding_boxes": boxes}
    layer = layers.CutMix(seed=1, bounding_box_format="xyxy")
    new = layer(data, training=True)
    boxes = {key: np.asarray(value) for key, value in new["bounding_boxes"].items()}
    assert boxes["boxes"].shape == (count, 2, 4)
    for mask, both, labels in zip(
        np.asarray(new["segmentation_masks"])[..., 0], boxes["boxes"], boxes["labels"], strict=True
    ):
        assert set(np.unique(mask)) - {0} <= set(labels.tolist()) - {-1}
        for box, label in zip(both, labels, strict=True):
            if label != -1 and (mask == label).any():
                bounds = _bounds(mask == label)
                assert (bounds[:2] >= box[:2]).all() and (bounds[2:] <= box[2:]).all()
    assert (boxes["labels"] == -1).any() and (boxes["labels"][:, 1] != -1).any()


STILL = [
    name
    for name, make in make_all().items()
    if not isinstance(make(), SpatialLayer) and name not in ("MixUp", "CutMix")
]


@pytest.mark.parametrize("name", slow_except(STILL, ["RandomBrightness", "AutoContrast"]))
def test_boxes_and_masks_stay_where_pixels_stay(name):
    masks = (IMAGES[..., :1] > 128).astype("int32")
    boxes = {"boxes": np.ones((4, 2, 4)), "labels": np.ones((4, 2), int), "scores": np.ones((4, 2))}
    data = {"images": IMAGES, "bounding_boxes": boxes, "segmentation_masks": masks}
    new = make_all()[name]()(data, training=True)
    assert set(new["bounding_boxes"]) == set(boxes)
    if name != "MaxNumBoundingBoxes":
        for key, value in boxes.items():
            np.testing.assert_array_equal(new["bounding_boxes"][key], value)
    np.testing.assert_array_equal(new["segmentation_masks"], masks)


# --------------------------------------------------------------------------- forms of boxes


def _moved(boxes, images=PHOTOS, layout="xyxy", **kwargs):
    layer = layers.RandomTranslation((0.25, 0.25), (0.5, 0.5), bounding_box_format=layout, **kwargs)
    return layer({"images": images, "bounding_boxes": boxes}, training=True)["bounding_boxes"]


def test_boxes_outside_of_the_image_and_padding():
    given = np.array([[[0, 0, 24, 10], [30, 0, 40, 10], [0, 0, 0, 0], [-1, -1, -1, -1]]] * 3)
    new = _moved({"boxes": given, "labels": np.array([[1, 2, 3, -1]] * 3)})
    assert new["boxes"][0].tolist() == [[24, 10, 48, 20], [48, 10, 48, 20], [0] * 4, [0] * 4]
    assert new["labels"][0].tolist() == [1, -1, -1, -1]
    one_hot = _moved({"boxes": given, "labels": np.ones((3, 4, 2))})["labels"]
    assert one_hot[0].tolist() == [[1, 1], [-1, -1], [-1, -1], [-1, -1]]
    for layout in ("xywh", "rel_xywh", "center_yxhw"):
        new = _moved({"boxes": given[:, 2:], "labels": np.ones((3, 2), int)}, layout=layout)
        assert (np.asarray(new["boxes"]) == 0).all() and (np.asarray(new["labels"]) == -1).all()


@pytest.mark.slow
def test_no_boxes():
    new = _moved({"boxes": np.zeros((3, 0, 4)), "labels": np.zeros((3, 0), int)})
    assert new["boxes"].shape == (3, 0, 4) and new["labels"].shape == (3, 0)
    for kind in (layers.RandomElasticTransform, layers.MixUp):
        kind = kind(bounding_box_format="xyxy")
        boxes = {"boxes": np.zeros((3, 0, 4)), "labels": np.zeros((3, 0), int)}
        new = kind({"images": PHOTOS, "bounding_boxes": boxes})["bounding_boxes"]
        assert new["boxes"].shape == (3, 0, 4)


def test_lists_of_different_lengths_are_padded():
    boxes = [[[0, 0, 24, 10], [0, 0, 12, 10]], [], [[30, 0, 40, 10]]]
    new = _moved({"boxes": boxes, "labels": [[1, 2], [], [3]]})
    assert new["boxes"].shape == (3, 2, 4)
    assert new["labels"].tolist() == [[1, 2], [-1, -1], [-1, -1]]
    assert new["boxes"][0].tolist() == [[24, 10, 48, 20], [24, 10, 36, 20]]
    single = _moved({"boxes": boxes[0], "labels": [1, 2]}, PHOTOS[0])
    assert single["boxes"].tolist() == new["boxes"][0].tolist()
    arrays = [np.array(rows, float).reshape(-1, 4) for rows in boxes]
    again = _moved({"boxes": arrays, "labels": [np.arange(len(rows)) for rows in boxes]})
    np.testing.assert_array_equal(again["boxes"], new["boxes"])
    with pytest.raises(ValueError, match=r"one of 'labels' per box. Received \[2, 0, 1\] boxes"):
        _moved({"boxes": boxes, "labels": [[1], [], [3]]})


@pytest.mark.slow  # imports TensorFlow
def test_ragged_tensors_in_a_dataset():
    tf = pytest.importorskip("tensorflow")
    boxes = [[[0.0, 0, 24, 10], [0, 0, 12, 10]], [], [[30.0, 0, 40, 10]]]
    ragged = {
        "boxes": tf.ragged.constant(boxes, ragged_rank=1, inner_shape=(4,)),
        "labels": tf.ragged.constant([[1, 2], [], [3]], tf.int32),
    }
    move = layers.RandomTranslation((0.25, 0.25), (0.5, 0.5), bounding_box_format="xyxy")
    fixed = layers.MaxNumBoundingBoxes(3)
    data = {"images": PHOTOS, "bounding_boxes": ragged}
    expected = fixed(move(data))["bounding_boxes"]
    assert expected["labels"].tolist() == [[1, 2, -1], [-1, -1, -1], [-1, -1, -1]]
    pipeline = layers.Pipeline([move, fixed])
    dataset = tf.data.Dataset.from_tensor_slices(data)
    for mapped in (dataset.batch(3).map(move).map(fixed), dataset.batch(3).map(pipeline)):
        assert mapped.element_spec["bounding_boxes"]["boxes"].shape.as_list()[1:] == [3, 4]
        (new,) = mapped
        for key, value in expected.items():
            np.testing.assert_allclose(new["bounding_boxes"][key], value)
    # One image at a time, with as many boxes as it has.
    dense = tf.data.Dataset.from_generator(
        lambda: (
            {"images": image, "boxes": np.reshape(rows, (-1, 4)), "labels": np.ones(len(rows))}
            for image, rows in zip(PHOTOS, boxes, strict=True)
        ),
        output_signature={
            "images": tf.TensorSpec((*SIZE, 3)),
            "boxes": tf.TensorSpec((None, 4)),
            "labels": tf.TensorSpec((None,), tf.int32),
        },
    )
    single = dense.map(
        lambda x: {
            "images": x["images"],
            "bounding_boxes": {"boxes": x["boxes"], "labels": x["labels"]},
        }
    )
    for new, row, given in zip(single.map(move).map(fixed), expected["boxes"], boxes, strict=True):
        assert new["bounding_boxes"]["boxes"].shape == (3, 4)
        n = len(given)
        np.testing.assert_allclose(new["bounding_boxes"]["boxes"][:n], row[:n])


def test_in_a_pipeline_and_a_model():
    flow = [
        layers.RandomFlip("horizontal", seed=1, bounding_box_format="rel_xyxy"),
        layers.Resizing(20, 24, bounding_box_format="rel_xyxy"),
        layers.MaxNumBoundingBoxes(6),
    ]
    boxes = np.asarray(convert_format(BOXES, "xyxy", "rel_xyxy", *SIZE))
    new = layers.Pipeline(flow)(_sample(boxes))
    assert new["images"].shape == (3, 20, 24, 3)
    assert new["bounding_boxes"]["boxes"].shape == (3, 6, 4)
    inputs = {
        "images": cornu.Input((*SIZE, 3)),
        "bounding_boxes": {"boxes": cornu.Input((None, 4)), "labels": cornu.Input((None,))},
    }
    x = inputs
    for layer in flow:
        x = layer(x)
    assert x["bounding_boxes"]["boxes"].shape == (None, 6, 4)
    model = cornu.Model(inputs, x)
    out = model.predict(_sample(boxes), verbose=0)
    np.testing.assert_allclose(out["bounding_boxes"]["boxes"][:, :4], boxes, atol=1e-5)
    again = cornu.Model.from_config(model.get_config()).predict(_sample(boxes), verbose=0)
    np.testing.assert_array_equal(
        again["bounding_boxes"]["labels"], out["bounding_boxes"]["labels"]
    )


def test_half_precision_does_not_round_boxes():
    for dtype in ("mixed_bfloat16", "bfloat16"):
        boxes = {"boxes": BOXES + 0.123, "labels": LABELS}
        exact, new = _moved(boxes), _moved(boxes, dtype=dtype)
        assert new["boxes"].dtype == "float32"
        np.testing.assert_array_equal(exact["boxes"], new["boxes"])


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: layers.RandomFlip()(_sample()),
            'format of the bounding boxes is unknown.*\n.*RandomFlip.*bounding_box_format="xyxy"',
        ),
        (
            lambda: layers.RandomFlip(bounding_box_format="xyxz"),
            r"bounding_box_format must be one of .*'xyxz'\nDid you mean 'xyxy'",
        ),
        (lambda: _moved({"boxes": BOXES}), "must be a dict with the keys .*\\['boxes'\\]"),
        (lambda: _moved(BOXES), "must be a dict with the keys"),
        (
            lambda: _moved({"boxes": BOXES[0], "labels": LABELS[0]}),
            r"shape \(batch, boxes, 4\).*Received: the shape \(4, 4\)",
        ),
        (
            lambda: _moved({"boxes": BOXES[..., :3], "labels": LABELS}),
            r"Received: the shape \(3, 4, 3\)",
        ),
        (lambda: _moved({"boxes": BOXES, "labels": LABELS[:, :2]}), "one label per box"),
        (lambda: layers.MaxNumBoundingBoxes(0), "max_number must be a positive integer"),
        (
            lambda: layers.RandomFlip()(
                {"images": PHOTOS, "segmentation_masks": np.ones((3, 40, 48))}
            ),
            "segmentation_masks must have the axes of the images",
        ),
    ],
)
def test_wrong_boxes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---------------------------------------------------------------- methods of image layers


@pytest.mark.parametrize("name", slow_except(RANDOM, ["RandomRotation", "RandomBrightness"]))
def test_methods_compute_what_the_call_computes(name):
    masks = (IMAGES[..., :1] > 128).astype("float32")
    boxes = {"boxes": np.tile([1.0, 1, 4, 5], (4, 2, 1)), "labels": np.ones((4, 2), int)}
    data = {
        "images": IMAGES,
        "labels": np.eye(4),
        "bounding_boxes": boxes,
        "segmentation_masks": masks,
    }
    expected = made(name, bounding_box_format="xyxy")(data)
    layer = made(name, bounding_box_format="xyxy")
    transformation = layer.get_random_transformation(data)
    assert isinstance(transformation, Transformation)
    got = jax.jit(
        lambda transformation: {
            "images": layer.transform_images(IMAGES, transformation),
            "labels": layer.transform_labels(np.eye(4), transformation),
            "bounding_boxes": layer.transform_bounding_boxes(boxes, transformation),
            "segmentation_masks": layer.transform_segmentation_masks(masks, transformation),
        }
    )(transformation)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-2), got, expected)
    one = made(name, bounding_box_format="xyxy")
    transformation = one.get_random_transformation(IMAGES[0], seed=2)
    again = one.get_random_transformation({"images": IMAGES[0]}, seed=2)
    image = one.transform_single_image(IMAGES[0], transformation)
    np.testing.assert_array_equal(image, one.transform_single_image(IMAGES[0], again))
    assert image.shape == got["images"].shape[1:]
    assert one.transform_single_label(np.eye(4)[0], transformation).shape == (4,)
    pair = {"boxes": boxes["boxes"][0], "labels": boxes["labels"][0]}
    new = one.transform_single_bounding_box(pair, transformation)
    assert new["boxes"].shape == got["bounding_boxes"]["boxes"].shape[1:]
    mask = one.transform_single_segmentation_mask(masks[0], transformation)
    assert mask.shape == got["segmentation_masks"].shape[1:]
    if name != "RandomCrop":
        assert one.get_random_transformation(IMAGES, training=False) is None
        np.testing.assert_array_equal(
            one.transform_images(IMAGES, transformation, training=False),
            IMAGES,
            "outside of training",
        )


class Patch(ImageLayer):
    """A layer that is written with the methods of Keras."""

    def get_random_transformation(self, data, training=True, seed=None):
        return {"rows": 2} if training else None

    def transform_images(self, images, transformation, training=True):
        if training:
            images = cornu.ops.roll(images, transformation["rows"], 1)
        return images

    def transform_labels(self, labels, transformation, training=True):
        return labels * 2

    def transform_bounding_boxes(self, bounding_boxes, transformation, training=True):
        return {**bounding_boxes, "boxes": bounding_boxes["boxes"] + transformation["rows"]}


class OneWay(layers.RandomFlip):
    """A layer of the library with one method of Keras overridden."""

    def get_random_transformation(self, data, training=True, seed=None):
        transformation = super().get_random_transformation(data, training=training, seed=seed)
        return Transformation((np.ones_like(transformation.numbers[0]),), transformation.size)


def test_overridden_methods_are_called():
    layer = Patch()
    new = layer(_sample() | {"labels": np.ones((3, 1))})
    np.testing.assert_array_equal(new["images"], np.roll(PHOTOS, 2, 1))
    np.testing.assert_array_equal(new["bounding_boxes"]["boxes"], BOXES + 2)
    assert (np.asarray(new["labels"]) == 2).all()
    np.testing.assert_array_equal(layer(PHOTOS[0]), np.roll(PHOTOS[0], 2, 0))
    np.testing.assert_array_equal(layer(PHOTOS, training=False), PHOTOS)
    model = cornu.Sequential([cornu.Input((*SIZE, 3)), layer])
    np.testing.assert_array_equal(model.predict(PHOTOS, verbose=0), PHOTOS)
    with pytest.raises(TypeError, match="result of its method get_random_transformation"):
        layer({"images": PHOTOS, "segmentation_masks": PHOTOS})
    flip = OneWay("horizontal", bounding_box_format="rel_xyxy")
    flipped = flip(_sample(np.tile([0.0, 0, 0.25, 1], (3, 4, 1))))
    np.testing.assert_array_equal(flipped["images"], PHOTOS[:, :, ::-1])
    assert flipped["bounding_boxes"]["boxes"][0, 0].tolist() == [0.75, 0, 1, 1]


def test_a_layer_that_moves_pixels_must_say_where_boxes_go():
    class Shifted(ImageLayer):
        def transform(self, images):
            return cornu.ops.roll(images, 1, 1)

    layer = Shifted(bounding_box_format="xyxy")
    np.testing.assert_array_equal(layer(PHOTOS), np.roll(PHOTOS, 1, 1))
    with pytest.raises(NotImplementedError, match="does not transform bounding boxes"):
        layer(_sample())
    with pytest.raises(NotImplementedError, match="does not transform segmentation masks"):
        layer({"images": PHOTOS, "segmentation_masks": PHOTOS})


def test_geometric_helpers_are_those_of_keras():
    given = {"boxes": cornu.ops.array(BOXES), "labels": LABELS}
    shift = np.array([[3.0], [-2], [0]], "float32"), np.array([[1.0], [2], [5]], "float32")
    transform = np.array([[1, 0.1, 3, 0.2, 1, -2, 0.01, 0.02]] * 3, "float32")
    for name, args in (("RandomShear", (0.1, 0.1)), ("RandomTranslation", (0.1, 0.1))):
        ours, theirs = _pair(name, *args)
        a, b = (layer.get_shifted_bbox(dict(given), *shift) for layer in (ours, theirs))
        np.testing.assert_allclose(a["boxes"], b["boxes"], rtol=1e-6)
        a, b = (layer.get_transformed_x_y(2.0, 3.0, transform) for layer in (ours, theirs))
        np.testing.assert_allclose(a, b, rtol=1e-6)
    ours, theirs = _pair("RandomZoom", 0.1)
    edges = [np.full((3, 1), edge, "float32") for edge in (30, 5, 35, 10)]
    a, b = (layer.get_clipped_bbox(dict(given), *edges) for layer in (ours, theirs))
    np.testing.assert_allclose(a["boxes"], b["boxes"], rtol=1e-6)
    ours, theirs = _pair("RandomElasticTransform")
    a, b = (layer.get_elastic_transform_params(20, 30, 0.5) for layer in (ours, theirs))
    np.testing.assert_allclose(a, b)
    assert ours.convert_weight(edges) is edges
