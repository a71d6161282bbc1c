"""VGG: blocks of 3x3 convolutions, and two large layers before the classification."""

from __future__ import annotations

from functools import partial

from cornu.applications.network import (
    Arguments,
    NetworkFunction,
    WeightFiles,
    build_network,
    define_network,
    pool_unnamed,
)
from cornu.core.graph.tensor import Tensor
from cornu.layers import Conv2D, Dense, Flatten, MaxPooling2D
from cornu.models import Model
from cornu.types import ActivationLike

__all__ = ["define_vgg"]

_FILTERS = (64, 128, 256, 512, 512)


def convolutions(x: Tensor, filters: int, count: int, name: str) -> Tensor:
    """Applies 3x3 convolutions, and halves the size."""
    for i in range(count):
        x = Conv2D(filters, 3, activation="relu", padding="same", name=f"{name}_conv{i + 1}")(x)
    return MaxPooling2D(2, strides=2, name=f"{name}_pool")(x)


def features(x: Tensor, counts: tuple[int, ...]) -> Tensor:
    """Applies the five blocks."""
    for i, (filters, count) in enumerate(zip(_FILTERS, counts, strict=True)):
        x = convolutions(x, filters, count, f"block{i + 1}")
    return x


def top(x: Tensor, classes: int, activation: ActivationLike | None) -> Tensor:
    """Applies the three dense layers."""
    x = Flatten(name="flatten")(x)
    x = Dense(4096, activation="relu", name="fc1")(x)
    x = Dense(4096, activation="relu", name="fc2")(x)
    return Dense(classes, activation=activation, name="predictions")(x)


def define_vgg(depth: int, counts: tuple[int, ...], hashes: tuple[str, str]) -> NetworkFunction:
    """Returns the public function of a VGG network.

    Args:
        depth: the number of layers with weights.
        counts: the number of convolutions in each block.
        hashes: of the files of weights.
    """
    name = f"vgg{depth}"
    kernels = f"{name}_weights_tf_dim_ordering_tf_kernels"
    files = WeightFiles(
        f"https://storage.googleapis.com/tensorflow/keras-applications/{name}/",
        f"{kernels}.h5",
        f"{kernels}_notop.h5",
        hashes,
    )

    def build(arguments: Arguments) -> Model:
        return build_network(
            partial(features, counts=counts), arguments, files=files, top=top, pool=pool_unnamed
        )

    return define_network(
        f"VGG{depth}", f"Returns the network VGG{depth}, with {depth} layers.", build
    )
