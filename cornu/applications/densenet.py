"""DenseNet: each convolution receives the outputs of all previous ones in its block.

References: Gao Huang, Zhuang Liu, Laurens van der Maaten, Kilian Weinberger (2016), "Densely
connected convolutional networks".
"""

from __future__ import annotations

from typing import Any

from cornu import settings
from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channel_axis, channels
from cornu.applications.network import (
    Arguments,
    NetworkFunction,
    WeightFiles,
    build_network,
    define_network,
)
from cornu.core.graph.tensor import Tensor
from cornu.layers import (
    Activation,
    AveragePooling2D,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import ArrayLike, DataFormat

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/densenet/"
_GROWTH = 32  # channels that each convolution adds
_EPSILON = 1.001e-5


def normalize_relu(x: Tensor, name: str) -> Tensor:
    """Applies batch normalization and ReLU."""
    x = batch_norm(f"{name}bn", epsilon=_EPSILON)(x)
    return Activation("relu", name=f"{name}relu")(x)


def conv_block(x: Tensor, name: str) -> Tensor:
    """Adds the channels of a 1x1 and a 3x3 convolution to the input."""
    new = normalize_relu(x, f"{name}_0_")
    new = Conv2D(4 * _GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = normalize_relu(new, f"{name}_1_")
    new = Conv2D(_GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def dense_block(x: Tensor, count: int, name: str) -> Tensor:
    """Applies several blocks of convolutions."""
    for i in range(count):
        x = conv_block(x, f"{name}_block{i + 1}")
    return x


def transition(x: Tensor, name: str) -> Tensor:
    """Halves the number of channels and the size."""
    x = normalize_relu(x, f"{name}_")
    x = Conv2D(channels(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def stem(x: Tensor) -> Tensor:
    """Applies a 7x7 convolution and pooling, each with stride 2."""
    x = ZeroPadding2D(3)(x)
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = normalize_relu(x, "conv1_")
    x = ZeroPadding2D(1)(x)
    return MaxPooling2D(3, strides=2, name="pool1")(x)


def define_densenet(
    depth: int, counts: tuple[int, ...], hashes: tuple[str, str]
) -> NetworkFunction:
    """Returns the public function of a DenseNet."""
    kernels = f"densenet{depth}_weights_tf_dim_ordering_tf_kernels"
    files = WeightFiles(_FOLDER, f"{kernels}.h5", f"{kernels}_notop.h5", hashes)

    def features(x: Tensor) -> Tensor:
        x = stem(x)
        for i, count in enumerate(counts):
            if i:
                x = transition(x, f"pool{i + 1}")
            x = dense_block(x, count, f"conv{i + 2}")
        return normalize_relu(x, "")

    def build(arguments: Arguments) -> Model:
        if settings.get("image_data_format") == "channels_first":
            raise ValueError("DenseNet needs images with the channels last.")
        return build_network(features, arguments, files=files)

    return define_network(f"DenseNet{depth}", f"Returns a DenseNet of {depth} layers.", build)


DenseNet121 = define_densenet(
    121,
    (6, 12, 24, 16),
    ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
)
DenseNet169 = define_densenet(
    169,
    (6, 12, 32, 32),
    ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
)
DenseNet201 = define_densenet(
    201,
    (6, 12, 48, 32),
    ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): standardized channels.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="torch"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> print(cornu.applications.densenet.preprocess_input(x).ravel().round(3))
    [2.249 2.429 2.64 ]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch")
