"""A fixed number of bounding boxes per image."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.images.base import ImageLayer
from cornu.layers.preprocessing.images.sample import check_boxes
from cornu.ops.arguments import to_array
from cornu.types import Array

__all__ = ["MaxNumBoundingBoxes"]


class MaxNumBoundingBoxes(ImageLayer):
    """Pads or truncates the bounding boxes of images to a fixed number.

    Images, labels and segmentation masks are unchanged.

    Args:
        max_number: the number of boxes of each image in the result.
        fill_value: the coordinates and the label of the boxes that are added.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        a dict of `images` and `bounding_boxes`, a dict of `boxes` (batch, n, 4) and `labels`
        (batch, n) -> the same with n = `max_number`; a single image without batch axis is accepted.

    Raises:
        ValueError: `max_number` is not positive, or the boxes are not such a dict.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.array([[3, 5]])}
    >>> layer = cornu.layers.MaxNumBoundingBoxes(4)
    >>> new = layer({"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes})
    >>> new["bounding_boxes"]["labels"].tolist()
    [[3, 5, -1, -1]]

    Extensions: `bounding_box_format` is not needed, because no box is transformed; in Keras it is.
    """

    keeps_positions = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number = positive_int(self._label_(), "max_number", max_number)
        self.fill_value = int(fill_value)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the images; floats in the dtype of the layer."""
        x: Array = to_array(images)
        return x.astype(self.compute_dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> dict[str, Any]:
        """Returns bounding boxes with `max_number` boxes per image."""
        new = check_boxes(bounding_boxes)
        return new | {key: self._fit(new[key]) for key in ("boxes", "labels")}

    def _fit(self, x: Array) -> Array:
        if jnp.issubdtype(x.dtype, jnp.unsignedinteger) and self.fill_value < 0:
            x = x.astype("int32")
        shape = (x.shape[0], self.max_number, *x.shape[2:])
        # Padded by the full number first, because the number of boxes may be unknown.
        padded = jnp.concatenate([x, jnp.full(shape, self.fill_value, x.dtype)], axis=1)
        return padded[:, : self.max_number]
