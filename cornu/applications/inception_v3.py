"""Inception V3: blocks of parallel convolutions of several sizes.

References: Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jon Shlens, Zbigniew Wojna (2015),
"Rethinking the Inception architecture for computer vision".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channel_axis
from cornu.applications.network import (
    Arguments,
    WeightFiles,
    build_network,
    define_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D
from cornu.models import Model
from cornu.types import ArrayLike, DataFormat

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FILES = WeightFiles(
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/",
    "inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"),
)

Convolution = tuple[int, int, int]  # filters, height and width of the kernel


def convolution(
    x: Tensor, filters: int, height: int, width: int, strides: int = 1, valid: bool = False
) -> Tensor:
    """Applies a convolution with batch normalization and ReLU."""
    x = Conv2D(
        filters,
        (height, width),
        strides=strides,
        padding="valid" if valid else "same",
        use_bias=False,
    )(x)
    return Activation("relu")(batch_norm(scale=False)(x))


def branch(x: Tensor, *steps: Convolution, reduce: bool = False) -> Tensor:
    """Applies convolutions one after the other; with `reduce`, the last one has stride 2."""
    for filters, height, width in steps[: -1 if reduce else None]:
        x = convolution(x, filters, height, width)
    return convolution(x, *steps[-1], strides=2, valid=True) if reduce else x


def pooled(x: Tensor, filters: int) -> Tensor:
    """Averages neighbors, and applies a 1x1 convolution."""
    x = AveragePooling2D(3, strides=1, padding="same")(x)
    return convolution(x, filters, 1, 1)


def stem(x: Tensor) -> Tensor:
    """Applies the five convolutions before the first block."""
    x = convolution(x, 32, 3, 3, strides=2, valid=True)
    x = convolution(x, 32, 3, 3, valid=True)
    x = convolution(x, 64, 3, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = convolution(x, 80, 1, 1, valid=True)
    x = convolution(x, 192, 3, 3, valid=True)
    return MaxPooling2D(3, strides=2)(x)


def mixed_35(x: Tensor, pool_filters: int, name: str) -> Tensor:
    """Applies 1x1, 5x5 and two 3x3 convolutions in parallel."""
    branches = [
        branch(x, (64, 1, 1)),
        branch(x, (48, 1, 1), (64, 5, 5)),
        branch(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        pooled(x, pool_filters),
    ]
    return Concatenate(axis=channel_axis(), name=name)(branches)


def mixed_17(x: Tensor, filters: int, name: str) -> Tensor:
    """Applies 1x1, and factored 7x7 convolutions in parallel."""
    n = filters
    branches = [
        branch(x, (192, 1, 1)),
        branch(x, (n, 1, 1), (n, 1, 7), (192, 7, 1)),
        branch(x, (n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)),
        pooled(x, 192),
    ]
    return Concatenate(axis=channel_axis(), name=name)(branches)


def split(x: Tensor, name: str | None) -> Tensor:
    """Applies a 1x3 and a 3x1 convolution in parallel."""
    parts = [convolution(x, 384, 1, 3), convolution(x, 384, 3, 1)]
    return Concatenate(axis=channel_axis(), name=name)(parts)


def mixed_8(x: Tensor, index: int) -> Tensor:
    """Applies 1x1, and split 3x3 convolutions in parallel."""
    branches = [
        branch(x, (320, 1, 1)),
        split(branch(x, (384, 1, 1)), f"mixed9_{index}"),
        split(branch(x, (448, 1, 1), (384, 3, 3)), None),
        pooled(x, 192),
    ]
    return Concatenate(axis=channel_axis(), name=f"mixed{9 + index}")(branches)


def reduction_17(x: Tensor) -> Tensor:
    """Reduces the size from 35 to 17."""
    branches = [
        branch(x, (384, 3, 3), reduce=True),
        branch(x, (64, 1, 1), (96, 3, 3), (96, 3, 3), reduce=True),
        MaxPooling2D(3, strides=2)(x),
    ]
    return Concatenate(axis=channel_axis(), name="mixed3")(branches)


def reduction_8(x: Tensor) -> Tensor:
    """Reduces the size from 17 to 8."""
    branches = [
        branch(x, (192, 1, 1), (320, 3, 3), reduce=True),
        branch(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3), reduce=True),
        MaxPooling2D(3, strides=2)(x),
    ]
    return Concatenate(axis=channel_axis(), name="mixed8")(branches)


def features(x: Tensor) -> Tensor:
    """Applies the eleven blocks; their names contain the size for images of 299 pixels."""
    x = stem(x)
    for i, filters in enumerate((32, 64, 64)):
        x = mixed_35(x, filters, f"mixed{i}")
    x = reduction_17(x)
    for i, filters in enumerate((128, 160, 160, 192)):
        x = mixed_17(x, filters, f"mixed{i + 4}")
    x = reduction_8(x)
    for i in range(2):
        x = mixed_8(x, i)
    return x


def _build(arguments: Arguments) -> Model:
    return build_network(
        features, arguments, size=299, min_size=75, files=_FILES, pool=pool_unnamed
    )


InceptionV3 = define_network(
    "InceptionV3", "Returns the network Inception V3.", _build, name="inception_v3"
)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.inception_v3.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
