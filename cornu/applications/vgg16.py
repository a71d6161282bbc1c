"""VGG16.

References: Karen Simonyan, Andrew Zisserman (2014), "Very deep convolutional networks for
large-scale image recognition".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.vgg import define_vgg
from cornu.types import ArrayLike, DataFormat

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

VGG16 = define_vgg(
    16, (2, 2, 3, 3, 3), ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")
)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): BGR instead of RGB, minus the means of channels.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="caffe"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> print(cornu.applications.vgg16.preprocess_input(x).ravel().round(3))
    [151.061 138.221 131.32 ]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
