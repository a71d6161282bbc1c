"""MobileNet V3: inverted residuals with squeeze-and-excitation.

References: Andrew Howard, Mark Sandler, Grace Chu, Liang-Chieh Chen, Bo Chen, Mingxing Tan, Weijun
Wang, Yukun Zhu, Ruoming Pang, Vijay Vasudevan, Quoc Le, Hartwig Adam (2019), "Searching for
MobileNetV3".
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, TypeVar

from cornu.applications import imagenet_utils
from cornu.applications.blocks import batch_norm, channels, correct_padding, divisible
from cornu.applications.network import (
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
    Add,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from cornu.models import Model
from cornu.types import ActivationLike, DataFormat, ShapeLike

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

T = TypeVar("T")

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"
_HASHES = {
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": (
        "675e7b876c45c57e9e63e6d90a36599c",
        "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": (
        "99cd97fb2fcdad2bf028eb838de69e37",
        "cde8136e733e811080d9fcd8a252f7e4",
    ),
}


class Row(NamedTuple):
    """A block: its factor of expansion, filters, stride, and what `minimalistic` leaves out."""

    expansion: float
    filters: int
    strides: int
    large_kernel: bool = False
    squeeze: bool = False
    swish: bool = True


_ROWS = {
    "small": (
        Row(1, 16, 2, squeeze=True, swish=False),
        Row(72 / 16, 24, 2, swish=False),
        Row(88 / 24, 24, 1, swish=False),
        Row(4, 40, 2, True, True),
        *[Row(6, 40, 1, True, True)] * 2,
        *[Row(3, 48, 1, True, True)] * 2,
        Row(6, 96, 2, True, True),
        *[Row(6, 96, 1, True, True)] * 2,
    ),
    "large": (
        Row(1, 16, 1, swish=False),
        Row(4, 24, 2, swish=False),
        Row(3, 24, 1, swish=False),
        Row(3, 40, 2, True, True, False),
        *[Row(3, 40, 1, True, True, False)] * 2,
        Row(6, 80, 2),
        Row(2.5, 80, 1),
        *[Row(2.3, 80, 1)] * 2,
        *[Row(6, 112, 1, squeeze=True)] * 2,
        Row(6, 160, 2, True, True),
        *[Row(6, 160, 1, True, True)] * 2,
    ),
}
_TOP_FILTERS = {"small": 1024, "large": 1280}


def normalization(name: str) -> BatchNormalization:
    """Returns a layer that normalizes each channel."""
    return batch_norm(name, epsilon=1e-3, momentum=0.999)


def activate(x: Tensor, swish: bool) -> Tensor:
    """Applies hard swish or ReLU."""
    return Activation("hard_swish")(x) if swish else ReLU()(x)


def squeeze_excite(x: Tensor, filters: int, prefix: str) -> Tensor:
    """Multiplies each channel by a factor that is computed from the means of all channels."""
    start = x
    x = GlobalAveragePooling2D(keepdims=True, name=f"{prefix}squeeze_excite_avg_pool")(x)
    name = f"{prefix}squeeze_excite_conv"
    x = Conv2D(divisible(filters * 0.25), 1, padding="same", name=name)(x)
    x = ReLU(name=f"{prefix}squeeze_excite_relu")(x)
    x = Conv2D(filters, 1, padding="same", name=f"{name}_1")(x)
    factors = ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    scaled: Tensor = Multiply(name=f"{prefix}squeeze_excite_mul")([start, factors])
    return scaled


def inverted_residual(x: Tensor, row: Row, filters: int, minimalistic: bool, index: int) -> Tensor:
    """Applies a 1x1, a depthwise and a 1x1 convolution, with a shortcut if sizes are equal."""
    prefix = f"expanded_conv_{index}_" if index else "expanded_conv_"
    kernel = 5 if row.large_kernel and not minimalistic else 3
    swish = row.swish and not minimalistic
    start, width = x, channels(x)
    expanded = divisible(width * row.expansion)
    if index:
        x = Conv2D(expanded, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = activate(normalization(f"{prefix}expand_bn")(x), swish)
    if row.strides == 2:
        x = ZeroPadding2D(correct_padding(x, kernel), name=f"{prefix}depthwise_pad")(x)
    x = DepthwiseConv2D(
        kernel,
        strides=row.strides,
        padding="same" if row.strides == 1 else "valid",
        use_bias=False,
        name=f"{prefix}depthwise",
    )(x)
    x = activate(normalization(f"{prefix}depthwise_bn")(x), swish)
    if row.squeeze and not minimalistic:
        x = squeeze_excite(x, expanded, prefix)
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = normalization(f"{prefix}project_bn")(x)
    if row.strides == 1 and width == filters:
        x = Add(name=f"{prefix}add")([start, x])
    return x


def features(
    x: Tensor, rows: tuple[Row, ...], alpha: float, minimalistic: bool, scale: bool
) -> Tensor:
    """Applies a convolution, the blocks and a 1x1 convolution."""
    if scale:
        x = Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
    x = Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = activate(normalization("conv_bn")(x), not minimalistic)
    for i, row in enumerate(rows):
        x = inverted_residual(x, row, divisible(row.filters * alpha), minimalistic, i)
    width = divisible(6 * channels(x))
    x = Conv2D(width, 1, padding="same", use_bias=False, name="conv_1")(x)
    return activate(normalization("conv_1_bn")(x), not minimalistic)


def top(
    x: Tensor,
    classes: int,
    activation: ActivationLike | None,
    filters: int,
    minimalistic: bool,
    dropout_rate: float,
) -> Tensor:
    """Averages over the image, and applies two 1x1 convolutions."""
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = Conv2D(filters, 1, padding="same", name="conv_2")(x)
    x = activate(x, not minimalistic)
    if dropout_rate > 0:
        x = Dropout(dropout_rate)(x)
    x = Conv2D(classes, 1, padding="same", name="logits")(x)
    return Activation(activation, name="predictions")(Flatten()(x))


def _build(
    size: str,
    arguments: Arguments,
    alpha: float,
    minimalistic: bool,
    dropout_rate: float,
    scale: bool,
) -> Model:
    files = None
    if arguments.pretrained:
        key = f"{size}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}"
        if key not in _HASHES:
            raise ValueError(
                f"{arguments.name}: there are weights of ImageNet for alpha=1.0, and for "
                f"alpha=0.75 if minimalistic=False. Received: {alpha=}, {minimalistic=}"
            )
        stem = f"weights_mobilenet_v3_{key}_float"
        files = WeightFiles(_FOLDER, f"{stem}.h5", f"{stem}_no_top_v2.h5", _HASHES[key])
    filters = _TOP_FILTERS[size]
    return build_network(
        partial(features, rows=_ROWS[size], alpha=alpha, minimalistic=minimalistic, scale=scale),
        arguments,
        size=None,
        files=files,
        top=partial(
            top,
            filters=divisible(filters * alpha) if alpha > 1 else filters,
            minimalistic=minimalistic,
            dropout_rate=dropout_rate,
        ),
    )


@api_boundary
def MobileNetV3Small(
    input_shape: ShapeLike | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    pooling: Pooling = None,
    dropout_rate: float = 0.2,
    classifier_activation: ActivationLike | None = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Small",
) -> Model:
    """Returns the small MobileNet V3.

    Args:
        input_shape: see `ResNet50`; any height and width by default.
        alpha: the width: a factor for the number of filters.
        minimalistic: whether to leave out 5x5 convolutions, hard swish and squeeze-and-excitation.
        include_top, weights, input_tensor, classes, pooling, classifier_activation: see `ResNet50`.
        dropout_rate: the rate of dropout before the classification layer.
        include_preprocessing: whether the network scales images itself, from 0...255 to -1...1.
        name: the name of the model.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights: those of ImageNet exist for
            widths of 0.75 and 1, and 1 if `minimalistic`.
        OSError: the weights are missing and cannot be downloaded.
    """
    arguments = Arguments.from_call(locals())
    return _build("small", arguments, alpha, minimalistic, dropout_rate, include_preprocessing)


@api_boundary
def MobileNetV3Large(
    input_shape: ShapeLike | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: Tensor | None = None,
    classes: int = 1000,
    pooling: Pooling = None,
    dropout_rate: float = 0.2,
    classifier_activation: ActivationLike | None = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Large",
) -> Model:
    """Returns the large MobileNet V3.

    Args:
        input_shape: see `ResNet50`; any height and width by default.
        alpha: the width: a factor for the number of filters.
        minimalistic: whether to leave out 5x5 convolutions, hard swish and squeeze-and-excitation.
        include_top, weights, input_tensor, classes, pooling, classifier_activation: see `ResNet50`.
        dropout_rate: the rate of dropout before the classification layer.
        include_preprocessing: whether the network scales images itself, from 0...255 to -1...1.
        name: the name of the model.

    Raises:
        ValueError: an argument is invalid, or does not fit the weights: those of ImageNet exist for
            widths of 0.75 and 1, and 1 if `minimalistic`.
        OSError: the weights are missing and cannot be downloaded.
    """
    arguments = Arguments.from_call(locals())
    return _build("large", arguments, alpha, minimalistic, dropout_rate, include_preprocessing)


def preprocess_input(x: T, data_format: DataFormat | None = None) -> T:
    """Returns RGB images (0 to 255) unchanged: the network contains the preprocessing.

    Args:
        x: an array or symbolic Tensor.
        data_format: has no effect.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.mobilenet_v3.preprocess_input(x).ravel().tolist()
    [255.0, 255.0, 255.0]
    """
    return x
