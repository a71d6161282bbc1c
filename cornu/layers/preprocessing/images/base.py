"""Base classes of image layers.

A subclass of `ImageLayer` defines `sample`, which returns the random numbers of a transformation,
and `transform`, which applies them to images. A layer that moves pixels is a `SpatialLayer`, whose
masks and bounding boxes follow from the same numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.layers.preprocessing.base import DatasetLayer
from cornu.layers.preprocessing.images.factors import ImageRNG
from cornu.layers.preprocessing.images.sample import check_boxes, check_images, is_single
from cornu.ops.arguments import to_array
from cornu.ops.random.generator import Seed, SeedGenerator, draw_key
from cornu.parts.bounding_boxes.formats import convert_format, find_format
from cornu.types import Array, DataFormat

__all__ = ["ImageLayer", "RandomImageLayer", "Transformation"]

# The parts of a sample, and the methods that transform them for a batch and for one image.
_METHODS = {
    "images": ("transform_images", "transform_single_image"),
    "bounding_boxes": ("transform_bounding_boxes", "transform_single_bounding_box"),
    "labels": ("transform_labels", "transform_single_label"),
    "segmentation_masks": ("transform_segmentation_masks", "transform_single_segmentation_mask"),
}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Transformation:
    """The numbers with which a layer transforms images and what belongs to them.

    Attributes:
        numbers: what `sample` of the layer returned.
        size: (height, width) of the images.
    """

    numbers: tuple[Any, ...]
    size: tuple[Any, Any] = dataclasses.field(metadata={"static": True})


class ImageLayer(DatasetLayer):
    """Base class of image layers.

    The input is a batch of images, one image, or a dict of `"images"` and optionally `"labels"`,
    `"bounding_boxes"` and `"segmentation_masks"`. Other entries of the dict are unchanged.

    A subclass defines `transform(images, *numbers)`, and may define `sample(images, rng)`, which
    returns the numbers. `transform` receives float images of shape (batch, height, width,
    channels), whatever the input is. In `sample`, only the shape of the images is known.
    Alternatively, a subclass defines the methods of Keras: `get_random_transformation`, which may
    return anything, and `transform_images`, `transform_labels`, `transform_bounding_boxes` and
    `transform_segmentation_masks`, which receive it together with a batch.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        bounding_box_format: the format of bounding boxes, one of those of
            `cornu.utils.bounding_boxes.convert_format`.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    _rowwise_ = True
    _infers_by_config_ = True
    # Whether the layer has an effect in training only.
    random: ClassVar[bool] = False
    # Whether integer images keep their dtype instead of becoming floats of the layer's dtype.
    keeps_integers: ClassVar[bool] = False
    # Whether no pixel moves, so that masks and bounding boxes remain as they are.
    keeps_positions: ClassVar[bool] = False

    def __init__(
        self,
        data_format: DataFormat | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if bounding_box_format is not None:
            find_format(bounding_box_format, f"{self._label_()}: bounding_box_format")
        self.data_format = settings.data_format(data_format)
        self.bounding_box_format = bounding_box_format
        # Labels and boxes, which bfloat16 would round, are not cast; images are cast at the end.
        self.autocast = False
        self.built = True

    # As in Keras, `training` is True by default: a layer that is called directly augments.
    def call(self, data: Any, training: bool = True) -> Any:
        """Returns the transformed images, or a dict of everything that was transformed.

        Args:
            data: images, a batch or a single one; or a dict of `"images"` and what belongs to them.
            training: whether the layer is in training; random layers change nothing at inference.
        """
        single = is_single(data)
        transformation = self.get_random_transformation(data, training=training)
        new = dict(data) if isinstance(data, dict) else {"images": data}
        for key, methods in _METHODS.items():
            if key in new:
                transform = getattr(self, methods[single])
                new[key] = transform(new[key], transformation=transformation, training=training)
        return new if isinstance(data, dict) else new["images"]

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Returns the random numbers of a transformation, for the methods that apply it.

        Args:
            data: the images, or a dict that contains them, with or without a batch axis.
            training: whether the layer is in training.
            seed: a seed, used instead of that of the layer.
        """
        images = self._channels_last_spec(check_images(data))
        numbers = (
            self.sample(images, self.make_rng(images, seed))
            if training
            else self.sample_at_inference(images)
        )
        return None if numbers is None else Transformation(numbers, images.shape[1:3])

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns a batch of images, transformed by what `get_random_transformation` returned.

        Args:
            images: the images, in the data format of the layer.
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        x: Array = to_array(images)
        keeps_dtype = self.keeps_integers and jnp.issubdtype(x.dtype, jnp.integer)
        numbers = self._numbers(transformation, training)
        if numbers is None:
            return x if keeps_dtype else x.astype(self.compute_dtype)
        y = self._from_channels_last(self.transform(self._to_channels_last(x), *numbers))
        if not keeps_dtype:
            return y.astype(self.compute_dtype)
        # Interpolation may exceed the range of the dtype, in which a cast would wrap around.
        limits = jnp.iinfo(x.dtype)
        return jnp.round(y).clip(limits.min, limits.max).astype(x.dtype)

    def transform_labels(
        self, labels: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the labels of a batch of transformed images; unchanged by default.

        Args:
            labels: the labels, one row for each image.
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        unchanged: Array = to_array(labels)
        return unchanged

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> dict[str, Any]:
        """Returns the bounding boxes of a batch of transformed images.

        Args:
            bounding_boxes: a dict of `"boxes"`, (batch, boxes, 4), and `"labels"`, (batch, boxes).
            transformation: what `get_random_transformation` returned.
            training: whether the layer is in training.
        """
        if self.keeps_positions or self._numbers(transformation, training) is None:
            return check_boxes(bounding_boxes)
        raise self._cannot_transform("bounding boxes", "transform_bounding_boxes")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns the segmentation masks of a batch of transformed images.

        Args:
            segmentation_masks: masks in the layout of the images, with any number of channels.
            transformation: what `get_random_transformation` returned.
            training: whether the layer is in training.
        """
        masks: Array = to_array(segmentation_masks)
        numbers = None if self.keeps_positions else self._numbers(transformation, training)
        if numbers is None:
            return masks
        if masks.ndim != 4:
            raise ValueError(
                "segmentation_masks must have the axes of the images, with a channel axis. "
                f"Received: the shape {masks.shape}, including the batch axis"
            )
        new = self.transform_masks(self._to_channels_last(masks), *numbers)
        return self._from_channels_last(new).astype(masks.dtype)

    def transform_single_image(
        self, image: Any, transformation: Any, training: bool = True
    ) -> Array:
        """Returns a transformed image without batch axis.

        Args:
            image: the image.
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        return self._transform_one(self.transform_images, image, transformation, training)

    def transform_single_label(
        self, label: Any, transformation: Any, training: bool = True
    ) -> Array:
        """Returns the label of a transformed image.

        Args:
            label: the label, without batch axis.
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        return self._transform_one(self.transform_labels, label, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: Any, transformation: Any, training: bool = True
    ) -> dict[str, Any]:
        """Returns the bounding boxes of a transformed image.

        Args:
            bounding_box: a dict of `"boxes"`, (boxes, 4), and `"labels"`, (boxes,).
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        pair = ("boxes", "labels")
        batch = {k: to_array(v)[None] if k in pair else v for k, v in bounding_box.items()}
        new = self.transform_bounding_boxes(batch, transformation=transformation, training=training)
        return {k: v[0] if k in pair else v for k, v in new.items()}

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Array:
        """Returns the segmentation mask of a transformed image.

        Args:
            segmentation_mask: the mask in the layout of the image.
            transformation: what `get_random_transformation` returned; None for no transformation.
            training: whether the layer is in training.
        """
        method = self.transform_segmentation_masks
        return self._transform_one(method, segmentation_mask, transformation, training)

    def _transform_one(
        self, method: Callable[..., Array], x: Any, transformation: Any, training: bool
    ) -> Array:
        batch = to_array(x)[None]
        return method(batch, transformation=transformation, training=training)[0]

    def make_rng(self, images: Any, seed: Seed = None) -> Any:
        """Returns the generator of random numbers; None for layers that are not random.

        Args:
            images: the images, of which only the shape is used.
            seed: a seed, used instead of that of the layer.
        """
        return None

    def sample(self, images: Any, rng: Any) -> tuple[Any, ...]:
        """Returns the random numbers of the transformation.

        Args:
            images: the images, (batch, height, width, channels), of which only the shape is known.
            rng: the generator that `make_rng` returned.

        Returns:
            A tuple: what `transform` takes after the images.
        """
        return ()

    def sample_at_inference(self, images: Any) -> tuple[Any, ...] | None:
        """Returns the numbers of the transformation at inference; None if nothing changes.

        Args:
            images: the images, of which only the shape is known.
        """
        return None if self.random else self.sample(images, None)

    def transform(self, images: Array, *numbers: Any) -> Array:
        """Returns the transformed images.

        Args:
            images: float images (batch, height, width, channels).
            *numbers: what `sample` returned; an override gives each a name.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `transform`.")

    def transform_masks(self, masks: Array, *numbers: Any) -> Array:
        """Returns the masks of the transformed images.

        Args:
            masks: masks (batch, height, width, channels), as floats.
            *numbers: what `sample` returned; an override gives each a name.
        """
        raise self._cannot_transform("segmentation masks", "transform_segmentation_masks")

    def _cannot_transform(self, what: str, method: str) -> NotImplementedError:
        return NotImplementedError(
            f"{self._label_()} does not transform {what}.\nDefine `{method}` in the class, or "
            "remove them from the data: they would no longer match the images."
        )

    def _numbers(self, transformation: Any, training: bool) -> tuple[Any, ...] | None:
        """Returns the numbers for `transform`; None if nothing changes."""
        if self.random and (transformation is None or not training):
            return None
        if transformation is None:
            return ()
        if not isinstance(transformation, Transformation):
            raise TypeError(
                f"{self._label_()}: transformation must be a result of its method "
                f"get_random_transformation. Received an object of type "
                f"{type(transformation).__name__}.\nA class that overrides "
                "get_random_transformation overrides the methods that apply it as well."
            )
        return transformation.numbers

    def _to_pixels(self, boxes: Array, transformation: Any) -> tuple[Array, Array]:
        """Returns boxes as (left, top, right, bottom) in pixels, and which of them are padding.

        The second array has the shape (batch, boxes, 1).
        """
        if self.bounding_box_format is None:
            raise ValueError(
                f"{self._label_()}: the format of the bounding boxes is unknown.\nPass it to the "
                f'layer: {type(self).__name__}(..., bounding_box_format="xyxy").'
            )
        if not isinstance(transformation, Transformation):
            raise TypeError(
                f"{self._label_()}: transformation must be a result of get_random_transformation, "
                f"which holds the size of the images. Received: {transformation!r}"
            )
        padding = ((boxes == 0).all(-1) | (boxes == -1).all(-1))[..., None]
        pixels = convert_format(boxes, self.bounding_box_format, "xyxy", *transformation.size)
        return pixels, padding

    def _from_pixels(self, boxes: Array, size: tuple[Any, Any]) -> Array:
        """Returns boxes (left, top, right, bottom) in the layer's format, for images of a size."""
        new: Array = convert_format(boxes, "xyxy", str(self.bounding_box_format), *size)
        return new

    def _channels_last_spec(self, images: Any) -> jax.ShapeDtypeStruct:
        """Returns the shape of images, as (batch, height, width, channels)."""
        *batch, a, b, c = images.shape
        sides = (b, c, a) if self.data_format == "channels_first" else (a, b, c)
        return jax.ShapeDtypeStruct((*(batch or (1,)), *sides), jnp.float32)

    def _to_channels_last(self, images: Array) -> Array:
        x = jnp.moveaxis(images, 1, -1) if self.data_format == "channels_first" else images
        # bfloat16 has only 8 significant bits, too few to interpolate between 256 levels.
        return x.astype(jnp.promote_types(self.compute_dtype, "float32"))

    def _from_channels_last(self, x: Array) -> Array:
        return jnp.moveaxis(x, -1, 1) if self.data_format == "channels_first" else x

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
        self.seed_generator = SeedGenerator(seed, name=self.name)

    def make_rng(self, images: Any, seed: Seed = None) -> ImageRNG:
        """Returns a generator of random numbers for the images."""
        return ImageRNG(images.shape[0], draw_key(self.seed_generator if seed is None else seed))
