"""Names of Python, NumPy and SciPy that programs of Keras 1 and 2 use, and that no longer exist."""

from __future__ import annotations

import builtins
import configparser
import functools
import io
import itertools
import pickle
import queue
import sys
import urllib.parse
import urllib.request
from types import ModuleType
from typing import Any

import numpy as np

from cornu.utils import array_to_img

__all__ = ["install"]

_OF_NUMPY = {
    "bool": bool,
    "complex": complex,
    "float": float,
    "int": int,
    "object": object,
    "str": str,
    "unicode_": np.str_,
    "string_": np.bytes_,
    "Inf": np.inf,
    "NaN": np.nan,
    "product": np.prod,
}
_OF_PYTHON = {
    "basestring": str,
    "long": int,
    "raw_input": input,
    "reduce": functools.reduce,
    "unichr": chr,
    "unicode": str,
    "xrange": range,
}
_MODULES = {
    "cPickle": pickle,
    "ConfigParser": configparser,
    "Queue": queue,
    "StringIO": io,
    "cStringIO": io,
    "urllib2": urllib.request,
}
_OF_ITERTOOLS = {"ifilter": filter, "imap": map, "izip": zip, "izip_longest": itertools.zip_longest}


def install() -> None:
    """Provides `np.float` and others, `xrange`, `cPickle`, `scipy.misc.imread` and others."""
    for name, value in _OF_NUMPY.items():
        if name not in vars(np):
            setattr(np, name, value)
    for name, value in _OF_PYTHON.items():
        if name not in vars(builtins):
            setattr(builtins, name, value)
    for name, value in _OF_ITERTOOLS.items():
        vars(itertools).setdefault(name, value)
    for name, value in {
        "urlretrieve": urllib.request.urlretrieve,
        "quote": urllib.parse.quote,
    }.items():
        vars(urllib).setdefault(name, value)
    for name, module in _MODULES.items():
        sys.modules.setdefault(name, module)
    misc = ModuleType("scipy.misc", "Images of SciPy before 1.3, with Pillow.")
    vars(misc).update(imread=imread, imresize=imresize, imsave=imsave, toimage=toimage)
    sys.modules["scipy.misc"] = misc
    import scipy

    vars(scipy)["misc"] = misc


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> np.ndarray:
    """Reads an image as an array of bytes.

    Args:
        name: the file.
        flatten: whether the result is the brightness as floats.
        mode: the mode of Pillow that the image is converted to, such as "RGB".
    """
    from PIL import Image

    with Image.open(name) as opened:
        image = opened.convert(mode or ("F" if flatten else opened.mode))
        if image.mode == "P":
            image = image.convert("RGB")
        return np.asarray(image)


def toimage(arr: Any) -> Any:
    """Returns an array as an image of Pillow; values that are not bytes are scaled to 0 to 255."""
    array = np.asarray(arr)
    channels = array if array.ndim == 3 else array[..., None]
    return array_to_img(channels, scale=array.dtype != np.uint8)


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Writes an array as an image; see `toimage`."""
    toimage(arr).save(name, format)


def imresize(arr: Any, size: Any, interp: str = "bilinear", mode: str | None = None) -> np.ndarray:
    """Returns an image of another size.

    Args:
        arr: the image.
        size: the rows and columns; or percent as an integer, or a factor as a float.
        interp: "nearest", "bilinear", "bicubic" or "lanczos".
        mode: ignored.
    """
    image = toimage(arr)
    if isinstance(size, int):
        size = size / 100
    if isinstance(size, float):
        new = (round(image.width * size), round(image.height * size))
    else:
        new = (size[1], size[0])
    kinds = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}
    return np.asarray(image.resize(new, kinds[interp]))
