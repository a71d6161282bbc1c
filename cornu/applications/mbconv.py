"""The blocks of EfficientNets: inverted residuals with squeeze-and-excitation."""

from __future__ import annotations

from typing import Any

from cornu.applications.blocks import channel_axis
from cornu.core.graph.tensor import Tensor
from cornu.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    Reshape,
)
from cornu.parts.initializers import VarianceScaling
from cornu.types import ActivationLike

__all__ = [
    "add_shortcut",
    "classify",
    "convolution",
    "kernel_initializer",
    "normalize_swish",
    "squeeze_excite",
]

_SQUEEZE = 0.25  # squeezed channels per input channel


def kernel_initializer() -> VarianceScaling:
    """Returns the initializer of all convolutions."""
    return VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def convolution(x: Tensor, filters: int, kernel: int, name: str, **kwargs: Any) -> Tensor:
    """Applies a convolution, without bias by default."""
    arguments: dict[str, Any] = {"padding": "same", "use_bias": False, **kwargs}
    return Conv2D(filters, kernel, kernel_initializer=kernel_initializer(), name=name, **arguments)(
        x
    )


def normalize_swish(x: Tensor, names: tuple[str, str], momentum: float = 0.99) -> Tensor:
    """Applies batch normalization and swish."""
    x = BatchNormalization(axis=channel_axis(), momentum=momentum, name=names[0])(x)
    return Activation("swish", name=names[1])(x)


def squeeze_excite(x: Tensor, width: int, filters: int, name: str) -> Tensor:
    """Multiplies each channel by a factor that is computed from the means of all channels.

    Args:
        x: features with `filters` channels.
        width: the number of channels of the input of the block.
        filters: the number of channels.
        name: the prefix of names.
    """
    start = x
    shape = (filters, 1, 1) if channel_axis() == 1 else (1, 1, filters)
    x = GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    x = Reshape(shape, name=f"{name}se_reshape")(x)
    squeezed = max(1, int(width * _SQUEEZE))
    x = convolution(x, squeezed, 1, f"{name}se_reduce", activation="swish", use_bias=True)
    x = convolution(x, filters, 1, f"{name}se_expand", activation="sigmoid", use_bias=True)
    return Multiply(name=f"{name}se_excite")([start, x])


def add_shortcut(x: Tensor, start: Tensor, rate: float, name: str) -> Tensor:
    """Adds the input of a block, and drops the rest of the block for some samples in training."""
    if rate > 0:
        x = Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return Add(name=f"{name}add")([x, start])


def classify(x: Tensor, classes: int, activation: ActivationLike | None, rate: float) -> Tensor:
    """Averages over the image, and applies dropout and the classification layer."""
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    if rate > 0:
        x = Dropout(rate, name="top_dropout")(x)
    initializer = VarianceScaling(1 / 3, mode="fan_out", distribution="uniform")
    return Dense(
        classes, activation=activation, kernel_initializer=initializer, name="predictions"
    )(x)
