"""NASNet-A: cells that were found by a search on small images.

References: Barret Zoph, Vijay Vasudevan, Jonathon Shlens, Quoc Le (2017), "Learning transferable
architectures for scalable image recognition".
"""

from __future__ import annotations

from functools import partial
from typing import Any

from cornu import settings
from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channel_axis, correct_padding
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
from cornu.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import ActivationLike, ArrayLike, DataFormat, ShapeLike

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/"
_MOBILE = WeightFiles(
    _FOLDER,
    "NASNet-mobile.h5",
    "NASNet-mobile-no-top.h5",
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    ("nasnet_mobile.h5", "nasnet_mobile_no_top.h5"),
)
_LARGE = WeightFiles(
    _FOLDER,
    "NASNet-large.h5",
    "NASNet-large-no-top.h5",
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
    ("nasnet_large.h5", "nasnet_large_no_top.h5"),
)


def normalization(name: str) -> BatchNormalization:
    """Returns a layer that normalizes each channel."""
    return batch_norm(name, momentum=0.9997, epsilon=1e-3)


def pointwise(x: Tensor, filters: int, name: str) -> Tensor:
    """Applies a 1x1 convolution."""
    return Conv2D(
        filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def separable(x: Tensor, filters: int, kernel: int, name: str, strides: int = 1) -> Tensor:
    """Applies ReLU and a separable convolution twice; the first has the stride."""
    x = Activation("relu")(x)
    if strides > 1:
        x = ZeroPadding2D(correct_padding(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
    for i in (1, 2):
        if i == 2:
            x = Activation("relu")(x)
        x = SeparableConv2D(
            filters,
            kernel,
            strides=strides if i == 1 else 1,
            padding="valid" if strides > 1 and i == 1 else "same",
            use_bias=False,
            name=f"separable_conv_{i}_{name}",
        )(x)
        x = normalization(f"separable_conv_{i}_bn_{name}")(x)
    return x


def average(x: Tensor, name: str) -> Tensor:
    """Averages neighbors."""
    return AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def add(a: Tensor, b: Tensor, name: str | None) -> Tensor:
    """Adds two branches."""
    return Add(name=name)([a, b])


def join(branches: list[Tensor], name: str | None = None) -> Tensor:
    """Concatenates the channels."""
    return Concatenate(axis=channel_axis(), name=name)(branches)


def halve(x: Tensor, filters: int, name: str) -> Tensor:
    """Halves the size: pixels at even and at odd positions become channels."""
    x = Activation("relu", name=f"adjust_relu_1_{name}")(x)
    even = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{name}")(x)
    even = pointwise(even, filters // 2, f"adjust_conv_1_{name}")
    odd = Cropping2D(((1, 0), (1, 0)))(ZeroPadding2D(((0, 1), (0, 1)))(x))
    odd = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{name}")(odd)
    odd = pointwise(odd, filters // 2, f"adjust_conv_2_{name}")
    return normalization(f"adjust_bn_{name}")(join([even, odd]))


def adjust(previous: Tensor | None, x: Tensor, filters: int, name: str) -> Tensor:
    """Returns the output of the cell before the last one, with the size and channels of a cell."""
    axis = channel_axis()
    if previous is None:
        return x
    if previous.shape[2] != x.shape[2]:
        return halve(previous, filters, name)
    if previous.shape[axis] == filters:
        return previous
    previous = Activation("relu")(previous)
    previous = pointwise(previous, filters, f"adjust_conv_projection_{name}")
    return normalization(f"adjust_bn_{name}")(previous)


def normal_cell(
    x: Tensor, previous: Tensor | None, filters: int, name: str
) -> tuple[Tensor, Tensor]:
    """Applies a cell that keeps the size; returns its output and its input."""
    p = adjust(previous, x, filters, name)
    h = pointwise(Activation("relu")(x), filters, f"normal_conv_1_{name}")
    h = normalization(f"normal_bn_1_{name}")(h)
    branches = [
        p,
        add(
            separable(h, filters, 5, f"normal_left1_{name}"),
            separable(p, filters, 3, f"normal_right1_{name}"),
            f"normal_add_1_{name}",
        ),
        add(
            separable(p, filters, 5, f"normal_left2_{name}"),
            separable(p, filters, 3, f"normal_right2_{name}"),
            f"normal_add_2_{name}",
        ),
        add(average(h, f"normal_left3_{name}"), p, f"normal_add_3_{name}"),
        add(
            average(p, f"normal_left4_{name}"),
            average(p, f"normal_right4_{name}"),
            f"normal_add_4_{name}",
        ),
        add(separable(h, filters, 3, f"normal_left5_{name}"), h, f"normal_add_5_{name}"),
    ]
    return join(branches, f"normal_concat_{name}"), x


def reduction_cell(
    x: Tensor, previous: Tensor | None, filters: int, name: str
) -> tuple[Tensor, Tensor]:
    """Applies a cell that halves the size; returns its output and its input."""
    p = adjust(previous, x, filters, name)
    h = pointwise(Activation("relu")(x), filters, f"reduction_conv_1_{name}")
    h = normalization(f"reduction_bn_1_{name}")(h)
    padded = ZeroPadding2D(correct_padding(h, 3), name=f"reduction_pad_1_{name}")(h)
    first = add(
        separable(h, filters, 5, f"reduction_left1_{name}", strides=2),
        separable(p, filters, 7, f"reduction_right1_{name}", strides=2),
        f"reduction_add_1_{name}",
    )
    second = add(
        MaxPooling2D(3, strides=2, name=f"reduction_left2_{name}")(padded),
        separable(p, filters, 7, f"reduction_right2_{name}", strides=2),
        f"reduction_add_2_{name}",
    )
    third = add(
        AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")(padded),
        separable(p, filters, 5, f"reduction_right3_{name}", strides=2),
        f"reduction_add3_{name}",
    )
    fourth = add(second, average(first, f"reduction_left4_{name}"), None)
    fifth = add(
        separable(first, filters, 3, f"reduction_left4_{name}"),
        MaxPooling2D(3, strides=2, name=f"reduction_right5_{name}")(padded),
        f"reduction_add4_{name}",
    )
    return join([second, third, fourth, fifth], f"reduction_concat_{name}"), x


def features(
    x: Tensor, filters: int, count: int, stem_filters: int, skip_reduction: bool
) -> Tensor:
    """Applies a convolution, two reductions, and three stages of cells.

    Args:
        x: the images.
        filters: the number of filters of the first stage.
        count: the number of cells in each stage.
        stem_filters: the number of filters of the convolution.
        skip_reduction: whether cells after a reduction receive what the reduction's own input was
            computed from, instead of its input.
    """
    x = Conv2D(
        stem_filters,
        3,
        strides=2,
        use_bias=False,
        name="stem_conv1",
        kernel_initializer="he_normal",
    )(x)
    x = normalization("stem_bn1")(x)
    previous: Tensor | None = None
    x, previous = reduction_cell(x, previous, filters // 4, "stem_1")
    x, previous = reduction_cell(x, previous, filters // 2, "stem_2")
    for stage in range(3):
        if stage:
            x, before = reduction_cell(x, previous, filters * 2**stage, f"reduce_{stage * count}")
            previous = previous if skip_reduction else before
        for i in range(count):
            index = stage * count + i + (1 if stage else 0)
            x, previous = normal_cell(x, previous, filters * 2**stage, f"{index}")
    return Activation("relu")(x)


def _build(
    arguments: Arguments,
    filters: int,
    count: int,
    stem_filters: int,
    skip_reduction: bool,
    size: int,
    files: WeightFiles,
) -> Model:
    if settings.get("image_data_format") == "channels_first":
        raise ValueError("NASNet needs images with the channels last.")
    return build_network(
        partial(
            features,
            filters=filters,
            count=count,
            stem_filters=stem_filters,
            skip_reduction=skip_reduction,
        ),
        arguments,
        size=size,
        files=files,
        top=partial(classify, name=None),
        pool=pool_unnamed,
    )


@api_boundary
def NASNetMobile(
    input_shape: ShapeLike | None = None,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike | None = "softmax",
    name: str = "nasnet_mobile",
) -> Model:
    """Returns the small NASNet.

    Args:
        input_shape: see `ResNet50`; (224, 224, 3) by default.
        include_top, weights, input_tensor, pooling, classes, classifier_activation: see `ResNet50`.
        name: the name of the model.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights.
        OSError: the weights are missing and cannot be downloaded.
    """
    if not include_top and input_shape is None and input_tensor is None:
        input_shape = (224, 224, 3)
    arguments = Arguments.from_call(locals())
    return _build(arguments, 1056 // 24, 4, 32, False, 224, _MOBILE)


@api_boundary
def NASNetLarge(
    input_shape: ShapeLike | None = None,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike | None = "softmax",
    name: str = "nasnet_large",
) -> Model:
    """Returns the large NASNet.

    Args:
        input_shape: see `ResNet50`.
        include_top, weights, input_tensor, pooling, classes, classifier_activation: see `ResNet50`.
        name: the name of the model.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights.
        OSError: the weights are missing and cannot be downloaded.
    """
    arguments = Arguments.from_call(locals())
    return _build(arguments, 4032 // 24, 6, 96, True, 331, _LARGE)


def preprocess_input(x: ArrayLike, data_format: DataFormat | None = None) -> Any:
    """Preprocesses RGB images (0 to 255): values from -1 to 1.

    The arguments are those of `cornu.applications.imagenet_utils.preprocess_input`.

    See `cornu.applications.imagenet_utils.preprocess_input` with `mode="tf"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.nasnet.preprocess_input(x).ravel().tolist()
    [1.0, 1.0, 1.0]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
