"""EfficientNet V2: EfficientNet with plain convolutions in the first stages.

References: Mingxing Tan, Quoc Le (2021), "EfficientNetV2: smaller models and faster training".
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

from cornu.applications import imagenet_utils
from cornu.applications.blocks import channel_axis, letter
from cornu.applications.mbconv import (
    add_shortcut,
    classify,
    convolution,
    kernel_initializer,
    normalize_swish,
    squeeze_excite,
)
from cornu.applications.network import (
    ARGUMENTS,
    Arguments,
    Pooling,
    WeightFiles,
    Weights,
    build_network,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import (
    Activation,
    BatchNormalization,
    DepthwiseConv2D,
    Normalization,
    Rescaling,
)
from cornu.models import Model
from cornu.types import ActivationLike, DataFormat, ShapeLike

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

T = TypeVar("T")

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/"
_MOMENTUM = 0.9
_DROPOUT = 0.2
_DROP_RATE = 0.2  # of the last block; it grows with the depth
# Of the channels of ImageNet.
_MEANS, _DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Stage(NamedTuple):
    """Blocks of one size; `fused` ones have one convolution in place of two, and no squeeze."""

    repeats: int
    filters: int
    expansion: int
    strides: int
    fused: bool = False


_STAGES = {
    "b": (
        Stage(1, 16, 1, 1, fused=True),
        Stage(2, 32, 4, 2, fused=True),
        Stage(2, 48, 4, 2, fused=True),
        Stage(3, 96, 4, 2),
        Stage(5, 112, 6, 1),
        Stage(8, 192, 6, 2),
    ),
    "s": (
        Stage(2, 24, 1, 1, fused=True),
        Stage(4, 48, 4, 2, fused=True),
        Stage(4, 64, 4, 2, fused=True),
        Stage(6, 128, 4, 2),
        Stage(9, 160, 6, 1),
        Stage(15, 256, 6, 2),
    ),
    "m": (
        Stage(3, 24, 1, 1, fused=True),
        Stage(5, 48, 4, 2, fused=True),
        Stage(5, 80, 4, 2, fused=True),
        Stage(7, 160, 4, 2),
        Stage(14, 176, 6, 1),
        Stage(18, 304, 6, 2),
        Stage(5, 512, 6, 1),
    ),
    "l": (
        Stage(4, 32, 1, 1, fused=True),
        Stage(7, 64, 4, 2, fused=True),
        Stage(7, 96, 4, 2, fused=True),
        Stage(10, 192, 4, 2),
        Stage(19, 224, 6, 1),
        Stage(25, 384, 6, 2),
        Stage(7, 640, 6, 1),
    ),
}
_STEM_FILTERS = {"b": 32, "s": 24, "m": 24, "l": 32}


class NetworkFunction(Protocol):
    """A function that builds an EfficientNet V2."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        include_preprocessing: bool = True,
        name: str = ...,
    ) -> Model: ...


def normalization(name: str) -> BatchNormalization:
    """Returns a layer that normalizes each channel."""
    return BatchNormalization(axis=channel_axis(), momentum=_MOMENTUM, name=name)


def depthwise_block(
    x: Tensor, width: int, filters: int, strides: int, expansion: int, name: str
) -> Tensor:
    """Applies a 1x1, a depthwise 3x3 and a 1x1 convolution."""
    expanded = width * expansion
    if expansion > 1:
        x = convolution(x, expanded, 1, f"{name}expand_conv")
        x = normalize_swish(x, (f"{name}expand_bn", f"{name}expand_activation"), _MOMENTUM)
    x = DepthwiseConv2D(
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=kernel_initializer(),
        name=f"{name}dwconv2",
    )(x)
    x = normalize_swish(x, (f"{name}bn", f"{name}activation"), _MOMENTUM)
    x = squeeze_excite(x, width, expanded, name)
    x = convolution(x, filters, 1, f"{name}project_conv")
    return normalization(f"{name}project_bn")(x)


def fused_block(
    x: Tensor, width: int, filters: int, strides: int, expansion: int, name: str
) -> Tensor:
    """Applies a 3x3 convolution, and a 1x1 convolution if the block is wider than its input."""
    if expansion > 1:
        x = convolution(x, width * expansion, 3, f"{name}expand_conv", strides=strides)
        x = normalize_swish(x, (f"{name}expand_bn", f"{name}expand_activation"), _MOMENTUM)
        x = convolution(x, filters, 1, f"{name}project_conv")
        return normalization(f"{name}project_bn")(x)
    x = convolution(x, filters, 3, f"{name}project_conv", strides=strides)
    return Activation("swish", name=f"{name}project_activation")(
        normalization(f"{name}project_bn")(x)
    )


def block(
    x: Tensor, stage: Stage, width: int, filters: int, strides: int, rate: float, name: str
) -> Tensor:
    """Applies one block, with a shortcut if sizes are equal."""
    start = x
    apply = fused_block if stage.fused else depthwise_block
    x = apply(x, width, filters, strides, stage.expansion, name)
    if strides == 1 and width == filters:
        x = add_shortcut(x, start, rate, name)
    return x


def preprocess(x: Tensor, standardize: bool) -> Tensor:
    """Scales images from 0...255 to -1...1, or standardizes their channels."""
    if not standardize:
        scaled: Tensor = Rescaling(1 / 128, offset=-1)(x)
        return scaled
    variances = [value**2 for value in _DEVIATIONS]
    x = Rescaling(1 / 255)(x)
    standardized: Tensor = Normalization(
        mean=list(_MEANS), variance=variances, axis=channel_axis()
    )(x)
    return standardized


def round_filters(filters: float) -> int:
    """Returns the nearest multiple of 8."""
    return max(8, int(filters + 4) // 8 * 8)


def features(
    x: Tensor, variant: str, width_factor: float, depth_factor: float, include_preprocessing: bool
) -> Tensor:
    """Applies a convolution, the stages of blocks and a 1x1 convolution."""
    if include_preprocessing:
        x = preprocess(x, standardize=variant == "b" and x.shape[channel_axis()] == 3)
    width = round_filters(_STEM_FILTERS[variant] * width_factor)
    x = convolution(x, width, 3, "stem_conv", strides=2)
    x = normalize_swish(x, ("stem_bn", "stem_activation"), _MOMENTUM)
    stages = _STAGES[variant]
    # As in Keras, the rates are those of the network without `depth_factor`.
    total, done = sum(stage.repeats for stage in stages), 0
    for i, stage in enumerate(stages):
        filters = round_filters(stage.filters * width_factor)
        for j in range(math.ceil(depth_factor * stage.repeats)):
            strides, rate = 1 if j else stage.strides, _DROP_RATE * done / total
            x = block(x, stage, width, filters, strides, rate, f"block{i + 1}{letter(j)}_")
            width, done = filters, done + 1
    x = convolution(x, round_filters(1280 * width_factor), 1, "top_conv")
    return normalize_swish(x, ("top_bn", "top_activation"), _MOMENTUM)


def define_efficientnet_v2(
    suffix: str,
    width_factor: float,
    depth_factor: float,
    size: int,
    hashes: tuple[str, str],
) -> NetworkFunction:
    """Returns the public function of an EfficientNet V2.

    Args:
        suffix: "B0" to "B3", "S", "M" or "L".
        width_factor, depth_factor: factors for the numbers of filters and blocks.
        size: the default height and width of images.
        hashes: of the files of weights.
    """
    default_name, variant = f"efficientnetv2-{suffix.lower()}", suffix[0].lower()

    def make(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        include_preprocessing: bool = True,
        name: str = default_name,
    ) -> Model:
        arguments = Arguments.from_call(locals())
        return build_network(
            partial(
                features,
                variant=variant,
                width_factor=width_factor,
                depth_factor=depth_factor,
                include_preprocessing=include_preprocessing,
            ),
            arguments,
            size=size,
            files=WeightFiles(_FOLDER, f"{default_name}.h5", f"{default_name}_notop.h5", hashes),
            top=partial(classify, rate=_DROPOUT),
        )

    make.__name__ = make.__qualname__ = f"EfficientNetV2{suffix}"
    make.__doc__ = f"Returns an EfficientNet V2 {suffix}.\n\n{ARGUMENTS}".replace(
        "    name:",
        "    include_preprocessing: whether the network scales images itself, from 0...255.\n"
        "    name:",
    )
    return api_boundary(make)


EfficientNetV2B0 = define_efficientnet_v2(
    "B0", 1.0, 1.0, 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")
)
EfficientNetV2B1 = define_efficientnet_v2(
    "B1", 1.0, 1.1, 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37")
)
EfficientNetV2B2 = define_efficientnet_v2(
    "B2", 1.1, 1.2, 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb")
)
EfficientNetV2B3 = define_efficientnet_v2(
    "B3", 1.2, 1.4, 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856")
)
EfficientNetV2S = define_efficientnet_v2(
    "S", 1.0, 1.0, 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")
)
EfficientNetV2M = define_efficientnet_v2(
    "M", 1.0, 1.0, 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342")
)
EfficientNetV2L = define_efficientnet_v2(
    "L", 1.0, 1.0, 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615")
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
    >>> cornu.applications.efficientnet_v2.preprocess_input(x).ravel().tolist()
    [255.0, 255.0, 255.0]
    """
    return x
