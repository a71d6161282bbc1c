"""Bounding boxes relative to anchors, as detectors predict them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.errors import check_choice
from cornu.ops.arguments import to_array
from cornu.parts.bounding_boxes.formats import convert_format
from cornu.parts.bounding_boxes.overlap import image_size
from cornu.types import Array, ArrayLike

__all__ = ["decode_deltas_to_boxes", "encode_box_to_deltas"]

_ENCODINGS = ("center_xywh", "center_yxhw")


@op
def encode_box_to_deltas(
    anchors: ArrayLike,
    boxes: ArrayLike,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: ArrayLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Array:
    """Encodes bounding boxes relative to anchors.

    The first two numbers are the offset of the center divided by the size of the anchor, the last
    two the logarithm of the ratio of the sizes.

    Args:
        anchors: anchors, of shape (boxes, 4).
        boxes: boxes, of shape (boxes, 4) or (batch, boxes, 4).
        anchor_format: the format of the anchors, one of those of `convert_format`.
        box_format: the format of the boxes.
        encoding_format: the order of the numbers, `"center_xywh"` or `"center_yxhw"`.
        variance: four numbers by which the result is divided.
        image_shape: the shape of the image, (height, width, channels), for relative formats.

    Raises:
        ValueError: a format is unknown, `variance` does not have four numbers, or `image_shape` is
            missing.

    Example:

    >>> anchor, box = [[0.0, 0.0, 4.0, 4.0]], [[1.0, 0.0, 5.0, 4.0]]
    >>> encode_box_to_deltas(anchor, box, "xyxy", "xyxy").tolist()
    [[0.0, 0.25, 0.0, 0.0]]
    """
    check_choice("encode_box_to_deltas", "encoding_format", encoding_format, _ENCODINGS)
    scale = _check_variance("encode_box_to_deltas", variance)
    size = image_size(image_shape)
    anchor, box = (
        to_array(convert_format(x, source, encoding_format, *size))
        for x, source in ((anchors, anchor_format), (boxes, box_format))
    )
    # An empty box has no logarithm.
    anchor_size, box_size = (
        jnp.maximum(x[..., 2:], settings.get("epsilon")) for x in (anchor, box)
    )
    offset = (box[..., :2] - anchor[..., :2]) / anchor_size
    deltas = jnp.concatenate([offset, jnp.log(box_size / anchor_size)], axis=-1)
    return deltas if scale is None else deltas / scale


@op
def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: ArrayLike | None = None,
    image_shape: Sequence[int] | None = None,
) -> Any:
    """Decodes bounding boxes that are relative to anchors; the inverse of `encode_box_to_deltas`.

    Args:
        anchors: anchors, of shape (boxes, 4), or a dict of them.
        boxes_delta: encoded boxes, of shape (boxes, 4) or (batch, boxes, 4); a dict with the same
            keys if the anchors are a dict.
        anchor_format: the format of the anchors, one of those of `convert_format`.
        box_format: the format of the result.
        encoded_format: the order of the encoded numbers, `"center_xywh"` or `"center_yxhw"`.
        variance: four numbers by which the encoded boxes are multiplied.
        image_shape: the shape of the image, (height, width, channels), for relative formats.

    Returns:
        Boxes, or a dict of them.

    Raises:
        ValueError: a format is unknown, `variance` does not have four numbers, the keys of the
            dicts differ, or `image_shape` is missing.

    Example:

    >>> anchor, delta = [[0.0, 0.0, 4.0, 4.0]], [[0.0, 0.25, 0.0, 0.0]]
    >>> decode_deltas_to_boxes(anchor, delta, "xyxy", "xyxy").tolist()
    [[1.0, 0.0, 5.0, 4.0]]
    """
    check_choice("decode_deltas_to_boxes", "encoded_format", encoded_format, _ENCODINGS)
    scale = _check_variance("decode_deltas_to_boxes", variance)
    size = image_size(image_shape)

    def decode(anchor: Any, delta: Any) -> Any:
        anchor = to_array(convert_format(anchor, anchor_format, encoded_format, *size))
        delta = to_array(delta) if scale is None else to_array(delta) * scale
        center = delta[..., :2] * anchor[..., 2:] + anchor[..., :2]
        sides = jnp.exp(delta[..., 2:]) * anchor[..., 2:]
        boxes = jnp.concatenate([center, sides], axis=-1)
        return convert_format(boxes, encoded_format, box_format, *size)

    if not isinstance(anchors, dict) and not isinstance(boxes_delta, dict):
        return decode(anchors, boxes_delta)
    if not isinstance(anchors, dict) or not isinstance(boxes_delta, dict):
        raise ValueError(
            "decode_deltas_to_boxes: expected two arrays or two dicts. Received: anchors of type "
            f"{type(anchors).__name__}, boxes_delta of type {type(boxes_delta).__name__}"
        )
    if missing := [key for key in anchors if key not in boxes_delta]:
        raise ValueError(
            f"decode_deltas_to_boxes: boxes_delta lacks the keys {missing} of anchors. "
            f"Received the keys {list(boxes_delta)}"
        )
    return {key: decode(anchor, boxes_delta[key]) for key, anchor in anchors.items()}


def _check_variance(name: str, variance: ArrayLike | None) -> Array | None:
    if variance is None:
        return None
    numbers = jnp.asarray(variance, "float32")
    if numbers.shape[-1:] != (4,):
        raise ValueError(f"{name}: variance must be four numbers. Received: {variance!r}")
    return numbers
