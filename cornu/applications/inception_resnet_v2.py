"""Inception-ResNet V2: Inception blocks with shortcuts.

References: Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alex Alemi (2016), "Inception-v4,
Inception-ResNet and the impact of residual connections on learning".
"""

from __future__ import annotations

from typing import Any

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channel_axis, channels
from cornu.applications.network import (
    Arguments,
    WeightFiles,
    build_network,
    define_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.layers import Activation, AveragePooling2D, Concatenate, Conv2D, MaxPooling2D
from cornu.models import Model
from cornu.types import ArrayLike, DataFormat

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FILES = WeightFiles(
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/",
    "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5",
    "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"),
)

Kernel = int | tuple[int, int]


class CustomScaleLayer(Layer, register_as="inception_resnet_v2"):
    """Adds a multiple of the second input to the first.

    Args:
        scale: the factor.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        """Returns `inputs[0] + scale * inputs[1]`."""
        return inputs[0] + inputs[1] * self.scale

    def _public_name_(self) -> tuple[str, str]:
        return "keras.src.applications.inception_resnet_v2", "CustomScaleLayer"


def convolution(
    x: Tensor,
    filters: int,
    kernel: Kernel,
    strides: int = 1,
    valid: bool = False,
    name: str | None = None,
) -> Tensor:
    """Applies a convolution with batch normalization and ReLU."""
    padding: Any = "valid" if valid else "same"
    x = Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = batch_norm(name and f"{name}_bn", scale=False)(x)
    return Activation("relu", name=name and f"{name}_ac")(x)


def branch(x: Tensor, *steps: tuple[int, Kernel], reduce: bool = False) -> Tensor:
    """Applies convolutions one after the other; with `reduce`, the last one has stride 2."""
    for filters, kernel in steps[: -1 if reduce else None]:
        x = convolution(x, filters, kernel)
    return convolution(x, *steps[-1], strides=2, valid=True) if reduce else x


def join(branches: list[Tensor], name: str) -> Tensor:
    """Concatenates the channels."""
    return Concatenate(axis=channel_axis(), name=name)(branches)


def stem(x: Tensor) -> Tensor:
    """Applies five convolutions and the first Inception block."""
    x = convolution(x, 32, 3, strides=2, valid=True)
    x = convolution(x, 32, 3, valid=True)
    x = convolution(x, 64, 3)
    x = MaxPooling2D(3, strides=2)(x)
    x = convolution(x, 80, 1, valid=True)
    x = convolution(x, 192, 3, valid=True)
    x = MaxPooling2D(3, strides=2)(x)
    branches = [
        branch(x, (96, 1)),
        branch(x, (48, 1), (64, 5)),
        branch(x, (64, 1), (96, 3), (96, 3)),
        convolution(AveragePooling2D(3, strides=1, padding="same")(x), 64, 1),
    ]
    return join(branches, "mixed_5b")


def residual(
    x: Tensor, branches: list[Tensor], scale: float, name: str, activation: bool = True
) -> Tensor:
    """Adds a multiple of a 1x1 convolution of the branches to the input."""
    mixed = join(branches, f"{name}_mixed")
    up = Conv2D(channels(x), 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, up])
    return Activation("relu", name=f"{name}_ac")(x) if activation else x


def block_35(x: Tensor, name: str) -> Tensor:
    """Applies the residual block for features of 35x35."""
    branches = [
        branch(x, (32, 1)),
        branch(x, (32, 1), (32, 3)),
        branch(x, (32, 1), (48, 3), (64, 3)),
    ]
    return residual(x, branches, 0.17, name)


def block_17(x: Tensor, name: str) -> Tensor:
    """Applies the residual block for features of 17x17."""
    branches = [branch(x, (192, 1)), branch(x, (128, 1), (160, (1, 7)), (192, (7, 1)))]
    return residual(x, branches, 0.1, name)


def block_8(x: Tensor, name: str, last: bool) -> Tensor:
    """Applies the residual block for features of 8x8."""
    branches = [branch(x, (192, 1)), branch(x, (192, 1), (224, (1, 3)), (256, (3, 1)))]
    return residual(x, branches, 1.0 if last else 0.2, name, activation=not last)


def reduction_17(x: Tensor) -> Tensor:
    """Reduces the size from 35 to 17."""
    branches = [
        branch(x, (384, 3), reduce=True),
        branch(x, (256, 1), (256, 3), (384, 3), reduce=True),
        MaxPooling2D(3, strides=2)(x),
    ]
    return join(branches, "mixed_6a")


def reduction_8(x: Tensor) -> Tensor:
    """Reduces the size from 17 to 8."""
    branches = [
        branch(x, (256, 1), (384, 3), reduce=True),
        branch(x, (256, 1), (288, 3), reduce=True),
        branch(x, (256, 1), (288, 3), (320, 3), reduce=True),
        MaxPooling2D(3, strides=2)(x),
    ]
    return join(branches, "mixed_7a")


def features(x: Tensor) -> Tensor:
    """Applies 10, 20 and 10 residual blocks."""
    x = stem(x)
    for i in range(1, 11):
        x = block_35(x, f"block35_{i}")
    x = reduction_17(x)
    for i in range(1, 21):
        x = block_17(x, f"block17_{i}")
    x = reduction_8(x)
    for i in range(1, 11):
        x = block_8(x, f"block8_{i}", last=i == 10)
    return convolution(x, 1536, 1, name="conv_7b")


def _build(arguments: Arguments) -> Model:
    return build_network(
        features, arguments, size=299, min_size=75, files=_FILES, pool=pool_unnamed
    )


InceptionResNetV2 = define_network(
    "InceptionResNetV2",
    "Returns the network Inception-ResNet V2.",
    _build,
    name="inception_resnet_v2",
)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.inception_resnet_v2.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
