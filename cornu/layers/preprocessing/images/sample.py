"""Samples: dicts of images and what belongs to them, which image layers transform together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.ops.arguments import to_array

__all__ = ["check_boxes", "check_images", "is_single", "to_dense_boxes"]

# What pads the boxes and the labels of an image that has fewer boxes than others of the batch.
_PADDING = {"boxes": 0, "labels": -1}


def check_images(data: Any) -> Any:
    """Returns the images of a sample, or of images alone.

    Raises:
        ValueError: there are none, or they do not have 3 or 4 axes.
    """
    images = data.get("images") if isinstance(data, dict) else data
    shape = getattr(images, "shape", None)
    if shape is None or len(shape) not in (3, 4):
        seen = "none" if images is None else f"the shape {shape}"
        hint = ""
        if shape is not None and len(shape) == 2:
            hint = "\nAdd a channel axis to a grayscale image: x[..., None]."
        raise ValueError(
            "images must have the shape (height, width, channels) or (batch, height, width, "
            f"channels). Received: {seen}{hint}"
        )
    return images


def is_single(data: Any) -> bool:
    """Whether a sample is one image, without a batch axis."""
    return len(check_images(data).shape) == 3


def check_boxes(bounding_boxes: Any) -> dict[str, Any]:
    """Returns bounding boxes of a batch, with arrays.

    Args:
        bounding_boxes: a dict of `"boxes"`, (batch, boxes, 4), `"labels"`, (batch, boxes) or
            (batch, boxes, classes), and possibly other entries.

    Raises:
        ValueError: it is not such a dict.
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= set(bounding_boxes):
        seen = (
            f"a dict with the keys {sorted(map(str, bounding_boxes))}"
            if isinstance(bounding_boxes, dict)
            else f"an object of type {type(bounding_boxes).__name__}"
        )
        raise ValueError(
            f'bounding_boxes must be a dict with the keys "boxes" and "labels". Received: {seen}'
        )
    boxes: Any = to_array(bounding_boxes["boxes"])
    labels: Any = to_array(bounding_boxes["labels"])
    if boxes.ndim != 3 or boxes.shape[-1] != 4:
        raise ValueError(
            'bounding_boxes: "boxes" must have the shape (batch, boxes, 4), or (boxes, 4) for a '
            f"single image. Received: {_described(bounding_boxes['boxes'])}"
        )
    if labels.ndim not in (2, 3) or labels.shape[:2] != boxes.shape[:2]:
        raise ValueError(
            'bounding_boxes: expected one label per box. Received: "boxes" of '
            f'{_described(boxes)}, "labels" of {_described(labels)}'
        )
    return {**bounding_boxes, "boxes": boxes.astype("float32"), "labels": labels}


def _described(x: Any) -> str:
    return f"the shape {tuple(np.shape(x))}"


def to_dense_boxes(structure: Any) -> Any:
    """Replaces lists and ragged tensors in the bounding boxes of a sample by arrays.

    Images with fewer boxes than others of the batch get boxes of zeros, with the label -1.

    Args:
        structure: the first argument of a layer, which is returned unchanged if it is not a dict
            with bounding boxes.
    """
    if not isinstance(structure, dict) or not isinstance(structure.get("bounding_boxes"), dict):
        return structure
    boxes = structure["bounding_boxes"]
    if isinstance(boxes.get("boxes"), (list, tuple)) and "images" in structure:
        dense = _pad_lists(boxes, is_single(structure))
    else:
        dense = {key: _pad_ragged(key, value) for key, value in boxes.items()}
    return {**structure, "bounding_boxes": dense}


def _pad_ragged(key: str, value: Any) -> Any:
    # By name, so that TensorFlow is not imported.
    if type(value).__name__ != "RaggedTensor":
        return value
    # The last axis of ragged boxes may be ragged, too.
    shape = [None] * (value.shape.rank - 1) + [4] if key == "boxes" else None
    return value.to_tensor(default_value=_PADDING.get(key, 0), shape=shape)


def _pad_lists(bounding_boxes: dict[str, Any], single: bool) -> dict[str, Any]:
    rows = {
        key: [value] if single else list(value)
        for key, value in bounding_boxes.items()
        if isinstance(value, (list, tuple))
    }
    counts = {key: [len(row) for row in value] for key, value in rows.items()}
    for key, lengths in counts.items():
        if lengths != counts["boxes"]:
            raise ValueError(
                f"bounding_boxes: expected one of {key!r} per box. Received {counts['boxes']} "
                f"boxes and {lengths} {key} in the images of the batch."
            )
    new = dict(bounding_boxes)
    for key, value in rows.items():
        padded = _stack(value, (4,) if key == "boxes" else (), _PADDING.get(key, 0))
        new[key] = padded[0] if single else padded
    return new


def _stack(rows: Sequence[Any], empty: tuple[int, ...], fill: float) -> np.ndarray:
    """Returns an array of rows of different lengths.

    Args:
        rows: one list or array per image.
        empty: the shape of an element, if all rows are empty.
        fill: the value of the padding.
    """
    arrays = [np.asarray(row) for row in rows]
    filled = [array for array in arrays if array.size]
    tail = filled[0].shape[1:] if filled else empty
    dtype = np.result_type(*filled) if filled else np.dtype("float32" if empty else "int32")
    out = np.full((len(arrays), max(map(len, arrays), default=0), *tail), fill, dtype)
    for target, array in zip(out, arrays, strict=True):
        if array.size:
            target[: len(array)] = array
    return out
