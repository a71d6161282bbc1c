"""RandAugment and AugMix: random choices from a list of augmentations."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import jax
import jax.numpy as jnp
from jax import lax

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.images.affine import RandomRotation, RandomShear, RandomTranslation
from cornu.layers.preprocessing.images.base import ImageLayer
from cornu.layers.preprocessing.images.color import RandomColorDegeneration
from cornu.layers.preprocessing.images.equalization import AutoContrast, Equalization
from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range
from cornu.layers.preprocessing.images.filtering import RandomSharpness
from cornu.layers.preprocessing.images.intensity import (
    RandomBrightness,
    RandomContrast,
    RandomPosterization,
    Solarization,
)
from cornu.layers.preprocessing.images.pixel_values import ColorLayer
from cornu.layers.preprocessing.images.spatial import Interpolation, SpatialLayer
from cornu.parts.bounding_boxes.regions import clip_boxes
from cornu.types import Array, DataFormat

__all__ = ["AugMix", "RandAugment"]


# What a step is applied to.
Part: TypeAlias = Literal["images", "masks", "boxes"]


class Policy(ColorLayer):
    """Base class of layers that apply randomly chosen layers to a batch.

    Args:
        factor: the strength of the augmentations, from 0 to 1, or a pair.
        interpolation: `"bilinear"` or `"nearest"`, for the layers that move pixels.
        value_range: the lowest and the highest pixel value.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    _steps: list[ImageLayer]

    def __init__(
        self,
        factor: Factor,
        interpolation: Interpolation,
        value_range: Sequence[float],
        seed: int | None,
        data_format: DataFormat | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)
        self.interpolation = interpolation

    def _check_shape_(self, input_shape: Any) -> None:
        """Checks that the number of channels is known, before all augmentations are traced."""
        shape = input_shape.get("images") if isinstance(input_shape, Mapping) else input_shape
        if not any(isinstance(step, RandomColorDegeneration) for step in self._steps):
            return
        at = -3 if self.data_format == "channels_first" else -1
        if shape is not None and len(shape) >= 3 and shape[at] is None:
            raise ValueError(
                f"{self._label_()}: expected images with 3 channels or 1. Received: "
                f"{tuple(shape)}, whose number of channels is unknown.\nPass it to Input."
            )

    def choices(self) -> list[ImageLayer]:
        """Returns the layers of RandAugment; AugMix uses the first seven with `all_ops=False`."""
        factor, values, between = self.factor, self.value_range, self.interpolation
        return [
            RandomShear(factor, factor, between),
            RandomTranslation(factor, factor, interpolation=between),
            RandomRotation(factor, interpolation=between),
            RandomPosterization(max(1, int(8 * factor[1])), values),
            Solarization(factor, factor, values),
            AutoContrast(values),
            Equalization(values),
            RandomBrightness(factor, values),
            RandomColorDegeneration(factor, values),
            RandomContrast(factor, values),
            RandomSharpness(factor, values),
        ]

    def apply_step(
        self,
        x: Array,
        which: Any,
        key: Array,
        part: Part = "images",
        shape: tuple[Any, ...] | None = None,
    ) -> Array:
        """Applies the layer with an index; the index after the last is the identity.

        Args:
            x: images, or masks or bounding boxes that belong to them.
            which: the index.
            key: the random key from which the layer samples its numbers.
            part: what x is.
            shape: the shape of the images, if x is something else.
        """
        if self not in _compiled:
            step = functools.partial(_apply_step, tuple(self._steps))
            _compiled[self] = jax.jit(step, static_argnums=(0, 1))
        changed: Array = _compiled[self](part, shape or x.shape, x, which, key)
        return changed


# The compiled `_apply_step` of each layer. A `switch` called outside of a compiled function is
# compiled in each call. They are not attributes of the layers, because they cannot be copied.
_compiled: WeakKeyDictionary[Policy, Callable[..., Any]] = WeakKeyDictionary()


def _apply_step(
    steps: tuple[ImageLayer, ...],
    part: Part,
    shape: tuple[Any, ...],
    x: Array,
    which: Array,
    key: Array,
) -> Any:
    """Applies the layer with an index; the index after the last is the identity."""

    def make_branch(step: ImageLayer) -> Any:
        def run(x: Array, key: Array) -> Array:
            images = jax.ShapeDtypeStruct(shape, jnp.float32)
            numbers = step.sample(images, ImageRNG(shape[0], key))
            if part == "images":
                return step.transform(x, *numbers)
            if not isinstance(step, SpatialLayer):
                return x
            if part == "masks":
                return step.transform_masks(x, *numbers)
            return clip_boxes(step.move_boxes(x, shape[1:3], *numbers), *shape[1:3])

        return run

    # `switch` computes the chosen branch only, and one choice per batch keeps it so.
    branches = [*map(make_branch, steps), lambda x, key: x]
    return lax.switch(which, branches, x, key)


class RandAugment(SpatialLayer, Policy):
    """Applies randomly chosen augmentations to the images of a batch in training.

    The augmentations are shear, translation, rotation, posterization, solarization, auto contrast,
    equalization, brightness, color degeneration, contrast and sharpness.

    Args:
        value_range: the lowest and the highest pixel value.
        num_ops: the number of augmentations to apply.
        factor: the strength of the augmentations, from 0 to 1, or a pair.
        interpolation: `"bilinear"` or `"nearest"`, for the layers that move pixels.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandAugment()(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    References: Ekin D. Cubuk et al. (2019), "RandAugment: Practical automated data augmentation
    with a reduced search space", arXiv 1909.13719.

    Note: only the chosen augmentations are computed; Keras 3.15 computes all of them.

    Fixes: bounding boxes are transformed in the order of the augmentations; Keras 3.15 transforms
    them in the order of its list of layers.
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_ops: int = 2,
        factor: Factor = 0.5,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, interpolation, value_range, seed, data_format, **kwargs)
        self.num_ops = positive_int(self._label_(), "num_ops", num_ops)
        self._steps = self.choices()

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the indices of the layers, and a key for each."""
        which = jnp.floor(rng.uniform_scalar(0, len(self._steps), self.num_ops)).astype(int)
        return which, jax.random.split(rng.key(), self.num_ops)

    def transform(self, images: Array, which: Array, keys: Array) -> Array:
        """Returns the augmented images.

        Args:
            images: float images (batch, height, width, channels).
            which: the indices of the layers that are applied one after the other.
            keys: the random key of each.
        """
        return self._apply_steps(images, which, keys)

    def transform_masks(self, masks: Array, which: Array, keys: Array) -> Array:
        """Returns the masks, moved like the images.

        Args:
            masks: masks (batch, height, width, channels).
            which, keys: as in `transform`.
        """
        return self._apply_steps(masks, which, keys, "masks")

    def move_boxes(self, boxes: Array, size: tuple[Any, Any], which: Array, keys: Array) -> Array:
        """Returns the boxes, moved like the images.

        Args:
            boxes, size: as in other layers.
            which, keys: as in `transform`.
        """
        return self._apply_steps(boxes, which, keys, "boxes", (boxes.shape[0], *size, 3))

    def _apply_steps(self, x: Array, which: Array, keys: Array, *part: Any) -> Array:
        for i in range(self.num_ops):
            x = self.apply_step(x, which[i], keys[i], *part)
        return x


class AugMix(Policy):
    """Mixes images with the results of chains of random augmentations in training.

    y = clip(w x + (1 - w) (m1 x1 + m2 x2 + ...)), with the weights m sampled from a Dirichlet
    distribution, w from a beta distribution, and xi the result of chain i for x

    Args:
        value_range: the lowest and the highest pixel value; the result is clipped to it.
        num_chains: the number of chains.
        chain_depth: the number of augmentations in a chain, each of which may be the identity.
        factor: the strength of the augmentations, from 0 to 1, or a pair.
        alpha: the parameter of both distributions.
        all_ops: whether to sample from brightness, color degeneration, contrast and sharpness as
            well.
        interpolation: `"bilinear"` or `"nearest"`, for the layers that move pixels.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.AugMix()(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    References: Dan Hendrycks et al. (2019), "AugMix: A Simple Data Processing Method to Improve
    Robustness and Uncertainty", arXiv 1912.02781.

    Differences: segmentation masks and bounding boxes remain those of the original image, which is
    part of the mixture; Keras mixes the classes of masks.

    Fixes: the chains are sampled in each step; Keras 3.15 samples them with Python's random numbers
    when the step is compiled, so that all steps have the same chains.
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Factor = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, interpolation, value_range, seed, data_format, **kwargs)
        self.num_chains = positive_int(self._label_(), "num_chains", num_chains)
        self.chain_depth = positive_int(self._label_(), "chain_depth", chain_depth)
        self.alpha = alpha
        self.all_ops = all_ops
        self._steps = self.choices() if all_ops else self.choices()[:7]

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the weights, the indices of the layers, and a key for each."""
        shape = self.num_chains, self.chain_depth
        which = jnp.floor(rng.uniform_scalar(0, len(self._steps) + 1, *shape)).astype(int)
        alphas = jnp.full(self.num_chains, self.alpha, "float32")
        weights = jax.random.dirichlet(rng.key(), alphas)
        stays = jax.random.beta(rng.key(), self.alpha, self.alpha, (), "float32")
        return weights, stays, which, jax.random.split(rng.key(), shape)

    def transform(
        self, images: Array, weights: Array, stays: Array, which: Array, keys: Array
    ) -> Array:
        """Returns the mixed images.

        Args:
            images: float images (batch, height, width, channels).
            weights: the weight of each chain of layers.
            stays: the weight of the images themselves in the mixture.
            which: the indices of the layers of each chain.
            keys: the random key of each layer.
        """
        mixed = jnp.zeros_like(images)
        for chain in range(self.num_chains):
            x = images
            for i in range(self.chain_depth):
                x = self.apply_step(x, which[chain, i], keys[chain, i])
            mixed += weights[chain] * x
        return (stays * images + (1 - stays) * mixed).clip(*self.value_range)
