"""Reads and writes image files, and converts images between Pillow and arrays."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from cornu import settings
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import missing_package, suggest, visible_cause
from cornu.ops.image import resize
from cornu.types import Array, ArrayLike, DataFormat, DTypeLike

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "ColorMode",
    "array_to_img",
    "convert_mode",
    "img_to_array",
    "import_pillow",
    "load_img",
    "named_errors",
    "open_image",
    "save_img",
    "smart_resize",
]

ColorMode: TypeAlias = Literal["grayscale", "rgb", "rgba"]

# The modes of Pillow.
COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "F")


def import_pillow(caller: str) -> Any:
    """Returns the module `PIL.Image`."""
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_package("pillow", "images", caller) from visible_cause(error)
    return Image


@api_boundary
def array_to_img(
    x: ArrayLike,
    data_format: DataFormat | None = None,
    scale: bool = True,
    dtype: DTypeLike | None = None,
) -> Image:
    """Converts an array to a Pillow image.

    Args:
        x: the array.
        data_format: `"channels_last"` or `"channels_first"`; by default the global setting.
        scale: whether to rescale values so that the minimum is 0 and the maximum 255; otherwise,
            values must be between 0 and 255.
        dtype: the dtype of the computation; by default the global float type.

    Shapes:
        x (height, width, channels), or with channels first; 1, 3 or 4 channels.

    Raises:
        ValueError: the array has another shape, or contains non-finite values.
        ImportError: Pillow is not installed.

    Example:

    >>> array_to_img(np.arange(24.0).reshape(2, 4, 3)).size
    (4, 2)
    """
    image: Any = import_pillow("array_to_img")
    pixels: np.ndarray = np.asarray(x, dtype or settings.get("floatx"))
    if pixels.ndim != 3:
        raise ValueError(
            f"array_to_img: expected an image with 3 axes. Received: shape {pixels.shape}.\n"
            "Select one image of a batch with x[i]; add a channel axis with x[..., None]."
        )
    if settings.data_format(data_format) == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    if pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"array_to_img: expected 1, 3 or 4 channels. Received: shape {pixels.shape}."
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError("array_to_img: the array contains NaN or infinite values.")
    if scale:
        pixels = pixels - pixels.min(initial=np.inf)
        pixels = pixels / (pixels.max(initial=0) or 1) * 255
    result: Image
    if pixels.shape[-1] > 1:
        result = image.fromarray(pixels.astype("uint8"))
    else:
        # As in Keras, gray values above 255 make an image of 32-bit integers.
        deep = pixels.max(initial=0) > 255
        result = image.fromarray(pixels[..., 0].astype("int32" if deep else "uint8"))
    return result


@api_boundary
def img_to_array(
    img: Image | ArrayLike,
    data_format: DataFormat | None = None,
    dtype: DTypeLike | None = None,
) -> np.ndarray:
    """Converts a Pillow image to an array.

    Args:
        img: the image, or an array with 2 or 3 axes.
        data_format: `"channels_last"` or `"channels_first"`; by default the global setting.
        dtype: the dtype of the array; by default the global float type.

    Shapes:
        (height, width, channels), or with channels first.

    Raises:
        ValueError: the image has another number of axes.

    Example:

    >>> img_to_array(array_to_img(np.ones((2, 4, 1)), scale=False)).shape
    (2, 4, 1)
    """
    x = np.asarray(img, dtype or settings.get("floatx"))
    if x.ndim not in (2, 3):
        raise ValueError(
            f"img_to_array: expected an image with 2 or 3 axes. Received: shape {x.shape}"
        )
    x = x[..., None] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if settings.data_format(data_format) == "channels_first" else x


@api_boundary
def save_img(
    path: str | os.PathLike[str] | IO[bytes],
    x: ArrayLike,
    data_format: DataFormat | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array to an image file.

    Args:
        path: the path of the file, or an open binary file.
        x: the array.
        data_format: `"channels_last"` or `"channels_first"`; by default the global setting.
        file_format: a format such as `"png"`; by default given by the extension.
        scale: whether to rescale values; see `array_to_img`.
        **kwargs: arguments of `PIL.Image.Image.save` for the format, such as `quality`.

    Shapes:
        x (height, width, channels), or with channels first; 1, 3 or 4 channels.

    Raises:
        ValueError: the array is not an image, or the format is unknown.
        ImportError: Pillow is not installed.

    Example:

    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((2, 4, 3)), file_format="png")
    >>> load_img(file).size
    (4, 2)
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = pathlib.Path(path).suffix[1:].lower() or None
    if file_format is not None and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn(
            "save_img: JPEG does not support transparency; the fourth channel is dropped.",
            stacklevel=user_stacklevel(),
        )
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format, **kwargs)
    except KeyError as error:
        raise ValueError(f"save_img: Pillow cannot write the format {file_format!r}.") from error


@api_boundary
def load_img(
    path: str | os.PathLike[str] | IO[bytes],
    color_mode: ColorMode = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """Reads an image file as a Pillow image.

    Args:
        path: the path of the file, or an open binary file.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`. Gray images with more than 8 bits are not
            converted to 8 bits.
        target_size: (height, width), or None to keep the size.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos"`, `"box"` or `"hamming"`.
        keep_aspect_ratio: whether to crop the image to the center instead of distorting it.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is not a valid image, or so large that it may be a decompression bomb.
        ImportError: Pillow is not installed.

    Example:

    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((20, 40, 3)), file_format="png")
    >>> load_img(file, target_size=(5, 5)).size
    (5, 5)
    """
    if color_mode not in COLOR_MODES:
        raise ValueError(
            f"load_img: color_mode must be one of {tuple(COLOR_MODES)}. Received: {color_mode!r}"
        )
    if interpolation not in _METHODS:
        raise ValueError(
            f"load_img: interpolation must be one of {_METHODS}. {suggest(interpolation, _METHODS)}"
        )
    image = open_image(path, "load_img")
    if color_mode != "grayscale" or image.mode not in ("L", "I;16", "I"):
        image = convert_mode(image, COLOR_MODES[color_mode])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    method = getattr(import_pillow("load_img").Resampling, interpolation.upper())
    box = _center_box(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), method, box=box)


@api_boundary
def smart_resize(
    x: ArrayLike,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: DataFormat = "channels_last",
) -> np.ndarray | Array:
    """Resizes images, and crops them to the center instead of distorting them.

    Args:
        x: images as a NumPy or JAX array; the result is of the same kind.
        size: the new (height, width).
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Shapes:
        x (batch, height, width, channels) or without batch -> the same with the new size

    Example:

    >>> smart_resize(np.ones((340, 500, 3)), (200, 200)).shape
    (200, 200, 3)
    """
    y = resize(x, size, interpolation, False, True, data_format=data_format)
    return np.asarray(y) if isinstance(x, np.ndarray) else y


def open_image(
    path: str | bytes | os.PathLike[str] | IO[bytes],
    caller: str,
    formats: tuple[str, ...] | None = None,
) -> Image:
    """Reads an image file completely as a Pillow image.

    Args:
        path: the path of the file, or an open binary file.
        caller: the name of the function for error messages.
        formats: the formats that are accepted, as named by Pillow; by default all.
    """
    image = import_pillow(caller)
    found: Image
    if not isinstance(path, (str, bytes, os.PathLike, io.IOBase)):
        raise TypeError(
            f"{caller}: expected the path of a file or an open binary file. "
            f"Received: {type(path).__name__}"
        )
    name = "the open file" if isinstance(path, io.IOBase) else repr(os.fsdecode(path))
    with named_errors(caller, name, formats):
        if isinstance(path, io.IOBase):
            found = image.open(path, formats=formats)
            found.load()
        else:
            with open(path, "rb") as file:
                found = image.open(file, formats=formats)
                found.load()
    return found


@contextlib.contextmanager
def named_errors(caller: str, name: str, formats: tuple[str, ...] | None = None) -> Iterator[None]:
    """Raises a ValueError that names the file for all errors of Pillow.

    Args:
        caller: the name of the function for error messages.
        name: the name of the file.
        formats: the formats that are accepted; by default all.
    """
    image = import_pillow(caller)
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (image.DecompressionBombError, image.DecompressionBombWarning) as error:
        raise ValueError(
            f"{caller}: {name} has so many pixels that it may be a decompression bomb. {error}\n"
            "If you trust the file, increase PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except Exception as error:  # decoders of damaged files raise many types of exceptions
        known = f" in the format {', '.join(formats)}" if formats else ""
        raise ValueError(
            f"{caller}: {name} is not a valid image{known}. {type(error).__name__}: {error}\n"
            "Remove or replace the file."
        ) from None  # the frames of Pillow's decoder say nothing about the file


def convert_mode(image: Image, mode: str) -> Image:
    """Converts an image to a mode of Pillow; of 16 bits, the upper 8 are used."""
    if image.mode in _DEEP_MODES and image.mode != "F":
        # Pillow clips values to 255 in this conversion; the upper 8 of 16 bits are wanted.
        image = import_pillow("load_img").fromarray(
            (np.asarray(image) >> 8).clip(0, 255).astype("uint8")
        )
    if image.mode == "1":
        image = image.convert("L")
    return image if image.mode == mode else image.convert(mode)


def _center_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns the largest centered box with the aspect ratio of the target."""
    (width, height), (w, h) = size, target
    tall, wide = min(height, width * h // w), min(width, height * w // h)
    top, left = (height - tall) // 2, (width - wide) // 2
    return left, top, left + wide, top + tall
