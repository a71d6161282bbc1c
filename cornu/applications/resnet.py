"""ResNet, versions 1 and 2, with 18 to 152 layers.

The model is built by functions of Tensors: `stage` repeats a block function such as `bottleneck`.

References: Kaiming He, Xiangyu Zhang, Shaoqing Ren, Jian Sun (2015), "Deep residual learning for
image recognition"; the same authors (2016), "Identity mappings in deep residual networks".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from cornu import settings
from cornu.core.graph.tensor import Tensor
from cornu.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    MaxPooling2D,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import ActivationLike, ArrayLike, DataFormat, Padding, ShapeLike

__all__ = [
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "preprocess_input",
    "resnet",
]

Block: TypeAlias = Callable[..., Tensor]
Pooling: TypeAlias = Literal["avg", "max"] | None

# The filters of the four stages, and the number of blocks per stage by depth.
_FILTERS = (64, 128, 256, 512)
_DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def _normalize(x: Tensor, name: str) -> Tensor:
    axis = 1 if settings.get("image_data_format") == "channels_first" else 3
    # As in Keras: the outputs for its weights depend on this value.
    return BatchNormalization(axis=axis, epsilon=1.001e-5, name=f"{name}_bn")(x)


def _normalize_relu(x: Tensor, name: str) -> Tensor:
    return Activation("relu", name=f"{name}_relu")(_normalize(x, name))


def basic_block(x: Tensor, filters: int, stride: int, project: bool, name: str) -> Tensor:
    """Adds two 3x3 convolutions to a shortcut."""
    shortcut = x
    if project and (stride > 1 or filters != _FILTERS[0]):
        shortcut = Conv2D(filters, 1, strides=stride, use_bias=False, name=f"{name}_0_conv")(x)
        shortcut = _normalize(shortcut, f"{name}_0")
    if stride > 1:
        x = ZeroPadding2D(1, name=f"{name}_1_pad")(x)
    # With stride 2, "same" would pad an even size at its end only.
    padding: Padding = "valid" if stride > 1 else "same"
    x = Conv2D(filters, 3, strides=stride, padding=padding, use_bias=False, name=f"{name}_1_conv")(
        x
    )
    x = _normalize_relu(x, f"{name}_1")
    x = Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(x)
    x = _normalize(x, f"{name}_2")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


def bottleneck(x: Tensor, filters: int, stride: int, project: bool, name: str) -> Tensor:
    """Adds 1x1, 3x3 and 1x1 convolutions to a shortcut."""
    shortcut = x
    if project:
        shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalize(shortcut, f"{name}_0")
    x = Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = _normalize_relu(x, f"{name}_1")
    x = Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = _normalize_relu(x, f"{name}_2")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = _normalize(x, f"{name}_3")
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


def head(x: Tensor, classes: int, activation: ActivationLike | None) -> Tensor:
    """Averages over the image, and applies the classification layer."""
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    return Dense(classes, activation=activation, name="predictions")(x)


def resnet(
    depth: int,
    version: int = 1,
    include_top: bool = True,
    weights: str | os.PathLike[str] | None = None,
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
        include_top: whether to add the classification layer. Any image size is possible with it.
        weights: the path of a weights file, or None for random weights.
        input_tensor: a Tensor as input, instead of `input_shape`.
        input_shape: (height, width, channels); by default (224, 224, 3) with
            `include_top=True`, otherwise (None, None, 3).
        pooling: "avg", "max" or None: global pooling with `include_top=False`.
        classes: the number of classes.
        classifier_activation: the activation of the classification layer.
        name: the name of the model.

    Raises:
        ValueError: the depth is unknown, or `weights="imagenet"`, which is not available.
    """
    if depth not in _DEPTHS or version not in (1, 2) or (version == 2 and depth < 50):
        raise ValueError(
            f"resnet: unknown depth {depth} for version {version}. Version 1 has the depths "
            f"{tuple(_DEPTHS)}, version 2 those >= 50."
        )
    if weights == "imagenet":
        raise ValueError(
            "resnet: cornu does not include weights trained on ImageNet. Pass weights=None for "
            "random weights, or the path of a weights file."
        )
    inputs = _make_inputs(input_tensor, input_shape, include_top)
    preactivated = version == 2
    block = preactivated_bottleneck if preactivated else bottleneck if depth >= 50 else basic_block
    x = stem(inputs, preactivated, use_bias=depth >= 50)
    for i, (filters, count) in enumerate(zip(_FILTERS, _DEPTHS[depth], strict=True)):
        # Version 2 has the stride in the last block of each stage but the last stage, version 1 in
        # the first block of each stage but the first stage.
        stride = (1 if i == 3 else 2) if preactivated else (1 if i == 0 else 2)
        x = stage(x, block, filters, count, f"conv{i + 2}", stride, late=preactivated)
    if preactivated:
        x = _normalize_relu(x, "post")
    if include_top:
        x = head(x, classes, classifier_activation)
    elif pooling is not None:
        pools = {"avg": GlobalAveragePooling2D, "max": GlobalMaxPooling2D}
        if pooling not in pools:
            raise ValueError(f"resnet: pooling must be 'avg', 'max' or None. Received: {pooling!r}")
        x = pools[pooling](name=f"{pooling}_pool")(x)
    model = Model(inputs, x, name=name or f"resnet{depth}{'v2' if preactivated else ''}")
    if weights is not None:
        model.load_weights(weights)
    return model


def _make_inputs(tensor: Tensor | None, shape: ShapeLike | None, top: bool) -> Tensor:
    if tensor is not None:
        return tensor if isinstance(tensor, Tensor) else Input(tensor=tensor)
    if shape is None:
        size = 224 if top else None
        first = settings.get("image_data_format") == "channels_first"
        shape = (3, size, size) if first else (size, size, 3)
    return Input(shape=shape)


def _make_constructor(depth: int, version: int = 1) -> Callable[..., Model]:
    public = f"ResNet{depth}{'V2' if version == 2 else ''}"

    def make(
        include_top: bool = True,
        # The default of Keras, which has no networks with fewer layers.
        weights: str | os.PathLike[str] | None = "imagenet" if depth >= 50 else None,
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        name: str = public.lower(),
    ) -> Model:
        return resnet(
            depth,
            version,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            name,
        )

    make.__name__ = make.__qualname__ = public
    make.__doc__ = (
        f"Returns a residual network of {depth} layers, version {version}.\n\n"
        "The arguments are those of `resnet`; `weights` is None or the path of a weights file."
    )
    return make


ResNet18 = _make_constructor(18)
ResNet34 = _make_constructor(34)
ResNet50 = _make_constructor(50)
ResNet101 = _make_constructor(101)
ResNet152 = _make_constructor(152)
ResNet50V2 = _make_constructor(50, 2)
ResNet101V2 = _make_constructor(101, 2)
ResNet152V2 = _make_constructor(152, 2)

# Means of the blue, green and red channels of ImageNet, subtracted in training version 1.
_MEANS = np.array([103.939, 116.779, 123.68], "float32")


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> np.ndarray:
    """Preprocesses RGB images (0 to 255) for version 1: to BGR, minus the means of channels.

    Shapes: x (batch, height, width, 3), or (batch, 3, height, width) for channels_first.
    """
    images: np.ndarray = np.array(x, dtype=settings.get("floatx"))
    if settings.data_format(data_format) == "channels_first":
        return np.asarray(images[..., ::-1, :, :] - _MEANS[:, None, None])
    return np.asarray(images[..., ::-1] - _MEANS)
