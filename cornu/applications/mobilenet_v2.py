"""MobileNet V2: blocks that widen, filter and narrow the features.

References: Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh Chen (2018),
"MobileNetV2: inverted residuals and linear bottlenecks".
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channels, correct_padding, divisible
from cornu.applications.mobilenet_files import choose_size
from cornu.applications.network import (
    Arguments,
    Pooling,
    WeightFiles,
    Weights,
    build_network,
    classify,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, ReLU, ZeroPadding2D
from cornu.models import Model
from cornu.types import ActivationLike, ArrayLike, DataFormat, ShapeLike

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
_SIZES = (96, 128, 160, 192, 224)  # of the images with which weights were trained
_WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
# Filters, stride of the first block, and number of blocks.
_STAGES = (
    *[(16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4)],
    *[(96, 1, 3), (160, 2, 3), (320, 1, 1)],
)


def normalization(name: str) -> BatchNormalization:
    """Returns a layer that normalizes each channel."""
    return batch_norm(name, epsilon=1e-3, momentum=0.999)


def inverted_residual(x: Tensor, filters: int, strides: int, index: int) -> Tensor:
    """Applies a 1x1, a depthwise 3x3 and a 1x1 convolution, with a shortcut if sizes are equal."""
    prefix = f"block_{index}_" if index else "expanded_conv_"
    start, width = x, channels(x)
    if index:
        x = Conv2D(6 * width, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = ReLU(6.0, name=f"{prefix}expand_relu")(normalization(f"{prefix}expand_BN")(x))
    if strides == 2:
        x = ZeroPadding2D(correct_padding(x, 3), name=f"{prefix}pad")(x)
    x = DepthwiseConv2D(
        3,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        use_bias=False,
        name=f"{prefix}depthwise",
    )(x)
    x = ReLU(6.0, name=f"{prefix}depthwise_relu")(normalization(f"{prefix}depthwise_BN")(x))
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = normalization(f"{prefix}project_BN")(x)
    if width == filters and strides == 1:
        x = Add(name=f"{prefix}add")([start, x])
    return x


def features(x: Tensor, alpha: float) -> Tensor:
    """Applies a convolution, seventeen blocks and a 1x1 convolution."""
    width = divisible(32 * alpha)
    x = Conv2D(width, 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(normalization("bn_Conv1")(x))
    index = 0
    for filters, strides, count in _STAGES:
        for i in range(count):
            x = inverted_residual(x, divisible(int(filters * alpha)), 1 if i else strides, index)
            index += 1
    x = Conv2D(divisible(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    return ReLU(6.0, name="out_relu")(normalization("Conv_1_bn")(x))


@api_boundary
def MobileNetV2(
    input_shape: ShapeLike | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike | None = "softmax",
    name: str | None = None,
) -> Model:
    """Returns a MobileNet V2.

    Args:
        input_shape: see `ResNet50`.
        alpha: the width: a factor for the number of filters.
        include_top, weights, input_tensor, pooling, classes, classifier_activation: see `ResNet50`.
        name: the name of the model; by default it contains `alpha` and the height.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights: those of ImageNet exist for
            widths of 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
        OSError: the weights are missing and cannot be downloaded.
    """
    size, rows = choose_size(input_shape, include_top, weights, _SIZES)
    files = None
    if weights == "imagenet":
        if alpha not in _WIDTHS:
            raise ValueError(
                f"MobileNetV2: there are weights of ImageNet for alpha in {_WIDTHS}. "
                f"Received: {alpha=}"
            )
        stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}"
        files = WeightFiles(_FOLDER, f"{stem}.h5", f"{stem}_no_top.h5")
    name = name or f"mobilenetv2_{alpha:0.2f}_{rows}"
    return build_network(
        partial(features, alpha=alpha),
        Arguments.from_call(locals()),
        size=size,
        files=files,
        top=partial(classify, name=None),
        pool=pool_unnamed,
    )


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.mobilenet_v2.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
