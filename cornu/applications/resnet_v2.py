"""ResNet, version 2: normalization and activation before each convolution.

References: Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun (2016), "Identity mappings in deep
residual networks".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.resnet import define_resnet
from cornu.types import ArrayLike, DataFormat

__all__ = [
    "ResNet50V2",
    "ResNet101V2",
    "ResNet152V2",
    "decode_predictions",
    "preprocess_input",
]

decode_predictions = imagenet_utils.decode_predictions

ResNet50V2 = define_resnet(50, 2)
ResNet101V2 = define_resnet(101, 2)
ResNet152V2 = define_resnet(152, 2)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.resnet_v2.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
