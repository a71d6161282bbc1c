"""ConvNeXt: large depthwise convolutions and dense layers for each pixel, as in transformers.

References: Zhuang Liu, Hanzi Mao, Chao-Yuan Wu, Christoph Feichtenhofer, Trevor Darrell, Saining
Xie (2022), "A ConvNet for the 2020s".
"""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol, TypeVar

from cornu import ops, random, settings
from cornu.applications import imagenet_utils
from cornu.applications.network import (
    ARGUMENTS,
    Arguments,
    Pooling,
    WeightFiles,
    Weights,
    build_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import (
    Activation,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    LayerNormalization,
    Normalization,
)
from cornu.models import Model, Sequential
from cornu.parts.initializers import Constant
from cornu.types import ActivationLike, Array, DataFormat, ShapeLike

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]

T = TypeVar("T")

decode_predictions = imagenet_utils.decode_predictions

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/convnext/"
_EPSILON = 1e-6
_SCALE = 1e-6  # initial factor of each block
# Of the channels of ImageNet, for values from 0 to 255.
_MEANS = [0.485 * 255, 0.456 * 255, 0.406 * 255]
_VARIANCES = [(0.229 * 255) ** 2, (0.224 * 255) ** 2, (0.225 * 255) ** 2]


class NetworkFunction(Protocol):
    """A function that builds a ConvNeXt."""

    def __call__(
        self,
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        name: str = ...,
    ) -> Model: ...


class LayerScale(Layer, register_as="convnext"):
    """Multiplies each channel by a trainable factor.

    Args:
        init_values: the initial factor.
        projection_dim: the number of channels.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: ShapeLike) -> None:
        """Creates the factors."""
        self.gamma = self.add_weight(
            shape=(self.projection_dim,), initializer=Constant(self.init_values)
        )

    def call(self, x: Array) -> Any:
        """Returns the scaled features."""
        return x * self.gamma

    def _public_name_(self) -> tuple[str, str]:
        return "keras.src.applications.convnext", "LayerScale"


class StochasticDepth(Layer, register_as="convnext"):
    """Replaces the features of random samples by zero in training, and scales the others up.

    Args:
        drop_path_rate: the share of samples.
        **kwargs: arguments of `Layer`.
    """

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate
        self.seed_generator = random.SeedGenerator()

    def call(self, x: Array, training: bool = False) -> Any:
        """Returns the features."""
        if not training:
            return x
        keep = 1 - self.drop_path_rate
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        return x / keep * ops.floor(keep + random.uniform(shape, seed=self.seed_generator))

    def _public_name_(self) -> tuple[str, str]:
        return "keras.src.applications.convnext", "StochasticDepth"


def block(x: Tensor, filters: int, name: str) -> Tensor:
    """Adds a depthwise 7x7 convolution and two dense layers to the input."""
    start = x
    x = Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    x = LayerNormalization(epsilon=_EPSILON, name=f"{name}_layernorm")(x)
    x = Dense(4 * filters, name=f"{name}_pointwise_conv_1")(x)
    x = Activation("gelu", name=f"{name}_gelu")(x)
    x = Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(_SCALE, filters, name=f"{name}_layer_scale")(x)
    # In place of StochasticDepth, whose rate is 0 in all networks.
    x = Activation("linear", name=f"{name}_identity")(x)
    total: Tensor = start + x
    return total


def stem(filters: int, name: str) -> Sequential:
    """Returns a 4x4 convolution with stride 4, and a normalization."""
    return Sequential(
        [
            Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv"),
            LayerNormalization(epsilon=_EPSILON, name=f"{name}_stem_layernorm"),
        ],
        name=f"{name}_stem",
    )


def downsampling(filters: int, index: int, name: str) -> Sequential:
    """Returns a normalization, and a 2x2 convolution with stride 2."""
    return Sequential(
        [
            LayerNormalization(epsilon=_EPSILON, name=f"{name}_downsampling_layernorm_{index}"),
            Conv2D(filters, 2, strides=2, name=f"{name}_downsampling_conv_{index}"),
        ],
        name=f"{name}_downsampling_block_{index}",
    )


def features(
    x: Tensor, depths: tuple[int, ...], widths: tuple[int, ...], preprocessing: bool, name: str
) -> Tensor:
    """Applies the four stages of blocks."""
    if preprocessing and x.shape[-1] == 3:
        prestem = f"{name}_prestem_normalization"
        x = Normalization(mean=_MEANS, variance=_VARIANCES, name=prestem)(x)
    reductions = [stem(widths[0], name)]
    reductions += [downsampling(width, i, name) for i, width in enumerate(widths[1:])]
    for i, (depth, width) in enumerate(zip(depths, widths, strict=True)):
        x = reductions[i](x)
        for j in range(depth):
            x = block(x, width, f"{name}_stage_{i}_block_{j}")
    return x


def top(x: Tensor, classes: int, activation: ActivationLike | None, name: str) -> Tensor:
    """Averages over the image, and applies a normalization and the classification layer."""
    x = GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
    x = LayerNormalization(epsilon=_EPSILON, name=f"{name}_head_layernorm")(x)
    return Dense(classes, activation=activation, name=f"{name}_head_dense")(x)


def pool(x: Tensor, pooling: Pooling) -> Tensor:
    """Applies global pooling and a normalization."""
    return LayerNormalization(epsilon=_EPSILON)(pool_unnamed(x, pooling))


def define_convnext(
    suffix: str, depths: tuple[int, ...], widths: tuple[int, ...], hashes: tuple[str, str]
) -> NetworkFunction:
    """Returns the public function of a ConvNeXt.

    Args:
        suffix: the last part of the name.
        depths: the number of blocks in each stage.
        widths: the number of channels in each stage.
        hashes: of the files of weights.
    """
    default_name = f"convnext_{suffix.lower()}"
    files = WeightFiles(_FOLDER, f"{default_name}.h5", f"{default_name}_notop.h5", hashes)

    def make(
        include_top: bool = True,
        include_preprocessing: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        name: str = default_name,
    ) -> Model:
        if settings.get("image_data_format") == "channels_first":
            raise ValueError("ConvNeXt needs images with the channels last.")
        arguments = Arguments.from_call(locals())
        return build_network(
            partial(
                features,
                depths=depths,
                widths=widths,
                preprocessing=include_preprocessing,
                name=name,
            ),
            arguments,
            files=files,
            top=partial(top, name=name),
            pool=pool,
        )

    make.__name__ = make.__qualname__ = f"ConvNeXt{suffix}"
    make.__doc__ = f"Returns a ConvNeXt {suffix}.\n\n{ARGUMENTS}".replace(
        "    weights:",
        "    include_preprocessing: whether the network standardizes images itself.\n    weights:",
    )
    return api_boundary(make)


ConvNeXtTiny = define_convnext(
    "Tiny",
    (3, 3, 9, 3),
    (96, 192, 384, 768),
    (
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)
ConvNeXtSmall = define_convnext(
    "Small",
    (3, 3, 27, 3),
    (96, 192, 384, 768),
    (
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)
ConvNeXtBase = define_convnext(
    "Base",
    (3, 3, 27, 3),
    (128, 256, 512, 1024),
    (
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)
ConvNeXtLarge = define_convnext(
    "Large",
    (3, 3, 27, 3),
    (192, 384, 768, 1536),
    (
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)
ConvNeXtXLarge = define_convnext(
    "XLarge",
    (3, 3, 27, 3),
    (256, 512, 1024, 2048),
    (
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)


def preprocess_input(x: T, data_format: DataFormat | None = None) -> T:
    """Returns RGB images (0 to 255) unchanged: the network contains the preprocessing.

    Args:
        x: an array or symbolic Tensor.
        data_format: has no effect.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.full((1, 1, 1, 3), 255.0, "float32")
    >>> cornu.applications.convnext.preprocess_input(x).ravel().tolist()
    [255.0, 255.0, 255.0]
    """
    return x
