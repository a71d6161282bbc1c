"""Functions on bounding boxes return what those of Keras return, and name what is wrong."""

from __future__ import annotations

import itertools
import os

import jax
import numpy as np
import pytest

import cornu
from cornu.utils import bounding_boxes as ours
from tests.conformance.faults import fault

os.environ.setdefault("KERAS_BACKEND", "jax")
theirs = pytest.importorskip("keras").utils.bounding_boxes

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 80, 100
FORMATS = [
    *("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw"),
    *("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"),
]
RELATIVE = [name for name in FORMATS if name.startswith("rel_")]
ABSOLUTE = [name for name in FORMATS if name not in RELATIVE]


def _boxes(*shape):
    """Returns boxes in the format xyxy, some of which leave the image."""
    first = RNG.uniform(-20, 90, (*shape, 2))
    return np.concatenate([first, first + RNG.uniform(1, 40, (*shape, 2))], -1).astype("float32")


BOXES, OTHERS = _boxes(3, 5), _boxes(3, 4)


def _as(name, boxes):
    return np.asarray(theirs.convert_format(boxes, "xyxy", name, HEIGHT, WIDTH))


def _assert_equal(a, b, **tolerance):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a, b, **({"rtol": 1e-5, "atol": 1e-4} | tolerance))


def test_every_pair_of_formats_is_converted_as_in_keras():
    for source, target in itertools.product(FORMATS, FORMATS):
        boxes, args = _as(source, BOXES), (source.upper(), target, HEIGHT, WIDTH)
        _assert_equal(ours.convert_format(boxes, *args), theirs.convert_format(boxes, *args))
    for boxes in (BOXES[0], BOXES[0, 0]):
        args = (boxes, "yxyx", "rel_xywh", HEIGHT, WIDTH)
        _assert_equal(ours.convert_format(*args), theirs.convert_format(*args))
    integers = BOXES.astype("int32")
    _assert_equal(
        ours.convert_format(integers, "xyxy", "center_yxhw", dtype="float16"),
        theirs.convert_format(integers, "xyxy", "center_yxhw", dtype="float16"),
    )
    data = {"boxes": BOXES, "labels": np.zeros((3, 5)), "scores": np.ones((3, 5))}
    new = ours.convert_format(data, "xyxy", "xywh")
    _assert_equal(new["boxes"], theirs.convert_format(BOXES, "xyxy", "xywh"))
    assert new["scores"] is data["scores"] and data["boxes"] is BOXES, "the dict is a new one"


def test_there_and_back_is_the_identity():
    for name in FORMATS:
        there = ours.convert_format(BOXES, "xyxy", name, HEIGHT, WIDTH)
        back = ours.convert_format(there, name, "xyxy", HEIGHT, WIDTH)
        np.testing.assert_allclose(back, BOXES, rtol=1e-5, atol=1e-4)


def test_clipped_as_in_keras():
    labels = RNG.integers(0, 9, (3, 5))
    for boxes in (BOXES, BOXES[0], BOXES.astype("int32")):
        data = {"boxes": boxes, "labels": labels if boxes.ndim == 3 else labels[0]}
        new = ours.clip_to_image_size(data, HEIGHT, WIDTH)
        expected = theirs.clip_to_image_size(
            {key: cornu.ops.array(value) for key, value in data.items()}, HEIGHT, WIDTH
        )
        for key in data:
            _assert_equal(new[key], expected[key])
    relative = {"boxes": cornu.ops.array(_as("rel_xyxy", BOXES)), "labels": labels}
    new = ours.clip_to_image_size(relative, bounding_box_format="rel_xyxy")
    expected = theirs.clip_to_image_size(relative, bounding_box_format="rel_xyxy")
    for key in relative:
        np.testing.assert_allclose(new[key], expected[key], atol=1e-6)
    assert "labels" not in ours.clip_to_image_size({"boxes": BOXES}, HEIGHT, WIDTH)


def test_clipped_in_every_format():
    labels = np.arange(15, dtype="uint8").reshape(3, 5)
    expected = ours.clip_to_image_size({"boxes": BOXES, "labels": labels}, HEIGHT, WIDTH)
    assert (np.asarray(expected["labels"]) == -1).any(), "unsigned labels can be marked, too"
    for name in FORMATS:
        data = {"boxes": _as(name, BOXES), "labels": labels}
        new = ours.clip_to_image_size(data, HEIGHT, WIDTH, name)
        back = ours.convert_format(new["boxes"], name, "xyxy", HEIGHT, WIDTH)
        np.testing.assert_allclose(back, expected["boxes"], rtol=1e-5, atol=1e-3)
        np.testing.assert_array_equal(new["labels"], expected["labels"])
    one_hot = np.eye(15)[labels]
    marked = np.asarray(
        ours.clip_to_image_size({"boxes": BOXES, "labels": one_hot}, HEIGHT, WIDTH)["labels"]
    )
    gone = np.asarray(expected["labels"]) == -1
    assert (marked[gone] == -1).all() and (marked[~gone] == one_hot[~gone]).all()


def test_cropped_and_padded_as_in_keras():
    for boxes in (BOXES, BOXES[0], BOXES.astype("int32")):
        array = cornu.ops.array(boxes)
        _assert_equal(ours.crop(boxes, 10, 20, 30, 40), theirs.crop(array, 10, 20, 30, 40))
        _assert_equal(ours.pad(boxes, 10, 20), theirs.pad(array, 10, 20))
    cropped, padded = ours.crop(BOXES, 10, 20, 30, 40), ours.pad(BOXES, 10, 20)
    for name in ABSOLUTE:
        boxes = _as(name, BOXES)
        for new, expected in (
            (ours.crop(boxes, 10, 20, 30, 40, name), cropped),
            (ours.pad(boxes, 10, 20, bounding_box_format=name), padded),
        ):
            back = ours.convert_format(new, name, "xyxy")
            np.testing.assert_allclose(back, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.slow
def test_transformed_as_in_keras():
    numbers = [
        np.array(values, "float32")
        for values in ([30, -50, 10], [0.1, 0, -0.2], [0, 0.2, 0.1], [1, 1.5, 0.7], [10, -5, 0])
    ]
    numbers.append(np.array([0, 20, 5], "float32"))
    for center in ({}, {"center_x": 0.2, "center_y": 0.7}):
        expected = theirs.affine_transform(BOXES, *numbers, HEIGHT, WIDTH, **center)
        _assert_equal(
            ours.affine_transform(BOXES, *numbers, HEIGHT, WIDTH, **center), expected, atol=1e-3
        )
        # One number for all images, no batch axis, and other formats are accepted as well.
        one = [float(values[1]) for values in numbers]
        for name in FORMATS:
            new = ours.affine_transform(
                _as(name, BOXES[1]), *one, HEIGHT, WIDTH, **center, bounding_box_format=name
            )
            back = ours.convert_format(new, name, "xyxy", HEIGHT, WIDTH)
            np.testing.assert_allclose(back, expected[1], rtol=1e-4, atol=1e-2)


@pytest.mark.slow
def test_overlap_as_in_keras():
    shape = (HEIGHT, WIDTH, 3)
    for name in FORMATS:
        size = shape if name in RELATIVE else None
        a, b = _as(name, BOXES), _as(name, OTHERS)
        for first, second in ((a, b), (a, b[0]), (a[0], b), (a[0], b[0]))[
            : 4 if name == "yxyx" else 1
        ]:
            _assert_equal(
                ours.compute_iou(first, second, name, image_shape=size),
                theirs.compute_iou(first, second, name, image_shape=size),
            )
        if name in ABSOLUTE:
            expected = theirs.compute_ciou(a[:, :4], b, name)
        _assert_equal(ours.compute_ciou(a[:, :4], b, name, size), expected, atol=1e-3)
    hidden, negative = BOXES.copy(), OTHERS.copy()
    hidden[:, 0] = negative[:, 1] = -1
    for first, second in ((hidden, negative), (hidden[0], negative[0])):
        _assert_equal(
            ours.compute_iou(first, second, "xyxy", True, -5),
            theirs.compute_iou(first, second, "xyxy", True, -5),
        )


@fault("utils.bounding_boxes.compute_iou")
def test_masked_boxes_with_and_without_a_batch_axis():
    hidden = np.concatenate([-np.ones((3, 1, 4)), BOXES], 1)
    mixed = ours.compute_iou(hidden, OTHERS[0], "xyxy", True, -5)
    assert (np.asarray(mixed)[:, 0] == -5).all()
    np.testing.assert_allclose(mixed[:, 1:], ours.compute_iou(BOXES, OTHERS[0], "xyxy"))
    with pytest.raises(ValueError, match="out of bounds"):
        theirs.compute_iou(hidden, OTHERS[0], "xyxy", True, -5)


@fault("utils.bounding_boxes.compute_ciou")
def test_complete_overlap_of_relative_boxes():
    args = (_as("rel_xyxy", BOXES), _as("rel_xyxy", BOXES), "rel_xyxy", (HEIGHT, WIDTH, 3))
    np.testing.assert_allclose(ours.compute_ciou(*args), 1, rtol=1e-3)
    with pytest.raises(ValueError, match="image_shape"):
        theirs.compute_ciou(*args)


def test_relative_to_anchors_as_in_keras():
    anchors = _boxes(5)
    for name, encoding in itertools.product(FORMATS, ("center_xywh", "center_yxhw")):
        size = (HEIGHT, WIDTH, 3) if name in RELATIVE else None
        for boxes, variance in ((BOXES, None), (BOXES[0], [0.1, 0.1, 0.2, 0.2])):
            args = (_as(name, anchors), _as(name, boxes), name, name, encoding, variance, size)
            deltas = ours.encode_box_to_deltas(*args)
            _assert_equal(deltas, theirs.encode_box_to_deltas(*args))
            args = (args[0], deltas, *args[2:])
            back = ours.decode_deltas_to_boxes(*args)
            _assert_equal(back, theirs.decode_deltas_to_boxes(*args))
            np.testing.assert_allclose(back, _as(name, boxes), rtol=1e-4, atol=1e-2)
    levels = {"p3": anchors, "p4": anchors + 1}
    deltas = {key: np.full((2, 5, 4), 0.1, "float32") for key in levels}
    new = ours.decode_deltas_to_boxes(levels, deltas, "xyxy", "yxyx")
    expected = theirs.decode_deltas_to_boxes(levels, deltas, "xyxy", "yxyx")
    for key in levels:
        _assert_equal(new[key], expected[key])


# A call of each function on a batch of boxes.
CALLS = {
    "affine_transform": lambda x: ours.affine_transform(x, 10.0, 0, 0, 1.0, 0, 0, HEIGHT, WIDTH),
    "clip_to_image_size": lambda x: ours.clip_to_image_size({"boxes": x}, 9, 9)["boxes"],
    "compute_ciou": lambda x: ours.compute_ciou(x, x[:, ::-1], "xyxy"),
    "compute_iou": lambda x: ours.compute_iou(x, x, "xywh"),
    "convert_format": lambda x: ours.convert_format(x, "xyxy", "rel_xywh", HEIGHT, WIDTH),
    "crop": lambda x: ours.crop(x, 1, 2, 30, 30),
    "decode_deltas_to_boxes": lambda x: ours.decode_deltas_to_boxes(x[0], x / 99, "xyxy", "xywh"),
    "encode_box_to_deltas": lambda x: ours.encode_box_to_deltas(x[0], x, "xyxy", "xywh"),
    "pad": lambda x: ours.pad(x, 1, 2),
}


def test_traced_and_symbolic():
    assert sorted(CALLS) == ours.__all__
    eager = {name: call(cornu.ops.array(BOXES)) for name, call in CALLS.items()}
    traced = jax.jit(lambda x: {name: call(x) for name, call in CALLS.items()})(BOXES)
    inputs = cornu.Input((5, 4))
    model = cornu.Model(inputs, {name: call(inputs) for name, call in CALLS.items()})
    outputs = model.predict(BOXES, verbose=0)
    for name, expected in eager.items():
        np.testing.assert_allclose(traced[name], expected, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-4, atol=1e-3)


def test_no_boxes():
    none = np.zeros((2, 0, 4), "float32")
    for name, call in CALLS.items():
        if name not in ("compute_iou", "compute_ciou"):
            assert call(none).shape == (2, 0, 4), name
    assert ours.compute_iou(none, BOXES[:2], "xyxy").shape == (2, 0, 5)
    assert ours.compute_ciou(none, none, "xyxy").shape == (2, 0)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ours.convert_format(BOXES, "xyxz", "xywh"),
            "(?s)source must be one of .*Did you mean",
        ),
        (lambda: ours.convert_format(BOXES, "xyxy", None), "target must be one of"),
        (lambda: ours.convert_format(BOXES, "xyxy", "rel_xyxy"), "height and width of the image"),
        (lambda: ours.convert_format(BOXES[..., :3], "xyxy", "xywh"), r"four numbers.*\(3, 5, 3\)"),
        (lambda: ours.convert_format({"box": BOXES}, "xyxy", "xywh"), "the key \"boxes\".*'box'"),
        (lambda: ours.clip_to_image_size(BOXES, 8, 8), "must be a dict with the keys"),
        (lambda: ours.clip_to_image_size({"boxes": BOXES}), "height and width of the image"),
        (lambda: ours.crop(BOXES, 1, 1, 2, 2, "rel_xyxy"), "size of the image changes"),
        (
            lambda: ours.pad(BOXES, 1, 1, bounding_box_format="rel_xywh"),
            "size of the image changes",
        ),
        (lambda: ours.affine_transform(BOXES[0, 0], 0, 0, 0, 1, 0, 0, 9, 9), r"shape \(boxes, 4\)"),
        (lambda: ours.compute_iou(BOXES[None], BOXES, "xyxy"), "boxes1 must have shape"),
        (lambda: ours.compute_iou(BOXES, BOXES, "rel_xyxy"), "image_shape=.* is needed"),
        (lambda: ours.compute_ciou(BOXES, BOXES, "rel_xyxy"), "image_shape=.* is needed"),
        (
            lambda: ours.compute_iou(BOXES, BOXES, "rel_xyxy", image_shape=(8, 8)),
            "must be \\(height",
        ),
        (
            lambda: ours.encode_box_to_deltas(BOXES[0], BOXES, "xyxy", "xyxy", "xyxy"),
            "encoding_format must be one of",
        ),
        (
            lambda: ours.encode_box_to_deltas(BOXES[0], BOXES, "xyxy", "xyxy", variance=[1, 2]),
            "variance must be four numbers",
        ),
        (
            lambda: ours.decode_deltas_to_boxes({"a": BOXES}, {"b": BOXES}, "xyxy", "xyxy"),
            r"lacks the keys \['a'\]",
        ),
        (
            lambda: ours.decode_deltas_to_boxes({"a": BOXES}, BOXES, "xyxy", "xyxy"),
            "two arrays or two dicts",
        ),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
