"""Layers that move pixels: masks and bounding boxes follow from the numbers of the images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from cornu.errors import check_choice
from cornu.layers.preprocessing.images.base import ImageLayer, RandomImageLayer
from cornu.layers.preprocessing.images.sample import check_boxes
from cornu.parts.bounding_boxes.regions import clip_boxes, map_corners, mark_empty
from cornu.types import Array, DataFormat

__all__ = [
    "FillMode",
    "GeometricImageLayer",
    "Interpolation",
    "SpatialLayer",
    "find_bounds",
    "map_box_corners",
    "window_boxes",
]

Interpolation: TypeAlias = Literal["bilinear", "nearest"]
FillMode: TypeAlias = Literal["reflect", "wrap", "constant", "nearest", "mirror"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
FILL_MODES: tuple[FillMode, ...] = get_args(FillMode)


class SpatialLayer(ImageLayer):
    """Base class of layers that move pixels.

    A subclass defines `warp(images, *numbers, interpolation)` for images and masks, and
    `move_boxes(boxes, size, *numbers)` for bounding boxes. Masks are not interpolated, because they
    hold classes.
    """

    interpolation: Any = "bilinear"
    keeps_positions = False

    def warp(self, images: Array, *numbers: Any, **kwargs: Any) -> Array:
        """Returns the images, or masks, with moved pixels.

        Args:
            images: float images, or masks, (batch, height, width, channels).
            *numbers: what `sample` returned: in affine layers `matrix`, the transformation of each
                image, in an elastic one `positions`, the source of each pixel.
            **kwargs: `interpolation`, `"bilinear"` or `"nearest"`; masks are not interpolated.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `warp`.")

    def move_boxes(self, boxes: Array, size: tuple[Any, Any], *numbers: Any) -> Array:
        """Returns the moved boxes, not clipped.

        Args:
            boxes: (left, top, right, bottom) in pixels, of shape (batch, boxes, 4). The edges of an
                image are 0 and its size, so that the center of the first pixel is 0.5.
            size: (height, width) of the images before.
            *numbers: what `sample` returned.
        """
        raise self._cannot_transform("bounding boxes", "move_boxes")

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns (height, width) of the result for images of a size.

        Args:
            size: (height, width) of the images.
        """
        return size

    def transform(self, images: Array, *numbers: Any) -> Array:
        """Returns the images with moved pixels."""
        return self.warp(images, *numbers, interpolation=self.interpolation)

    def transform_masks(self, masks: Array, *numbers: Any) -> Array:
        """Returns the masks, moved like the images, without interpolating between classes."""
        return self.warp(masks, *numbers, interpolation="nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> dict[str, Any]:
        """Returns the bounding boxes of a batch of transformed images, clipped to the images.

        The label of a box of which nothing remains becomes -1. A box of which all numbers are 0 or
        all are -1 is padding, and becomes 0.

        Args:
            bounding_boxes: a dict of `"boxes"`, (batch, boxes, 4), and `"labels"`, (batch, boxes).
            transformation: what `get_random_transformation` returned.
            training: whether the layer is in training.
        """
        new = check_boxes(bounding_boxes)
        numbers = self._numbers(transformation, training)
        if numbers is None:
            return new
        boxes, padding = self._to_pixels(new["boxes"], transformation)
        boxes = self.move_boxes(boxes, transformation.size, *numbers)
        size = self.output_size(transformation.size)
        boxes = jnp.where(padding, 0, clip_boxes(boxes, *size))
        labels = mark_empty(boxes, new["labels"])
        return {**new, "boxes": self._from_pixels(boxes, size), "labels": labels}


class GeometricImageLayer(SpatialLayer, RandomImageLayer):
    """Base class of layers that sample images at computed positions.

    Args:
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"`.
        fill_value: the value for `fill_mode="constant"`.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    def __init__(
        self,
        interpolation: Interpolation,
        fill_mode: FillMode,
        fill_value: float,
        seed: int | None,
        data_format: DataFormat | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        for name, value, known in (
            ("interpolation", interpolation, INTERPOLATIONS),
            ("fill_mode", fill_mode, FILL_MODES),
        ):
            check_choice(self._label_(), name, value, known)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value


def window_boxes(boxes: Array, window: Any, size: tuple[Any, Any]) -> Array:
    """Returns boxes after a part of the image is scaled to a new image.

    Args:
        boxes: (left, top, right, bottom), of shape (batch, boxes, 4).
        window: the first index and the length of the part, along the vertical and the horizontal
            axis; numbers, or arrays that broadcast against (batch, 1, 1).
        size: (height, width) of the new image.
    """
    (top, tall), (left, wide) = window
    zoom_x, zoom_y = size[1] / wide, size[0] / tall
    x1, y1, x2, y2 = jnp.split(boxes, 4, axis=-1)
    new = [(x1 - left) * zoom_x, (y1 - top) * zoom_y, (x2 - left) * zoom_x, (y2 - top) * zoom_y]
    return jnp.concatenate(new, axis=-1)


def map_box_corners(boxes: Array, move: Callable[[Array, Array], tuple[Array, Array]]) -> Array:
    """Returns the boxes that enclose the moved corners of boxes.

    Args:
        boxes: (left, top, right, bottom), of shape (batch, boxes, 4).
        move: a function of the indices (x, y) of pixels, which returns their new indices.
    """

    # An edge lies between two pixels, half a pixel from the center of each, which is its index.
    def move_edges(x: Array, y: Array) -> tuple[Array, Array]:
        x, y = move(x - 0.5, y - 0.5)
        return x + 0.5, y + 0.5

    return map_corners(boxes, move_edges)


@jax.jit
def find_bounds(selected: Array) -> Array:
    """Returns the box that encloses the selected pixels, (left, top, right, bottom).

    Args:
        selected: of shape (..., height, width); where it is False everywhere, the box is empty.
    """
    edges = []
    for axis in (-1, -2):
        # Whether a pixel of each column is selected, then of each row.
        line = selected.any(-3 - axis)
        first, last = line.argmax(-1), line.shape[-1] - line[..., ::-1].argmax(-1)
        edges.append((first, jnp.where(line.any(-1), last, first)))
    (x1, x2), (y1, y2) = edges
    return jnp.stack([x1, y1, x2, y2], axis=-1).astype(jnp.float32)
