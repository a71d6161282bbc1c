"""MixUp and CutMix, which combine the images and labels of a batch."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.layers.preprocessing.images.base import RandomImageLayer
from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range, per_image
from cornu.layers.preprocessing.images.filtering import rectangle_mask
from cornu.layers.preprocessing.images.sample import check_boxes
from cornu.layers.preprocessing.images.spatial import find_bounds
from cornu.ops.arguments import to_array
from cornu.parts.bounding_boxes.regions import mark_empty, mark_hidden
from cornu.types import Array, DataFormat

__all__ = ["CutMix", "MixUp"]


class MixUp(RandomImageLayer):
    """Mixes each image and its label with another of the batch in training.

    y = w x + (1 - w) x', with w sampled from a beta distribution and x' a permutation of the images

    Args:
        alpha: both parameters of the beta distribution; smaller values mix less.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same). In a dict, `labels` (batch, classes)
        are one-hot. An image gets the bounding boxes of both, (batch, 2 boxes, 4). Segmentation
        masks of floats, such as one-hot ones, are mixed; masks of integers, which hold classes,
        remain those of the first image.

    Raises:
        ValueError: `alpha` is not positive, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> data = {"images": np.ones((4, 8, 8, 3)), "labels": np.eye(4)}
    >>> mixed = cornu.layers.MixUp(seed=1)(data, training=True)
    >>> mixed["labels"].sum(1).round(3).tolist()
    [1.0, 1.0, 1.0, 1.0]

    References: Hongyi Zhang et al. (2017), "mixup: Beyond Empirical Risk Minimization",
    arXiv 1710.09412.

    Fixes: segmentation masks are mixed with those of the other image, and both images keep the
    labels of their boxes; in Keras 3.15 masks are mixed with a single pixel, and labels are
    appended to the batch.
    """

    _rowwise_ = False

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        if alpha <= 0:
            raise ValueError(f"{self._label_()}: alpha must be positive. Received: {alpha!r}")
        self.alpha = alpha

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the index of the other image and the weight of each image."""
        return rng.permutation(), rng.beta(self.alpha)

    def transform(self, images: Array, other: Array, weight: Array) -> Array:
        """Returns the mixed images.

        Args:
            images: float images (batch, height, width, channels).
            other: the index of the image with which each image is mixed.
            weight: the weight of each image; that of the other one is `1 - weight`.
        """
        return per_image(weight) * images + per_image(1 - weight) * images[other]

    def transform_masks(self, masks: Array, other: Array, weight: Array) -> Array:
        """Returns the masks, each mixed with that of index `other` by `weight`, like the images."""
        return self.transform(masks, other, weight)

    def transform_labels(
        self, labels: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the mixed labels."""
        numbers = self._numbers(transformation, training)
        return to_array(labels) if numbers is None else _mix_labels(labels, *numbers)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the mixed masks; unchanged if they are integers, which hold classes."""
        masks: Array = to_array(segmentation_masks)
        if not jnp.issubdtype(masks.dtype, jnp.floating):
            return masks
        return super().transform_segmentation_masks(masks, transformation, training)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> dict[str, Any]:
        """Returns the boxes of both images."""
        new = check_boxes(bounding_boxes)
        numbers = self._numbers(transformation, training)
        if numbers is None:
            return new
        return _join(new, {key: to_array(value)[numbers[0]] for key, value in new.items()})


class CutMix(RandomImageLayer):
    """Replaces a rectangle of each image by that of another image of the batch in training.

    Labels are mixed in proportion to the areas.

    Args:
        factor: both parameters of the beta distribution from which the remaining area is sampled;
            they are sampled from 0 to this number, or from a pair.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same). In a dict, `labels` (batch, classes)
        are one-hot.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> data = {"images": np.ones((4, 8, 8, 3)), "labels": np.eye(4)}
    >>> mixed = cornu.layers.CutMix(seed=1)(data, training=True)
    >>> mixed["labels"].sum(1).round(3).tolist()
    [1.0, 1.0, 1.0, 1.0]

    References: Sangdoo Yun et al. (2019), "CutMix: Regularization Strategy to Train Strong
    Classifiers with Localizable Features", arXiv 1905.04899.

    Extensions: an image gets the bounding boxes of both images, (batch, 2 boxes, 4). Those of the
    other image are clipped to the rectangle; boxes of which nothing is visible get the label -1.
    Keras raises an error.
    """

    _rowwise_ = False

    def __init__(
        self,
        factor: Factor = 1.0,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the index of the other image, the rectangle, and the remaining area."""
        # The beta distribution is not defined for a parameter of 0.
        stays = rng.beta(rng.uniform_scalar(*self.factor) + 1e-6)
        # The rectangle covers the fraction `1 - stays` of the area, which is the weight of its
        # label.
        side = jnp.sqrt(1 - stays)
        inside = rectangle_mask(images, jnp.stack([side, side], axis=1), rng.uniform(0, 1, 2))
        return rng.permutation(), inside, stays

    def transform(self, images: Array, other: Array, inside: Array, stays: Array) -> Array:
        """Returns the combined images.

        Args:
            images: float images (batch, height, width, channels).
            other: the index of the image from which the rectangle of each image is taken.
            inside: whether each pixel lies in the rectangle.
            stays: the fraction of the area that remains, by which labels are mixed.
        """
        return jnp.where(inside, images[other], images)

    def transform_labels(
        self, labels: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the labels, mixed in proportion to the areas."""
        numbers = self._numbers(transformation, training)
        return to_array(labels) if numbers is None else _mix_labels(labels, numbers[0], numbers[2])

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> dict[str, Any]:
        """Returns the boxes of both images, those of the other one clipped to the rectangle."""
        new = check_boxes(bounding_boxes)
        numbers = self._numbers(transformation, training)
        if numbers is None:
            return new
        other, inside, _ = numbers
        boxes, _ = self._to_pixels(new["boxes"], transformation)
        first, last = jnp.split(find_bounds(inside[..., 0])[:, None], 2, axis=-1)
        hidden = ((boxes[..., :2] >= first) & (boxes[..., 2:] <= last)).all(-1)
        clipped = boxes[other].clip(jnp.tile(first, 2), jnp.tile(last, 2))
        pasted = {key: to_array(value)[other] for key, value in new.items()}
        pasted["boxes"] = self._from_pixels(clipped, transformation.size)
        pasted["labels"] = mark_empty(clipped, pasted["labels"])
        return _join({**new, "labels": mark_hidden(hidden, new["labels"])}, pasted)

    def transform_masks(self, masks: Array, other: Array, inside: Array, stays: Array) -> Array:
        """Returns the masks, combined like the images.

        Args:
            masks: masks (batch, height, width, channels).
            other, inside, stays: as in `transform`.
        """
        return jnp.where(inside, masks[other], masks)


def _join(boxes: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Returns the boxes of two images in one."""
    return {
        key: jnp.concatenate([to_array(value), others[key]], axis=1) for key, value in boxes.items()
    }


def _mix_labels(labels: Any, other: Array, weight: Array) -> Array:
    x: Array = to_array(labels)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        x = x.astype("float32")
    weight = weight.reshape(-1, *(1,) * (x.ndim - 1)).astype(x.dtype)
    return weight * x + (1 - weight) * x[other]
