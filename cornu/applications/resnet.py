"""ResNet, versions 1 and 2, with 18 to 152 layers.

The model is built by functions of Tensors: `stage` repeats a block function such as `bottleneck`.

References: Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun (2015), "Deep residual learning for
image recognition"; the same authors (2016), "Identity mappings in deep residual networks".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm
from cornu.applications.network import (
    Arguments,
    NetworkFunction,
    Pooling,
    WeightFiles,
    Weights,
    build_network,
    define_network,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D
from cornu.models import Model
from cornu.types import ActivationLike, ArrayLike, DataFormat, Padding, ShapeLike

__all__ = [
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "decode_predictions",
    "define_resnet",
    "preprocess_input",
    "resnet",
]

decode_predictions = imagenet_utils.decode_predictions

Block: TypeAlias = Callable[..., Tensor]
# The filters of the four stages, and the number of blocks per stage by depth.
_FILTERS = (64, 128, 256, 512)
_DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


# Of the files with and without the classification layer, by depth and version.
_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_HASHES = {
    (50, 1): ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    (101, 1): ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    (152, 1): ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
    (50, 2): ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    (101, 2): ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    (152, 2): ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
}


def _normalization(name: str) -> BatchNormalization:
    # As in Keras: the outputs for its weights depend on this value.
    return batch_norm(f"{name}_bn", epsilon=1.001e-5)


def _normalize_relu(x: Tensor, name: str) -> Tensor:
    return Activation("relu", name=f"{name}_relu")(_normalization(name)(x))


def basic_block(x: Tensor, filters: int, stride: int, project: bool, name: str) -> Tensor:
    """Adds two 3x3 convolutions to a shortcut."""
    shortcut = x
    if project and (stride > 1 or filters != _FILTERS[0]):
        shortcut = Conv2D(filters, 1, strides=stride, use_bias=False, name=f"{name}_0_conv")(x)
        shortcut = _normalization(f"{name}_0")(shortcut)
    if stride > 1:
        x = ZeroPadding2D(1, name=f"{name}_1_pad")(x)
    # With stride 2, "same" would pad an even size at its end only.
    padding: Padding = "valid" if stride > 1 else "same"
    x = Conv2D(filters, 3, strides=stride, padding=padding, use_bias=False, name=f"{name}_1_conv")(
        x
    )
    x = _normalize_relu(x, f"{name}_1")
    x = Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(x)
    x = _normalization(f"{name}_2")(x)
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def bottleneck(x: Tensor, filters: int, stride: int, project: bool, name: str) -> Tensor:
    """Adds 1x1, 3x3 and 1x1 convolutions to a shortcut."""
    shortcut = x
    if project:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalization(f"{name}_0")(shortcut)
    x = Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = _normalize_relu(x, f"{name}_1")
    x = Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = _normalize_relu(x, f"{name}_2")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = _normalization(f"{name}_3")(x)
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def preactivated_bottleneck(
    x: Tensor, filters: int, stride: int, project: bool, name: str
) -> Tensor:
    """Applies a bottleneck with normalization and activation before each convolution."""
    active = _normalize_relu(x, f"{name}_preact")
    if project:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(active)
    elif stride > 1:
        shortcut = MaxPooling2D(1, strides=stride)(x)
    else:
        shortcut = x
    x = Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active)
    x = _normalize_relu(x, f"{name}_1")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = _normalize_relu(x, f"{name}_2")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return Add(name=f"{name}_out")([shortcut, x])


def stage(
    x: Tensor, block: Block, filters: int, count: int, name: str, stride: int, late: bool = False
) -> Tensor:
    """Applies `count` blocks; the first one (the last one if `late`) has the stride."""
    strides = [1] * count
    strides[-1 if late else 0] = stride
    for i in range(count):
        x = block(x, filters, strides[i], i == 0, f"{name}_block{i + 1}")
    return x


def stem(x: Tensor, preactivated: bool, use_bias: bool) -> Tensor:
    """Applies a 7x7 convolution and pooling, each with stride 2."""
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    x = Conv2D(64, 7, strides=2, use_bias=use_bias, name="conv1_conv")(x)
    if not preactivated:
        x = _normalize_relu(x, "conv1")
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    return MaxPooling2D(3, strides=2, name="pool1_pool")(x)


@api_boundary
def resnet(
    depth: int,
    version: int = 1,
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Tensor | None = None,
    input_shape: ShapeLike | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike | None = "softmax",
    name: str | None = None,
) -> Model:
    """Returns a residual network.

    Args:
        depth: 18 or 34 (two convolutions per block), 50, 101 or 152 (three).
        version: 1, or 2 for pre-activation (only depths 50, 101 and 152).
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation:
            see `ResNet50`.
        name: the name of the model.

    Raises:
        ValueError: the depth is unknown, or another argument is invalid.
    """
    name = name or f"resnet{depth}{'v2' if version == 2 else ''}"
    return _build(Arguments.from_call(locals()), depth, version)


def features(x: Tensor, depth: int, version: int) -> Tensor:
    """Applies a convolution and the four stages of blocks."""
    preactivated = version == 2
    block = preactivated_bottleneck if preactivated else bottleneck if depth >= 50 else basic_block
    x = stem(x, preactivated, use_bias=depth >= 50)
    for i, (filters, count) in enumerate(zip(_FILTERS, _DEPTHS[depth], strict=True)):
        # Version 2 has the stride in the last block of each stage but the last stage, version 1 in
        # the first block of each stage but the first stage.
        stride = (1 if i == 3 else 2) if preactivated else (1 if i == 0 else 2)
        x = stage(x, block, filters, count, f"conv{i + 2}", stride, late=preactivated)
    return _normalize_relu(x, "post") if preactivated else x


def _build(arguments: Arguments, depth: int, version: int) -> Model:
    if depth not in _DEPTHS or version not in (1, 2) or (version == 2 and depth < 50):
        raise ValueError(
            f"resnet: unknown depth {depth} for version {version}. Version 1 has the depths "
            f"{tuple(_DEPTHS)}, version 2 those >= 50."
        )
    hashes, files = _HASHES.get((depth, version)), None
    if hashes is not None:
        kernels = f"resnet{depth}{'v2' if version == 2 else ''}_weights_tf_dim_ordering_tf_kernels"
        files = WeightFiles(_FOLDER, f"{kernels}.h5", f"{kernels}_notop.h5", hashes)
    return build_network(partial(features, depth=depth, version=version), arguments, files=files)


def define_resnet(depth: int, version: int = 1) -> NetworkFunction:
    """Returns the public function of a residual network.

    Args:
        depth: the number of layers in the name of the network: 50, 101 or 152.
        version: 1 for ResNet, 2 for ResNetV2.
    """
    return define_network(
        f"ResNet{depth}{'V2' if version == 2 else ''}",
        f"Returns a residual network of {depth} layers, version {version}.",
        partial(_build, depth=depth, version=version),
        # The default of Keras, which has no networks with fewer layers.
        weights="imagenet" if depth >= 50 else None,
    )


ResNet18 = define_resnet(18)
ResNet34 = define_resnet(34)
ResNet50 = define_resnet(50)
ResNet101 = define_resnet(101)
ResNet152 = define_resnet(152)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255) for version 1: BGR, minus the means of channels.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="caffe"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> print(cornu.applications.resnet.preprocess_input(x).ravel().round(3))
    [151.061 138.221 131.32 ]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
