"""Base classes of image layers.

A subclass of `ImageLayer` defines `sample`, which returns the random parameters of each image, and
`transform`, which applies them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.errors import check_choice
from cornu.layers.preprocessing.base import DatasetLayer
from cornu.ops import random
from cornu.types import Array, DataFormat

__all__ = [
    "ColorLayer",
    "Factor",
    "FillMode",
    "GeometricImageLayer",
    "ImageLayer",
    "ImageRNG",
    "Interpolation",
    "RandomImageLayer",
    "factor_range",
    "per_image",
    "value_pair",
]

Interpolation: TypeAlias = Literal["bilinear", "nearest"]
# A number f, which denotes a range such as -f to f, or the range itself as a pair.
Factor: TypeAlias = float | Sequence[float]
FillMode: TypeAlias = Literal["reflect", "wrap", "constant", "nearest", "mirror"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
FILL_MODES: tuple[FillMode, ...] = get_args(FillMode)


class ImageRNG:
    """Generates random numbers for a batch of images from a single key.

    Args:
        rows: the number of images.
        key: a JAX random key.
    """

    def __init__(self, rows: Any, key: Any) -> None:
        self.rows = rows
        self._key = key
        self._count = 0

    def key(self) -> Array:
        """Returns a new key."""
        self._count += 1
        return jax.random.fold_in(self._key, self._count)

    def uniform_scalar(self, low: float, high: float, *shape: int) -> Array:
        """Returns an array of numbers from `low` to `high`, the same for all images."""
        return low + (high - low) * jax.random.uniform(self.key(), shape, "float32")

    def uniform(self, low: float, high: float, *shape: int) -> Array:
        """Returns an array (rows, *shape) of numbers from `low` to `high`."""
        return self.uniform_scalar(low, high, self.rows, *shape)

    def normal(self, *shape: int) -> Array:
        """Returns an array (rows, *shape) of numbers from the standard normal distribution."""
        return jax.random.normal(self.key(), (self.rows, *shape), "float32")

    def beta(self, alpha: Any) -> Array:
        """Returns a number from 0 to 1 for each image, from a symmetric beta distribution."""
        keys = jax.random.split(self.key(), self.rows)
        return jax.vmap(lambda key: jax.random.beta(key, alpha, alpha, (), "float32"))(keys)

    def bernoulli(self, low: float, high: float) -> Array:
        """Returns which images are selected, each with a probability from `low` to `high`."""
        return self.uniform(0, 1) < self.uniform(low, high)

    def signs(self) -> Array:
        """Returns 1 or -1 for each image."""
        return jnp.where(self.uniform(0, 1) > 0.5, -1.0, 1.0)

    def permutation(self) -> Array:
        """Returns a random permutation of the indices of the images."""
        return jnp.argsort(self.uniform(0, 1))


class ImageLayer(DatasetLayer):
    """Base class of image layers.

    A subclass defines `transform(images, *parameters)`, and may define `sample(images, rng)`. Both
    receive float images of shape (batch, height, width, channels), whatever the input is.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    _rowwise_ = True
    _infers_by_config_ = True
    # Whether the layer has an effect in training only.
    random: ClassVar[bool] = False
    # Whether integer images keep their dtype instead of becoming floats of the layer's dtype.
    keeps_integers: ClassVar[bool] = False

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = settings.data_format(data_format)
        self.built = True

    # As in Keras, `training` is True by default: a layer that is called directly augments.
    def call(self, data: Any, training: bool = True) -> Any:
        """Returns the images, or a dict of `images`, `labels` and `segmentation_masks`."""
        parts = data if isinstance(data, dict) else {"images": data}
        images = _check_images(parts)
        single = images.ndim == 3
        x = self._to_channels_last(images, single)
        if training or not self.random:
            parameters = self.sample(x, self.make_rng(x))
            transforms = (self.transform, self.transform_labels, self.transform_masks)
        else:
            parameters, transforms = (), (self.infer_images, _identity, self.infer_masks)
        new = dict(parts)
        y = self._from_channels_last(transforms[0](x, *parameters), single)
        # Interpolation may exceed the range of the dtype, in which a cast would wrap around.
        if self.keeps_integers and jnp.issubdtype(images.dtype, jnp.integer):
            y = jnp.round(y).clip(jnp.iinfo(images.dtype).min, jnp.iinfo(images.dtype).max)
            new["images"] = y.astype(images.dtype)
        else:
            new["images"] = y.astype(self.compute_dtype)
        if "labels" in parts:
            labels = parts["labels"][None] if single else parts["labels"]
            labels = transforms[1](labels, *parameters)
            new["labels"] = labels[0] if single else labels
        if "segmentation_masks" in parts:
            masks = parts["segmentation_masks"]
            y = transforms[2](self._to_channels_last(masks, single), *parameters)
            new["segmentation_masks"] = self._from_channels_last(y, single).astype(masks.dtype)
        return new if isinstance(data, dict) else new["images"]

    def make_rng(self, images: Array) -> Any:
        """Returns the generator of random numbers; None for layers that are not random."""
        return None

    def sample(self, images: Array, rng: Any) -> tuple[Any, ...]:
        """Returns the random parameters of the images."""
        return ()

    def transform(self, images: Array, *parameters: Any) -> Array:
        """Returns the transformed images."""
        raise NotImplementedError(f"{type(self).__name__} does not define `transform`.")

    def transform_labels(self, labels: Array, *parameters: Any) -> Array:
        """Returns the labels of the transformed images; unchanged by default."""
        return labels

    def transform_masks(self, masks: Array, *parameters: Any) -> Array:
        """Returns the masks of the transformed images; unchanged by default."""
        return masks

    def infer_images(self, images: Array) -> Array:
        """Returns the output of a random layer for images at inference; unchanged by default."""
        return images

    def infer_masks(self, masks: Array) -> Array:
        """Returns the output of a random layer for masks at inference; unchanged by default."""
        return masks

    def _to_channels_last(self, images: Array, single: bool) -> Array:
        x = images[None] if single else images
        x = jnp.moveaxis(x, 1, -1) if self.data_format == "channels_first" else x
        # bfloat16 has only 8 significant bits, too few to interpolate between 256 levels.
        return x.astype(jnp.promote_types(self.compute_dtype, "float32"))

    def _from_channels_last(self, x: Array, single: bool) -> Array:
        x = jnp.moveaxis(x, -1, 1) if self.data_format == "channels_first" else x
        return x[0] if single else x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, including the default data format."""
        # The default data format may be another one when the config is loaded.
        return {"data_format": self.data_format, **super().get_config()}


class RandomImageLayer(ImageLayer):
    """Base class of layers that transform each image randomly in training.

    Args:
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    random = True

    def __init__(
        self, seed: int | None = None, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name=self.name)

    def make_rng(self, images: Array) -> ImageRNG:
        """Returns a generator of random numbers for the images."""
        return ImageRNG(images.shape[0], self.seed_generator.next())


class ColorLayer(RandomImageLayer):
    """Base class of layers that change pixel values within a range.

    Args:
        value_range: the lowest and the highest pixel value.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    def __init__(
        self,
        value_range: Sequence[float],
        seed: int | None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.value_range = value_pair(self._label_(), "value_range", value_range)

    @property
    def extent(self) -> float:
        """The length of the value range."""
        return self.value_range[1] - self.value_range[0]

    def scale_to(self, images: Array, high: float) -> Array:
        """Returns images with values scaled to the range from 0 to `high`."""
        return (images - self.value_range[0]) * (high / self.extent)

    def scale_back(self, images: Array, high: float) -> Array:
        """Returns images with values scaled from the range 0 to `high` to the value range."""
        return images * (self.extent / high) + self.value_range[0]


class GeometricImageLayer(RandomImageLayer):
    """Base class of layers that move the pixels of images and segmentation masks.

    A subclass defines `warp(images, *parameters, interpolation)`.

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

    def warp(self, images: Array, *parameters: Any, **kwargs: Any) -> Array:
        """Returns the warped images."""
        raise NotImplementedError(f"{type(self).__name__} does not define `warp`.")

    def transform(self, images: Array, *parameters: Any) -> Array:
        """Returns the warped images."""
        return self.warp(images, *parameters, interpolation=self.interpolation)

    def transform_masks(self, masks: Array, *parameters: Any) -> Array:
        """Returns the warped masks, without interpolating between classes."""
        return self.warp(masks, *parameters, interpolation="nearest")


def _identity(labels: Array) -> Any:
    return labels


def _check_images(parts: dict[str, Any]) -> Any:
    if "bounding_boxes" in parts:
        raise NotImplementedError(
            "bounding boxes are not supported; remove them from the data. If the layer moves "
            "pixels, they would no longer match the images."
        )
    images = parts.get("images")
    if images is None or images.ndim not in (3, 4):
        seen = "none" if images is None else f"the shape {images.shape}"
        hint = ""
        if images is not None and images.ndim == 2:
            hint = "\nAdd a channel axis to a grayscale image: x[..., None]."
        raise ValueError(
            "images must have the shape (height, width, channels) or (batch, height, width, "
            f"channels). Received: {seen}{hint}"
        )
    return images


def per_image(values: Any) -> Array:
    """Reshapes an array with one number per image so that it broadcasts against the images."""
    column: Array = values[:, None, None, None]
    return column


def factor_range(
    layer: str, name: str, factor: Factor, least: float = -1.0, most: float = 1.0
) -> tuple[float, float]:
    """Returns the range of a factor: a pair itself; for a number f, -f to f within the bounds.

    Example:

    >>> (
    ...     factor_range("RandomZoom", "height_factor", 0.2),
    ...     factor_range("RandomInvert", "factor", 0.2, 0),
    ... )
    ((-0.2, 0.2), (0.0, 0.2))
    """
    numbers = factor if isinstance(factor, (tuple, list)) else (factor,)
    if len(numbers) not in (1, 2) or not all(
        isinstance(n, (int, float, np.number)) and least <= n <= most for n in numbers
    ):
        raise ValueError(
            f"{layer}: {name} must be a number from {least:g} to {most:g}, or a pair of them. "
            f"Received: {factor!r}"
        )
    if isinstance(factor, (tuple, list)) and len(numbers) == 2:
        low, high = sorted(float(n) for n in numbers)
        return low, high
    high = abs(float(numbers[0]))
    return max(-high, float(least)), high


def value_pair(layer: str, name: str, values: Any) -> tuple[float, float]:
    """Returns the bounds of a value range, such as (0, 255), the lower first."""
    if not isinstance(values, (tuple, list)) or len(values) != 2 or values[0] == values[1]:
        raise ValueError(
            f"{layer}: {name} must be a pair of different numbers. Received: {values!r}"
        )
    low, high = sorted(float(v) for v in values)
    return low, high
