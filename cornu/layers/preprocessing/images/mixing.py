"""MixUp and CutMix, which combine the images and labels of a batch."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.layers.preprocessing.images.base import (
    Factor,
    ImageRNG,
    RandomImageLayer,
    factor_range,
    per_image,
)
from cornu.layers.preprocessing.images.filtering import rectangle_mask
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
        are one-hot.

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
        """Returns the mixed images."""
        return per_image(weight) * images + per_image(1 - weight) * images[other]

    def transform_labels(self, labels: Array, other: Array, weight: Array) -> Array:
        """Returns the mixed labels."""
        return _mix_labels(labels, other, weight)


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
        """Returns the combined images."""
        return jnp.where(inside, images[other], images)

    def transform_labels(self, labels: Array, other: Array, inside: Array, stays: Array) -> Array:
        """Returns the labels, mixed in proportion to the areas."""
        return _mix_labels(labels, other, stays)

    def transform_masks(self, masks: Array, other: Array, inside: Array, stays: Array) -> Array:
        """Returns the masks, combined like the images."""
        return jnp.where(inside, masks[other], masks)


def _mix_labels(labels: Array, other: Array, weight: Array) -> Array:
    if not jnp.issubdtype(labels.dtype, jnp.floating):
        labels = labels.astype("float32")
    weight = weight.reshape(-1, *(1,) * (labels.ndim - 1)).astype(labels.dtype)
    return weight * labels + (1 - weight) * labels[other]
