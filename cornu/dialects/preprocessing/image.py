"""ImageDataGenerator: batches of randomly transformed images."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from cornu import settings
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.dialects.preprocessing.image_iterators import (
    DataFrameIterator,
    DirectoryIterator,
    NumpyArrayIterator,
)
from cornu.dialects.preprocessing.image_transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    choose_zoom,
    flip_axis,
)

__all__ = ["ImageDataGenerator"]

Parameters = dict[str, Any]


class ImageDataGenerator:
    """Makes batches of randomly transformed and standardized images.

    Args:
        featurewise_center, featurewise_std_normalization, zca_whitening: whether to subtract the
            mean of the data, divide by its standard deviation, and whiten it; they need `fit`.
        samplewise_center, samplewise_std_normalization: the same with the numbers of each image.
        zca_epsilon: is added to the eigenvalues of the whitening.
        rotation_range: the largest angle in degrees.
        width_shift_range, height_shift_range: the largest shift: a fraction, a number of pixels,
            or a list of numbers to choose from.
        brightness_range: the smallest and the largest factor of the brightness.
        shear_range: the largest angle of the shear in degrees.
        zoom_range: the smallest and largest factor, or the largest distance from 1.
        channel_shift_range: the largest number that is added to the channels.
        fill_mode, cval: the values outside of the image.
        horizontal_flip, vertical_flip: whether half of the images is flipped.
        rescale: a factor of all values.
        preprocessing_function: is called with each image before it is standardized.
        data_format: "channels_last" or "channels_first"; by default that of the settings.
        validation_split: the fraction of the images of `subset="validation"`.
        interpolation_order: the order of the splines between pixels, from 0 for the nearest pixel.
        dtype: that of the batches.

    Example:

    >>> generator = ImageDataGenerator(rescale=1 / 255)
    >>> batches = generator.flow(np.full((6, 2, 2, 1), 255.0), batch_size=4)
    >>> next(batches).shape, float(next(batches).max())
    ((4, 2, 2, 1), 1.0)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-06,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        self.featurewise_center = featurewise_center or featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = brightness_range
        self.shear_range = shear_range
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = data_format or settings.get("image_data_format")
        if self.data_format not in ("channels_last", "channels_first"):
            raise ValueError(
                "data_format must be 'channels_last' or 'channels_first'. "
                f"Received: {data_format!r}"
            )
        first = self.data_format == "channels_first"
        # Axes of one image.
        self.row_axis, self.col_axis, self.channel_axis = (1, 2, 0) if first else (0, 1, 2)
        self.validation_split = validation_split
        self.interpolation_order = interpolation_order
        self.dtype = dtype or "float32"
        self.mean: Any = None
        self.std: Any = None
        self.principal_components: Any = None
        self.zoom_range = (
            [1 - zoom_range, 1 + zoom_range] if np.ndim(zoom_range) == 0 else list(zoom_range)
        )
        if len(self.zoom_range) != 2:
            raise ValueError(f"zoom_range must be one or two numbers. Received: {zoom_range!r}")

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Returns batches of images in an array, with targets and weights if there are any."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size,
            shuffle,
            sample_weight,
            seed,
            self.data_format,
            save_to_dir,
            save_prefix,
            save_format,
            subset,
            self.dtype,
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Returns batches of the images in the subfolders of a folder, which are the classes."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        has_ext: bool = True,
    ) -> DataFrameIterator:
        """Returns batches of the images whose names are in a column of a pandas table.

        Args:
            dataframe: the table.
            directory: the folder of the images; None if the names are whole paths.
            x_col, y_col, weight_col: the columns of names, targets and weights of samples.
            target_size: the height and the width.
            color_mode: "rgb", "rgba" or "grayscale".
            classes: the names of the classes; by default those in the column.
            class_mode: the kind of targets, as in `flow_from_directory`.
            batch_size, shuffle, seed: the rows of each batch.
            save_to_dir, save_prefix, save_format: where transformed images are written.
            subset: "training" or "validation".
            interpolation: how images are resized.
            validate_filenames: whether rows are left out whose file does not exist.
            has_ext: whether names have the ending of the file.
        """
        return DataFrameIterator(
            dataframe,
            directory,
            self,
            x_col,
            y_col,
            weight_col=weight_col,
            validate_filenames=validate_filenames,
            has_ext=has_ext,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            interpolation=interpolation,
        )

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Returns an image, randomly transformed and standardized."""
        parameters = self.get_random_transform(x.shape)
        return self.standardize(self.apply_transform(x.astype(self.dtype), parameters))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Returns an image with the mean, the deviation and the scale that were asked for."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * np.asarray(self.rescale, self.dtype)
        if self.samplewise_center:
            x = x - np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x = x / (np.std(x, keepdims=True) + 1e-6)
        if self.featurewise_center and self._is_fitted("featurewise_center", self.mean):
            x = x - self.mean
        if self.featurewise_std_normalization and self._is_fitted("std", self.std):
            x = x / (self.std + 1e-6)
        if self.zca_whitening and self._is_fitted("zca_whitening", self.principal_components):
            x = (x.reshape(1, -1) @ self.principal_components).reshape(x.shape)
        return x

    def _is_fitted(self, option: str, value: Any) -> bool:
        if value is None:
            warnings.warn(
                f"ImageDataGenerator: {option} has no effect before fit(x).",
                stacklevel=user_stacklevel(),
            )
        return value is not None

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> Parameters:
        """Returns the random parameters of a transformation, for `apply_transform`."""
        if seed is not None:
            np.random.seed(seed)
        chosen = self._choose_matrix(img_shape)
        # A number is used for each flip, so that results do not depend on these arguments.
        flips = [bool((np.random.random() < 0.5) * on) for on in self._flips()]
        shift = _symmetric(self.channel_shift_range) if self.channel_shift_range else None
        brightness = None
        if self.brightness_range is not None:
            brightness = np.random.uniform(*self.brightness_range)
        return {
            **chosen,
            "flip_horizontal": flips[0],
            "flip_vertical": flips[1],
            "channel_shift_intensity": shift,
            "brightness": brightness,
        }

    def _choose_matrix(self, shape: Any) -> Parameters:
        """Returns random parameters of `apply_affine_transform`."""
        theta = _symmetric(self.rotation_range)
        tx = _choose_shift(self.height_shift_range, shape[self.row_axis])
        ty = _choose_shift(self.width_shift_range, shape[self.col_axis])
        shear = _symmetric(self.shear_range)
        zx, zy = choose_zoom(self.zoom_range)
        return {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy}

    def _flips(self) -> tuple[bool, bool]:
        return self.horizontal_flip, self.vertical_flip

    def apply_transform(self, x: np.ndarray, transform_parameters: Parameters) -> np.ndarray:
        """Returns a transformed image.

        Args:
            x: the image.
            transform_parameters: those of `get_random_transform`, or some of them.
        """
        none = dict.fromkeys(("theta", "tx", "ty", "shear"), 0) | {"zx": 1, "zy": 1}
        given = {**none, **transform_parameters}
        x = apply_affine_transform(
            x,
            given["theta"],
            given["tx"],
            given["ty"],
            given["shear"],
            given["zx"],
            given["zy"],
            self.row_axis,
            self.col_axis,
            self.channel_axis,
            self.fill_mode,
            self.cval,
            self.interpolation_order,
        )
        if given.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given["channel_shift_intensity"], self.channel_axis)
        if given.get("flip_horizontal"):
            x = flip_axis(x, self.col_axis)
        if given.get("flip_vertical"):
            x = flip_axis(x, self.row_axis)
        if given.get("brightness") is not None:
            x = apply_brightness_shift(x, given["brightness"])
        return x

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """Returns a randomly transformed image, which is not standardized."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Computes mean, deviation and principal components of the data.

        Args:
            x: images.
            augment: whether to use transformed images.
            rounds: the number of transformations of each image.
            seed: the seed of the transformations.
        """
        x = np.array(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"fit: x must have 4 axes. Received shape: {x.shape}")
        if seed is not None:
            np.random.seed(seed)
        if augment:
            x = np.stack([self.random_transform(one) for _ in range(rounds) for one in x])
        axes = (0, self.row_axis + 1, self.col_axis + 1)
        if self.featurewise_center:
            self.mean = np.mean(x, axes, keepdims=True)[0]
            x = x - self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axes, keepdims=True)[0]
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
            self.principal_components = u * (1.0 / np.sqrt(s[None] + self.zca_epsilon)) @ u.T


def _symmetric(limit: float) -> float:
    return np.random.uniform(-limit, limit) if limit else 0


def _choose_shift(limit: Any, size: int) -> float:
    """Returns a shift in pixels for a fraction, a number of pixels or a list."""
    if np.ndim(limit):
        return float(np.random.choice(limit) * np.random.choice([-1, 1]))
    if not limit:
        return 0.0
    if isinstance(limit, int):
        return float(np.random.choice(limit) * np.random.choice([-1, 1]))
    shift = np.random.uniform(-limit, limit)
    return float(shift * size if limit < 1 else shift)
