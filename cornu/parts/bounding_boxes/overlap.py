"""Overlap of bounding boxes: intersection over union."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.parts.bounding_boxes.formats import convert_format
from cornu.types import Array, ArrayLike

__all__ = ["compute_ciou", "compute_iou", "image_size"]


@op
def compute_iou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Computes the intersection over union of each box with each other box.

    Args:
        boxes1: boxes, of shape (m, 4) or (batch, m, 4).
        boxes2: boxes, of shape (n, 4) or (batch, n, 4).
        bounding_box_format: the format of the boxes, one of those of `convert_format`.
        use_masking: whether the result for boxes of which all four corners are negative, which pad
            a batch, is `mask_val`.
        mask_val: the result for these boxes.
        image_shape: the shape of the image, (height, width, channels), for relative formats.

    Returns:
        An array of shape (m, n), or (batch, m, n) if one of the arguments has a batch axis.

    Raises:
        ValueError: the format is unknown, boxes have another shape, or `image_shape` is missing.

    Example:

    >>> compute_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]], "xyxy").round(3).tolist()
    [[0.3330000042915344, 0.0]]

    Fixes: with `use_masking`, boxes with and without a batch axis may be combined; in Keras 3.15
    this raises an error.
    """
    first, second = (
        _to_pixels("compute_iou", boxes, bounding_box_format, image_shape)
        for boxes in (boxes1, boxes2)
    )
    for name, boxes in (("boxes1", first), ("boxes2", second)):
        if boxes.ndim not in (2, 3):
            raise ValueError(
                f"compute_iou: {name} must have shape (boxes, 4) or (batch, boxes, 4). "
                f"Received: {boxes.shape}"
            )
    first, second = first[..., :, None, :], second[..., None, :, :]
    shared = _area_of_intersection(first, second)
    both = _area(first) + _area(second) - shared
    result = shared / (both + settings.get("epsilon"))
    if use_masking:
        padding = (first.max(-1) < 0) | (second.max(-1) < 0)
        result = jnp.where(padding, jnp.asarray(mask_val, result.dtype), result)
    return result


@op
def compute_ciou(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    bounding_box_format: str,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Computes the complete intersection over union of pairs of boxes.

    CIoU = IoU - d^2 / c^2 - a v, with d the distance of the centers, c the diagonal of the box that
    encloses both, and a v a penalty for different aspect ratios

    Args:
        boxes1: boxes, of shape (..., 4).
        boxes2: boxes of the same shape.
        bounding_box_format: the format of the boxes, one of those of `convert_format`.
        image_shape: the shape of the image, (height, width, channels), for relative formats.

    Returns:
        An array of shape (...), with values from -1.5 to 1.

    Raises:
        ValueError: the format is unknown, or `image_shape` is missing.

    Example:

    >>> compute_ciou([[0, 0, 2, 2]], [[0, 0, 2, 2]], "xyxy").round(3).tolist()
    [1.0]

    References: Zhaohui Zheng et al. (2020), "Distance-IoU Loss: Faster and Better Learning for
    Bounding Box Regression", arXiv 1911.08287.

    Fixes: relative formats are accepted with `image_shape`; Keras 3.15 always refuses them.
    """
    epsilon = settings.get("epsilon")
    first, second = (
        _to_pixels("compute_ciou", boxes, bounding_box_format, image_shape)
        for boxes in (boxes1, boxes2)
    )
    shared = _area_of_intersection(first, second)
    (width1, height1), (width2, height2) = (
        jnp.moveaxis(boxes[..., 2:] - boxes[..., :2], -1, 0) for boxes in (first, second)
    )
    height1, height2 = height1 + epsilon, height2 + epsilon
    iou = shared / (width1 * height1 + width2 * height2 - shared + 2 * epsilon)
    enclosing = jnp.maximum(first[..., 2:], second[..., 2:]) - jnp.minimum(
        first[..., :2], second[..., :2]
    )
    diagonal = (enclosing**2).sum(-1) + epsilon
    centers = [(boxes[..., :2] + boxes[..., 2:]) / 2 for boxes in (first, second)]
    distance = ((centers[0] - centers[1]) ** 2).sum(-1)
    angle = jnp.arctan(width2 / height2) - jnp.arctan(width1 / height1)
    penalty = 4 / math.pi**2 * angle**2
    weight = penalty / (penalty - iou + 1 + epsilon)
    return iou - (distance / diagonal + penalty * weight)


def image_size(image_shape: Sequence[int] | None) -> tuple[Any, Any]:
    """Returns height and width of an image of shape (height, width, channels), or None twice."""
    if image_shape is None:
        return None, None
    if len(image_shape) != 3:
        raise ValueError(
            f"image_shape must be (height, width, channels). Received: {tuple(image_shape)}"
        )
    return image_shape[0], image_shape[1]


def _to_pixels(name: str, boxes: Any, source: str, image_shape: Sequence[int] | None) -> Array:
    height, width = image_size(image_shape)
    if height is None and source.lower().startswith("rel_"):
        raise ValueError(
            f"{name}: image_shape=(height, width, channels) is needed for boxes in the relative "
            f"format {source!r}, because the overlap of boxes depends on the aspect ratio."
        )
    return to_array(convert_format(boxes, source, "xyxy", height, width))


def _area(boxes: Array) -> Array:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _area_of_intersection(first: Array, second: Array) -> Array:
    size = jnp.minimum(first[..., 2:], second[..., 2:]) - jnp.maximum(
        first[..., :2], second[..., :2]
    )
    size = jnp.maximum(size, 0)
    return size[..., 0] * size[..., 1]
