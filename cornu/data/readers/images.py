"""Images as Pillow's objects and as arrays, read from files and written to them."""

from __future__ import annotations

import io
import os
import pathlib
import warnings
from typing import Any

import numpy as np

from cornu import settings
from cornu.errors import missing_package, suggest
from cornu.ops.image import resize

__all__ = [
    "array_to_img",
    "decoded",
    "img_to_array",
    "load_img",
    "opened",
    "pillow",
    "save_img",
    "smart_resize",
]

# Pillow's modes of an image, by the name that users give.
COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_METHODS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_DEEP = ("I", "I;16", "I;16L", "I;16B", "F")


def pillow(who: str) -> Any:
    """Returns Pillow's module `Image`."""
    try:
        from PIL import Image
    except ImportError as error:
        raise missing_package("pillow", "plot", who) from error
    return Image


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """Returns a Pillow image of an array.

    Args:
        x: the array.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        scale: whether values are stretched so that the least is 0 and the largest 255; otherwise
            they are taken as they are, from 0 to 255.
        dtype: in which to compute; the process-wide float type by default.

    Shapes:
        x (height, width, channels), or with channels first; 1, 3 or 4 channels.

    Raises:
        ValueError: the array has another shape, or values that are not finite.
        ImportError: Pillow is not installed.

    Example:

    >>> array_to_img(np.arange(24.0).reshape(2, 4, 3)).size
    (4, 2)
    """
    image = pillow("array_to_img")
    x = np.asarray(x, dtype or settings.get("floatx"))
    if x.ndim != 3:
        raise ValueError(
            f"array_to_img: one image has 3 axes. Received the shape {x.shape}.\n"
            "Take one of a batch with x[i]; to a grey image add the channel with x[..., None]."
        )
    if settings.data_format(data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[-1] not in (1, 3, 4):
        raise ValueError(f"array_to_img: images have 1, 3 or 4 channels, not {x.shape[-1]}.")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise ValueError("array_to_img: the array has values that are NaN or infinite.")
    if scale:
        x = x - x.min(initial=np.inf)
        x = x / (x.max(initial=0) or 1) * 255
    if x.shape[-1] > 1:
        return image.fromarray(x.astype("uint8"))
    deep = x.max(initial=0) > 255
    return image.fromarray(x[..., 0].astype("int32" if deep else "uint8"))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Returns an array of a Pillow image.

    Args:
        img: the image, or an array of 2 or 3 axes.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        dtype: of the array; the process-wide float type by default.

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
        raise ValueError(f"img_to_array: an image has 2 or 3 axes. Received the shape {x.shape}")
    x = x[..., None] if x.ndim == 2 else x
    return x.transpose(2, 0, 1) if settings.data_format(data_format) == "channels_first" else x


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file.

    Args:
        path: the file's name, or an open file.
        x: the array.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        file_format: such as `"png"`; by default the name's ending says it.
        scale: whether values are stretched to 0 to 255; see `array_to_img`.
        **kwargs: what Pillow's `Image.save` takes for the format, such as `quality`.

    Shapes:
        x (height, width, channels), or with channels first; 1, 3 or 4 channels.

    Raises:
        ValueError: the array is no image, or the format is not known.
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
            "save_img: JPEG files have no transparency; the fourth channel is left out.",
            stacklevel=2,
        )
        image = image.convert("RGB")
    try:
        image.save(path, format=file_format, **kwargs)
    except KeyError as error:
        raise ValueError(f"save_img: Pillow writes no format {file_format!r}.") from error


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Reads an image file as a Pillow image.

    Args:
        path: the file's name, or an open binary file.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`. A grey image of more than 8 bits stays so.
        target_size: (height, width), or None for the size that the image has.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos"`, `"box"` or `"hamming"`.
        keep_aspect_ratio: whether the middle of the image with the wished aspect ratio is taken
            rather than stretching it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no image, is damaged, or is so large that it may be an attack.
        ImportError: Pillow is not installed.

    Example:

    >>> file = io.BytesIO()
    >>> save_img(file, np.zeros((20, 40, 3)), file_format="png")
    >>> load_img(file, target_size=(5, 5)).size
    (5, 5)
    """
    if color_mode not in COLOR_MODES:
        raise ValueError(f"load_img: color_mode is one of {tuple(COLOR_MODES)}. {color_mode!r}")
    if interpolation not in _METHODS:
        raise ValueError(
            f"load_img: interpolation is one of {_METHODS}. {suggest(interpolation, _METHODS)}"
        )
    image = opened(path, "load_img")
    if color_mode != "grayscale" or image.mode not in ("L", "I;16", "I"):
        image = _converted(image, COLOR_MODES[color_mode])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    height, width = target_size
    method = getattr(pillow("load_img").Resampling, interpolation.upper())
    box = _middle(image.size, (width, height)) if keep_aspect_ratio else None
    return image.resize((width, height), method, box=box)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last"
) -> Any:
    """Returns images of another size, of which the middle is taken rather than stretching them.

    Args:
        x: images, a NumPy or JAX array; the result is of the same kind.
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


def opened(path: Any, who: str, formats: tuple[str, ...] | None = None) -> Any:
    """Returns the Pillow image in a file, read as a whole, or says what is wrong with the file.

    Args:
        path: the file's name, or an open binary file.
        who: whose error it is.
        formats: Pillow's names of the formats that are read; by default all.
    """
    image = pillow(who)
    if not isinstance(path, (str, bytes, os.PathLike, io.IOBase)):
        raise TypeError(f"{who}: a file is given by its name. Received: {type(path).__name__}")
    name = "the open file" if isinstance(path, io.IOBase) else repr(os.fsdecode(path))
    try:
        if isinstance(path, io.IOBase):
            found = image.open(path, formats=formats)
            found.load()
        else:
            with open(path, "rb") as file:
                found = image.open(file, formats=formats)
                found.load()
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except (image.DecompressionBombError, image.DecompressionBombWarning) as error:
        raise ValueError(
            f"{who}: {name} unpacks to so many pixels that it may be an attack. {error}\n"
            "If you trust it, set PIL.Image.MAX_IMAGE_PIXELS."
        ) from error
    except Exception as error:  # readers of damaged files raise all kinds of errors
        known = f" of the kinds {', '.join(formats)}" if formats else ""
        raise ValueError(
            f"{who}: {name} is no readable image{known}. {type(error).__name__}: {error}\n"
            "Take it out of the folder, or copy it again."
        ) from error
    return found


def decoded(path: Any, channels: int, who: str, formats: tuple[str, ...]) -> np.ndarray:
    """Returns an image file as an array (height, width, channels) of uint8."""
    image = opened(path, who, formats)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    return np.asarray(_converted(image, mode)).reshape(image.height, image.width, channels)


def _converted(image: Any, mode: str) -> Any:
    if image.mode in _DEEP and image.mode != "F":
        # Pillow would cut off all values above 255; the upper 8 of 16 bits are meant.
        image = pillow("load_img").fromarray((np.asarray(image) >> 8).clip(0, 255).astype("uint8"))
    if image.mode == "1":
        image = image.convert("L")
    return image if image.mode == mode else image.convert(mode)


def _middle(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Returns the largest box in the middle that has the aspect ratio of the target."""
    (width, height), (w, h) = size, target
    tall, wide = min(height, width * h // w), min(width, height * w // h)
    top, left = (height - tall) // 2, (width - wide) // 2
    return left, top, left + wide, top + tall
