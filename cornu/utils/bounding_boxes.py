"""Functions on bounding boxes: formats, clipping, overlap, encoding relative to anchors."""

from __future__ import annotations

from cornu.errors import suggest_names as _suggest_names
from cornu.parts.bounding_boxes.deltas import decode_deltas_to_boxes, encode_box_to_deltas
from cornu.parts.bounding_boxes.formats import convert_format
from cornu.parts.bounding_boxes.overlap import compute_ciou, compute_iou
from cornu.parts.bounding_boxes.regions import affine_transform, clip_to_image_size, crop, pad

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
_suggest_names(__name__, __all__)
