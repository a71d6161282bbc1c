"""EfficientNet: depth, width and image size are scaled together.

References: Mingxing Tan, Quoc Le (2019), "EfficientNet: rethinking model scaling for convolutional
neural networks".
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from cornu.applications import imagenet_utils
from cornu.applications.blocks import channel_axis, correct_padding, divisible, letter
from cornu.applications.mbconv import (
    add_shortcut,
    classify,
    convolution,
    kernel_initializer,
    normalize_swish,
    squeeze_excite,
)
from cornu.applications.network import (
    Arguments,
    NetworkFunction,
    WeightFiles,
    build_network,
    define_network,
)
from cornu.core.graph.tensor import Tensor
from cornu.layers import (
    BatchNormalization,
    DepthwiseConv2D,
    Normalization,
    Rescaling,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import DataFormat

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

T = TypeVar("T")

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/keras-applications/"
_DEVIATIONS = (0.229, 0.224, 0.225)  # of the channels of ImageNet
_DROP_RATE = 0.2  # of the last block; it grows with the depth


class Stage(NamedTuple):
    """Blocks of one size."""

    kernel: int
    repeats: int
    filters: int
    expansion: int
    strides: int


_STAGES = (
    Stage(3, 1, 16, 1, 1),
    Stage(3, 2, 24, 6, 2),
    Stage(5, 2, 40, 6, 2),
    Stage(3, 3, 80, 6, 2),
    Stage(5, 3, 112, 6, 1),
    Stage(5, 4, 192, 6, 2),
    Stage(3, 1, 320, 6, 1),
)


def block(
    x: Tensor,
    width: int,
    filters: int,
    kernel: int,
    strides: int,
    expansion: int,
    rate: float,
    name: str,
) -> Tensor:
    """Applies a 1x1, a depthwise and a 1x1 convolution, with a shortcut if sizes are equal."""
    start, expanded = x, width * expansion
    if expansion > 1:
        x = convolution(x, expanded, 1, f"{name}expand_conv")
        x = normalize_swish(x, (f"{name}expand_bn", f"{name}expand_activation"))
    if strides == 2:
        x = ZeroPadding2D(correct_padding(x, kernel), name=f"{name}dwconv_pad")(x)
    x = DepthwiseConv2D(
        kernel,
        strides=strides,
        padding="valid" if strides == 2 else "same",
        use_bias=False,
        depthwise_initializer=kernel_initializer(),
        name=f"{name}dwconv",
    )(x)
    x = normalize_swish(x, (f"{name}bn", f"{name}activation"))
    x = squeeze_excite(x, width, expanded, name)
    x = convolution(x, filters, 1, f"{name}project_conv")
    x = BatchNormalization(axis=channel_axis(), name=f"{name}project_bn")(x)
    if strides == 1 and width == filters:
        x = add_shortcut(x, start, rate, name)
    return x


def stem(x: Tensor, filters: int, pretrained: bool) -> Tensor:
    """Standardizes the images, and applies a 3x3 convolution."""
    x = Rescaling(1 / 255)(x)
    x = Normalization(axis=channel_axis())(x)
    if pretrained:
        # The weights were trained with a division by the square root of the deviations.
        scale = np.array([1 / math.sqrt(value) for value in _DEVIATIONS])
        x = Rescaling((scale[:, None, None] if channel_axis() == 1 else scale).tolist())(x)
    x = ZeroPadding2D(correct_padding(x, 3), name="stem_conv_pad")(x)
    x = convolution(x, filters, 3, "stem_conv", strides=2, padding="valid")
    return normalize_swish(x, ("stem_bn", "stem_activation"))


def features(x: Tensor, width_factor: float, depth_factor: float, pretrained: bool) -> Tensor:
    """Applies the stem, seven stages of blocks and a 1x1 convolution."""
    width = divisible(32 * width_factor)
    x = stem(x, width, pretrained)
    counts = [math.ceil(depth_factor * stage.repeats) for stage in _STAGES]
    done = 0
    for i, (stage, count) in enumerate(zip(_STAGES, counts, strict=True)):
        filters = divisible(stage.filters * width_factor)
        for j in range(count):
            rate = _DROP_RATE * done / sum(counts)
            strides = 1 if j else stage.strides
            name = f"block{i + 1}{letter(j)}_"
            x = block(x, width, filters, stage.kernel, strides, stage.expansion, rate, name)
            width, done = filters, done + 1
    x = convolution(x, divisible(1280 * width_factor), 1, "top_conv")
    return normalize_swish(x, ("top_bn", "top_activation"))


def define_efficientnet(
    index: int,
    width_factor: float,
    depth_factor: float,
    size: int,
    dropout: float,
    hashes: tuple[str, str],
) -> NetworkFunction:
    """Returns the public function of an EfficientNet."""

    def build(arguments: Arguments) -> Model:
        return build_network(
            partial(
                features,
                width_factor=width_factor,
                depth_factor=depth_factor,
                pretrained=arguments.pretrained,
            ),
            arguments,
            size=size,
            files=WeightFiles(
                _FOLDER, f"{arguments.name}.h5", f"{arguments.name}_notop.h5", hashes
            ),
            top=partial(classify, rate=dropout),
        )

    return define_network(f"EfficientNetB{index}", f"Returns an EfficientNet B{index}.", build)


EfficientNetB0 = define_efficientnet(
    0, 1.0, 1.0, 224, 0.2, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")
)
EfficientNetB1 = define_efficientnet(
    1, 1.0, 1.1, 240, 0.2, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")
)
EfficientNetB2 = define_efficientnet(
    2, 1.1, 1.2, 260, 0.3, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")
)
EfficientNetB3 = define_efficientnet(
    3, 1.2, 1.4, 300, 0.3, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")
)
EfficientNetB4 = define_efficientnet(
    4, 1.4, 1.8, 380, 0.4, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")
)
EfficientNetB5 = define_efficientnet(
    5, 1.6, 2.2, 456, 0.4, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")
)
EfficientNetB6 = define_efficientnet(
    6, 1.8, 2.6, 528, 0.5, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")
)
EfficientNetB7 = define_efficientnet(
    7, 2.0, 3.1, 600, 0.5, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")
)


def preprocess_input(x: T, data_format: DataFormat | None = None) -> T:
    """Returns RGB images (0 to 255) unchanged: the network contains the preprocessing.

    Args:
        x: an array or symbolic Tensor.
        data_format: has no effect.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.efficientnet.preprocess_input(x).ravel().tolist()
    [255.0, 255.0, 255.0]
    """
    return x
