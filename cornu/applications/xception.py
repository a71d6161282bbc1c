"""Xception: residual blocks of separable convolutions.

References: François Chollet (2016), "Xception: deep learning with depthwise separable
convolutions".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm
from cornu.applications.network import (
    Arguments,
    WeightFiles,
    build_network,
    define_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.layers import Activation, Add, Conv2D, MaxPooling2D, SeparableConv2D
from cornu.models import Model
from cornu.types import ArrayLike, DataFormat

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FILES = WeightFiles(
    "https://storage.googleapis.com/tensorflow/keras-applications/xception/",
    "xception_weights_tf_dim_ordering_tf_kernels.h5",
    "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"),
)


def convolution(x: Tensor, filters: int, name: str, strides: int = 1) -> Tensor:
    """Applies a 3x3 convolution with batch normalization and ReLU."""
    x = Conv2D(filters, 3, strides=strides, use_bias=False, name=name)(x)
    return Activation("relu", name=f"{name}_act")(batch_norm(f"{name}_bn")(x))


def separable(x: Tensor, filters: int, name: str) -> Tensor:
    """Applies a separable 3x3 convolution with batch normalization."""
    x = SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return batch_norm(f"{name}_bn")(x)


def relu_separable(x: Tensor, filters: int, name: str) -> Tensor:
    """Applies ReLU and a separable convolution."""
    return separable(Activation("relu", name=f"{name}_act")(x), filters, name)


def reduction(x: Tensor, filters: tuple[int, int], name: str, first_relu: bool = True) -> Tensor:
    """Adds two separable convolutions and pooling to a convolution with stride 2."""
    shortcut = Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = batch_norm()(shortcut)
    apply = relu_separable if first_relu else separable
    x = apply(x, filters[0], f"{name}_sepconv1")
    x = relu_separable(x, filters[1], f"{name}_sepconv2")
    x = MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return Add()([x, shortcut])


def middle_block(x: Tensor, name: str) -> Tensor:
    """Adds three separable convolutions to the input."""
    shortcut = x
    for i in range(1, 4):
        x = relu_separable(x, 728, f"{name}_sepconv{i}")
    return Add()([x, shortcut])


def features(x: Tensor) -> Tensor:
    """Applies the fourteen blocks."""
    x = convolution(x, 32, "block1_conv1", strides=2)
    x = convolution(x, 64, "block1_conv2")
    x = reduction(x, (128, 128), "block2", first_relu=False)
    x = reduction(x, (256, 256), "block3")
    x = reduction(x, (728, 728), "block4")
    for i in range(5, 13):
        x = middle_block(x, f"block{i}")
    x = reduction(x, (728, 1024), "block13")
    for i, filters in ((1, 1536), (2, 2048)):
        x = separable(x, filters, f"block14_sepconv{i}")
        x = Activation("relu", name=f"block14_sepconv{i}_act")(x)
    return x


def _build(arguments: Arguments) -> Model:
    return build_network(
        features, arguments, size=299, min_size=71, files=_FILES, pool=pool_unnamed
    )


Xception = define_network("Xception", "Returns the network Xception.", _build)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.xception.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
