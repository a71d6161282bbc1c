"""MobileNet: depthwise and 1x1 convolutions.

References: Andrew Howard, Menglong Zhu, Bo Chen, Dmitry Kalenichenko, Weijun Wang, Tobias Weyand,
Marco Andreetto, Hartwig Adam (2017), "MobileNets: efficient convolutional neural networks for
mobile vision applications".
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm
from cornu.applications.mobilenet_files import choose_size
from cornu.applications.network import (
    Arguments,
    Pooling,
    WeightFiles,
    Weights,
    build_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import (
    Activation,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import ActivationLike, ArrayLike, DataFormat, ShapeLike

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
_SIZES = (128, 160, 192, 224)  # of the images with which weights were trained
_WIDTHS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}
# The filters of the blocks; those with a stride of 2 are marked.
_BLOCKS = (
    *[(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)],
    *[(512, 1)] * 5,
    *[(1024, 2), (1024, 1)],
)


def normalize_relu6(x: Tensor, name: str) -> Tensor:
    """Applies batch normalization and ReLU with a maximum of 6."""
    return ReLU(6.0, name=f"{name}_relu")(batch_norm(f"{name}_bn")(x))


def depthwise_block(x: Tensor, filters: int, multiplier: int, strides: int, index: int) -> Tensor:
    """Applies a depthwise 3x3 and a 1x1 convolution."""
    if strides > 1:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{index}")(x)
    x = DepthwiseConv2D(
        3,
        strides=strides,
        padding="same" if strides == 1 else "valid",
        depth_multiplier=multiplier,
        use_bias=False,
        name=f"conv_dw_{index}",
    )(x)
    x = normalize_relu6(x, f"conv_dw_{index}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{index}")(x)
    return normalize_relu6(x, f"conv_pw_{index}")


def features(x: Tensor, alpha: float, multiplier: int) -> Tensor:
    """Applies a convolution and the thirteen blocks."""
    x = Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
    x = normalize_relu6(x, "conv1")
    for i, (filters, strides) in enumerate(_BLOCKS, start=1):
        x = depthwise_block(x, int(filters * alpha), multiplier, strides, i)
    return x


def top(x: Tensor, classes: int, activation: ActivationLike | None, dropout: float) -> Tensor:
    """Averages over the image, and applies the classification as a 1x1 convolution."""
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = Dropout(dropout, name="dropout")(x)
    x = Conv2D(classes, 1, padding="same", name="conv_preds")(x)
    x = Reshape((classes,), name="reshape_2")(x)
    return Activation(activation, name="predictions")(x)


@api_boundary
def MobileNet(
    input_shape: ShapeLike | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike | None = "softmax",
    name: str | None = None,
) -> Model:
    """Returns a MobileNet.

    Args:
        input_shape: see `ResNet50`.
        alpha: the width: a factor for the number of filters.
        depth_multiplier: the number of filters for each channel in depthwise convolutions.
        dropout: the rate of dropout before the classification layer.
        include_top, weights, input_tensor, pooling, classes, classifier_activation: see `ResNet50`.
        name: the name of the model; by default it contains `alpha` and the height.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights: those of ImageNet exist for
            widths of 0.25, 0.5, 0.75 and 1.
        OSError: the weights are missing and cannot be downloaded.
    """
    size, rows = choose_size(input_shape, include_top, weights, _SIZES)
    files = None
    if weights == "imagenet":
        if alpha not in _WIDTHS or depth_multiplier != 1:
            raise ValueError(
                f"MobileNet: there are weights of ImageNet for alpha in {tuple(_WIDTHS)} and "
                f"depth_multiplier=1. Received: {alpha=}, {depth_multiplier=}"
            )
        stem = f"mobilenet_{_WIDTHS[alpha]}_{rows}_tf"
        files = WeightFiles(_FOLDER, f"{stem}.h5", f"{stem}_no_top.h5")
    name = name or f"mobilenet_{alpha:0.2f}_{rows}"
    return build_network(
        partial(features, alpha=alpha, multiplier=depth_multiplier),
        Arguments.from_call(locals()),
        size=size,
        files=files,
        top=partial(top, dropout=dropout),
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
    >>> cornu.applications.mobilenet.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
