"""Bounding boxes and the image that contains them: clipped, cropped, padded and transformed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.parts.bounding_boxes.formats import FORMATS, convert_format, find_format
from cornu.types import Array, ArrayLike

__all__ = [
    "affine_transform",
    "clip_boxes",
    "clip_to_image_size",
    "crop",
    "map_corners",
    "mark_empty",
    "mark_hidden",
    "pad",
]


@op
def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Clips bounding boxes to the image.

    The label of a box of which nothing remains becomes -1.

    Args:
        bounding_boxes: a dict of `"boxes"`, of shape (boxes, 4) or (batch, boxes, 4), and
            optionally `"labels"`, of shape (boxes,) or (batch, boxes).
        height: the height of the image; not needed for relative formats.
        width: the width of the image.
        bounding_box_format: the format of the boxes, one of those of `convert_format`.

    Returns:
        A new dict with the clipped boxes and their labels.

    Raises:
        ValueError: the format is unknown, the size of the image is missing, or the argument is not
            a dict with boxes.

    Example:

    >>> boxes = {"boxes": [[-10.0, 0.0, 20.0, 30.0], [50.0, 0.0, 60.0, 9.0]], "labels": [3, 4]}
    >>> clipped = clip_to_image_size(boxes, height=20, width=40)
    >>> clipped["boxes"].tolist(), clipped["labels"].tolist()
    ([[0.0, 0.0, 20.0, 20.0], [40.0, 0.0, 40.0, 9.0]], [3, -1])

    Extensions: all formats are accepted; Keras accepts `"xyxy"` and `"rel_xyxy"`. Unsigned labels
    become int32, which can represent -1.
    """
    if not isinstance(bounding_boxes, dict) or "boxes" not in bounding_boxes:
        raise ValueError(
            'bounding_boxes must be a dict with the keys "boxes" and "labels". Received: '
            + (
                f"a dict with the keys {sorted(map(str, bounding_boxes))}"
                if isinstance(bounding_boxes, dict)
                else f"an object of type {type(bounding_boxes).__name__}"
            )
        )
    relative = find_format(bounding_box_format).relative
    if not relative and (height is None or width is None):
        raise ValueError(
            f"height and width of the image are needed for boxes in the format "
            f"{bounding_box_format!r}. Received: height={height}, width={width}"
        )
    corners = "rel_xyxy" if relative else "xyxy"
    boxes = _keep_dtype(bounding_boxes["boxes"], bounding_box_format, corners)
    boxes = clip_boxes(boxes, *((1, 1) if relative else (height, width)))
    new = {**bounding_boxes, "boxes": _keep_dtype(boxes, corners, bounding_box_format)}
    if bounding_boxes.get("labels") is not None:
        new["labels"] = mark_empty(boxes, bounding_boxes["labels"])
    return new


def clip_boxes(boxes: Array, height: Any, width: Any) -> Array:
    """Returns boxes (left, top, right, bottom), clipped to an image; the dtype is preserved."""
    limits = [jnp.asarray(side).astype(boxes.dtype) for side in (width, height)]
    x1, y1, x2, y2 = jnp.split(boxes, 4, axis=-1)
    x1, x2 = (x.clip(0, limits[0]) for x in (x1, x2))
    y1, y2 = (y.clip(0, limits[1]) for y in (y1, y2))
    return jnp.concatenate([x1, y1, x2, y2], axis=-1)


def mark_empty(boxes: Array, labels: ArrayLike) -> Array:
    """Returns the labels of boxes (left, top, right, bottom), -1 for boxes without area."""
    size = boxes[..., 2:] - boxes[..., :2]
    return mark_hidden((size <= 0).any(-1), labels)


def mark_hidden(hidden: Array, labels: ArrayLike) -> Array:
    """Returns labels of boxes, -1 for the hidden boxes."""
    labels = to_array(labels)
    if jnp.issubdtype(labels.dtype, jnp.unsignedinteger):
        labels = labels.astype("int32")
    # Labels may be one-hot, with an axis more than the boxes have.
    return jnp.where(jnp.expand_dims(hidden, tuple(range(hidden.ndim, labels.ndim))), -1, labels)


@op
def crop(
    boxes: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Returns bounding boxes relative to a cropped region of the image, clipped to it.

    Args:
        boxes: boxes, of shape (boxes, 4) or (batch, boxes, 4).
        top: the first row of the region.
        left: the first column of the region.
        height: the height of the region.
        width: the width of the region.
        bounding_box_format: the format of the boxes, one that is not relative.

    Raises:
        ValueError: the format is unknown or relative.

    Example:

    >>> crop([[10, 20, 50, 60]], top=10, left=20, height=40, width=20).tolist()
    [[0, 10, 20, 40]]

    Extensions: all absolute formats are accepted; Keras accepts `"xyxy"`.
    """
    x = _keep_dtype(boxes, _absolute("crop", bounding_box_format), "xyxy")
    x = clip_boxes(x - _corner(top, left), height, width)
    return _keep_dtype(x, "xyxy", bounding_box_format)


@op
def pad(
    boxes: ArrayLike,
    top: ArrayLike,
    left: ArrayLike,
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Returns bounding boxes after padding was added to the image.

    Args:
        boxes: boxes, of shape (boxes, 4) or (batch, boxes, 4).
        top: the number of rows added at the top.
        left: the number of columns added at the left.
        height: the height of the image; has no effect.
        width: the width of the image; has no effect.
        bounding_box_format: the format of the boxes, one that is not relative.

    Raises:
        ValueError: the format is unknown or relative.

    Example:

    >>> pad([[10, 20, 50, 60]], top=1, left=2).tolist()
    [[12, 21, 52, 61]]

    Extensions: all absolute formats are accepted; Keras accepts `"xyxy"`.
    """
    x = _keep_dtype(boxes, _absolute("pad", bounding_box_format), "xyxy")
    return _keep_dtype(x + _corner(top, left), "xyxy", bounding_box_format)


@op
def affine_transform(
    boxes: ArrayLike,
    angle: ArrayLike,
    translate_x: ArrayLike,
    translate_y: ArrayLike,
    scale: ArrayLike,
    shear_x: ArrayLike,
    shear_y: ArrayLike,
    height: ArrayLike,
    width: ArrayLike,
    center_x: ArrayLike | None = None,
    center_y: ArrayLike | None = None,
    bounding_box_format: str = "xyxy",
) -> Array:
    """Returns the boxes that enclose rotated, translated, scaled and sheared bounding boxes.

    As in Keras, the center is a fraction of `width - 1` and `height - 1`.

    Args:
        boxes: boxes, of shape (batch, boxes, 4), or (boxes, 4) for one image.
        angle: the counterclockwise rotation in degrees, for all images or one per image, as the
            next five.
        translate_x: the translation to the right as a fraction of the width.
        translate_y: the downward translation as a fraction of the height.
        scale: the factor of the size.
        shear_x: the horizontal shear in degrees.
        shear_y: the vertical shear in degrees.
        height: the height of the image.
        width: the width of the image.
        center_x: the center of the transformation as a fraction of the width; 0.5 by default.
        center_y: the center as a fraction of the height; 0.5 by default.
        bounding_box_format: the format of the boxes, one of those of `convert_format`.

    Raises:
        ValueError: the format is unknown, or the boxes have another shape.

    Example:

    >>> quarter = affine_transform([[0.0, 0.0, 2.0, 1.0]], 90.0, 0, 0, 1.0, 0, 0, 5, 5)
    >>> quarter.round().tolist()
    [[0.0, 2.0, 1.0, 4.0]]

    Extensions: all formats and boxes without a batch axis are accepted; Keras accepts batches in
    `"xyxy"`.
    """
    x = to_array(convert_format(boxes, bounding_box_format, "xyxy", height, width))
    if x.ndim not in (2, 3):
        raise ValueError(
            "affine_transform: boxes must have shape (boxes, 4) or (batch, boxes, 4). "
            f"Received: {x.shape}"
        )
    numbers = (angle, translate_x, translate_y, scale, shear_x, shear_y)
    turn, right, lower, zoom, across, down = (_per_box(number) for number in numbers)
    turn, across, down = (-jnp.deg2rad(degrees) for degrees in (turn, across, down))
    last_column, last_row = (jnp.asarray(side, "float32") - 1 for side in (width, height))
    center = [
        _per_box(0.5 if part is None else part) * last
        for part, last in ((center_x, last_column), (center_y, last_row))
    ]
    # The inverse of a rotation after a shear, whose determinant is 1.
    a = jnp.cos(turn - down) / jnp.cos(down)
    b = a * jnp.tan(across) + jnp.sin(turn)
    c = -jnp.sin(turn - down) / jnp.cos(down)
    d = jnp.cos(turn) - c * jnp.tan(across)

    def move(x: Array, y: Array) -> tuple[Array, Array]:
        x = x - center[0] + right * last_column
        y = y - center[1] + lower * last_row
        return zoom * (d * x - b * y) + center[0], zoom * (a * y - c * x) + center[1]

    moved = map_corners(x if x.ndim == 3 else x[None], move)
    return convert_format(
        moved if x.ndim == 3 else moved[0], "xyxy", bounding_box_format, height, width
    )


def map_corners(boxes: Array, move: Callable[[Array, Array], tuple[Array, Array]]) -> Array:
    """Returns the boxes that enclose the four corners of boxes after a transformation.

    Args:
        boxes: (left, top, right, bottom), of shape (batch, boxes, 4).
        move: a function of x and y, of shape (batch, boxes, 4), that returns their new values.
    """
    x1, y1, x2, y2 = jnp.split(boxes, 4, axis=-1)
    x, y = move(
        jnp.concatenate([x1, x2, x1, x2], axis=-1), jnp.concatenate([y1, y1, y2, y2], axis=-1)
    )
    return jnp.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], axis=-1)


def _per_box(numbers: ArrayLike) -> Array:
    """Reshapes one number, or one per image, so that it broadcasts against coordinates of boxes."""
    return jnp.asarray(numbers, "float32").reshape(-1, 1, 1)


def _corner(top: ArrayLike, left: ArrayLike) -> Array:
    sides = jnp.broadcast_arrays(*(jnp.atleast_1d(to_array(side)) for side in (left, top)))
    return jnp.concatenate(list(sides) * 2, axis=-1)


def _absolute(name: str, bounding_box_format: str) -> str:
    if find_format(bounding_box_format).relative:
        known = tuple(key for key, layout in FORMATS.items() if not layout.relative)
        raise ValueError(
            f"{name}: bounding_box_format must be one of {known}, because the size of the image "
            f"changes. Received: {bounding_box_format!r}\nConvert the boxes with convert_format."
        )
    return bounding_box_format


def _keep_dtype(boxes: Any, source: str, target: str) -> Array:
    """Converts boxes between formats; integers remain integers where no box is halved."""
    x = to_array(boxes)
    if find_format(source) == find_format(target):
        return x
    halves = "center" in (FORMATS[source.lower()].anchor, FORMATS[target.lower()].anchor)
    dtype = "float32" if halves and x.dtype.kind in "iu" else x.dtype
    converted: Array = convert_format(x, source, target, dtype=dtype)
    return converted
