"""Random transformations of one image, as arrays of any channel order."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.utils import array_to_img, img_to_array

__all__ = [
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "choose_zoom",
    "flip_axis",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
]


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 0,
    col_axis: int = 1,
    channel_axis: int = 2,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """Rotates, shifts, shears and zooms an image about its center.

    Args:
        x: an image of three axes.
        theta: the angle of the rotation, in degrees.
        tx, ty: the shift of rows and columns, in pixels.
        shear: the angle of the shear, in degrees.
        zx, zy: the zoom of rows and columns.
        row_axis, col_axis, channel_axis: the axes of the image.
        fill_mode, cval: the values outside: "constant" (`cval`), "nearest", "reflect" or "wrap".
        order: the order of the interpolation.
    """
    matrix = np.eye(3)
    if theta:
        c, s = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
        matrix = matrix @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    if tx or ty:
        matrix = matrix @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    if shear:
        c, s = np.cos(np.deg2rad(shear)), np.sin(np.deg2rad(shear))
        matrix = matrix @ np.array([[1, -s, 0], [0, c, 0], [0, 0, 1]])
    if zx != 1 or zy != 1:
        matrix = matrix @ np.diag([zx, zy, 1])
    if np.array_equal(matrix, np.eye(3)):
        return x
    # Pixel centers: the center of an image with n rows is (n - 1) / 2 + 0.5 in Keras.
    center = np.array([x.shape[row_axis] / 2 + 0.5, x.shape[col_axis] / 2 + 0.5])
    linear = matrix[:2, :2]
    offset = matrix[:2, 2] + center - linear @ center
    from scipy import ndimage

    channels = [
        ndimage.affine_transform(channel, linear, offset, order=order, mode=fill_mode, cval=cval)
        for channel in np.moveaxis(x, channel_axis, 0)
    ]
    return np.moveaxis(np.stack(channels), 0, channel_axis)


def flip_axis(x: np.ndarray, axis: int) -> np.ndarray:
    """Returns an array in reverse order along an axis."""
    return np.flip(x, axis)


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a number to all channels, and clips to the range of the image."""
    return np.clip(x + intensity, x.min(), x.max())


def random_channel_shift(
    x: np.ndarray, intensity_range: float, channel_axis: int = 0
) -> np.ndarray:
    """Adds a random number of up to `intensity_range`; see `apply_channel_shift`."""
    return apply_channel_shift(
        x, np.random.uniform(-intensity_range, intensity_range), channel_axis
    )


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """Multiplies the brightness of an image by a factor.

    Args:
        x: the image.
        brightness: the factor.
        scale: whether the values are scaled to 0 to 255; otherwise only if some are outside.
    """
    from PIL import ImageEnhance

    low, high = float(np.min(x)), float(np.max(x))
    is_outside = low < 0 or high > 255
    image = array_to_img(x, scale=scale or is_outside)
    found = img_to_array(ImageEnhance.Brightness(image).enhance(brightness))
    return found / 255 * (high - low) + low if is_outside and not scale else found


def random_brightness(x: np.ndarray, brightness_range: Any, scale: bool = True) -> np.ndarray:
    """Multiplies the brightness of an image by a random factor between two numbers."""
    if len(brightness_range) != 2:
        raise ValueError(f"brightness_range must be two numbers. Received: {brightness_range!r}")
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Rotates an image by a random angle of up to `rg` degrees."""
    theta = np.random.uniform(-rg, rg)
    axes = (row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *axes)


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shifts an image by random fractions of up to `wrg` of its width and `hrg` of its height."""
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    axes = (row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *axes)


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Shears an image by a random angle of up to `intensity` degrees."""
    shear = np.random.uniform(-intensity, intensity)
    axes = (row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *axes)


def choose_zoom(zoom_range: Any) -> tuple[float, float]:
    """Returns two random factors between two numbers."""
    low, high = zoom_range
    if low == high == 1:
        return 1.0, 1.0
    zx, zy = np.random.uniform(low, high, size=2)
    return float(zx), float(zy)


def random_zoom(
    x: np.ndarray,
    zoom_range: Any,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """Zooms an image by two random factors between two numbers."""
    if len(zoom_range) != 2:
        raise ValueError(f"zoom_range must be two numbers. Received: {zoom_range!r}")
    zx, zy = choose_zoom(zoom_range)
    axes = (row_axis, col_axis, channel_axis, fill_mode, cval, interpolation_order)
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *axes)
