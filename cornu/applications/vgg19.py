"""VGG19.

References: Karen Simonyan, Andrew Zisserman (2014), "Very deep convolutional networks for
large-scale image recognition".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.vgg import define_vgg
from cornu.types import ArrayLike, DataFormat

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

VGG19 = define_vgg(
    19, (2, 2, 4, 4, 4), ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6")
)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): BGR instead of RGB, minus the means of channels.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="caffe"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> print(cornu.applications.vgg19.preprocess_input(x).ravel().round(3))
    [151.061 138.221 131.32 ]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
