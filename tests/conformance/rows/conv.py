"""Convolutions, transposed, depthwise and separable ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.conformance.table import LayerRow


def _normal(*shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.normal(size=shape).astype("float32")


def _row(name: str, layer: str, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> LayerRow:
    return LayerRow(
        name=name,
        make=lambda k: getattr(k.layers, layer)(*args, **kwargs),
        inputs=_normal(*shape),
        atol=1e-5,
    )


ROWS = [
    _row("conv1d", "Conv1D", (2, 7, 3), 4, 3, activation="relu"),
    _row("conv1d_causal", "Conv1D", (2, 7, 3), 4, 3, padding="causal", dilation_rate=2),
    _row(
        "conv1d_causal_first",
        "Conv1D",
        (2, 3, 7),
        4,
        2,
        padding="causal",
        data_format="channels_first",
    ),
    _row("conv2d", "Conv2D", (2, 6, 5, 3), 4, 3),
    _row(
        "conv2d_same_strided",
        "Conv2D",
        (2, 6, 5, 3),
        4,
        (3, 2),
        strides=(2, 1),
        padding="same",
        use_bias=False,
    ),
    _row("conv2d_dilated", "Conv2D", (2, 7, 8, 2), 3, 3, dilation_rate=(2, 1), activation="tanh"),
    _row("conv2d_groups", "Conv2D", (2, 5, 5, 4), 6, 3, groups=2, bias_initializer="ones"),
    _row(
        "conv2d_first",
        "Conv2D",
        (2, 3, 6, 5),
        4,
        3,
        padding="same",
        data_format="channels_first",
        bias_initializer="ones",
    ),
    _row(
        "conv2d_regularized",
        "Conv2D",
        (2, 5, 5, 2),
        3,
        2,
        kernel_regularizer="l2",
        bias_regularizer="l1",
        activity_regularizer="l2",
        kernel_constraint="non_neg",
    ),
    _row("conv3d", "Conv3D", (1, 4, 5, 4, 2), 3, 2, padding="same", strides=2),
    _row("conv1d_transpose", "Conv1DTranspose", (2, 5, 3), 4, 3, strides=2),
    _row(
        "conv1d_transpose_first",
        "Conv1DTranspose",
        (2, 3, 5),
        4,
        3,
        strides=2,
        padding="same",
        data_format="channels_first",
        bias_initializer="ones",
    ),
    _row("conv2d_transpose", "Conv2DTranspose", (2, 4, 3, 3), 4, 3, strides=(2, 1), padding="same"),
    _row(
        "conv2d_transpose_output_padding",
        "Conv2DTranspose",
        (2, 4, 3, 3),
        4,
        3,
        strides=2,
        padding="same",
        output_padding=1,
        activation="elu",
    ),
    _row("conv2d_transpose_dilated", "Conv2DTranspose", (1, 4, 3, 2), 3, 2, dilation_rate=2),
    _row("conv3d_transpose", "Conv3DTranspose", (1, 2, 3, 2, 2), 3, 2, strides=(1, 2, 1)),
    _row("depthwise_conv1d", "DepthwiseConv1D", (2, 7, 3), 3, depth_multiplier=2, strides=2),
    _row("depthwise_conv2d", "DepthwiseConv2D", (2, 6, 5, 3), 3, padding="same", strides=2),
    _row(
        "depthwise_conv2d_first",
        "DepthwiseConv2D",
        (2, 3, 6, 5),
        3,
        depth_multiplier=2,
        dilation_rate=2,
        data_format="channels_first",
        bias_initializer="ones",
    ),
    _row("separable_conv1d", "SeparableConv1D", (2, 7, 3), 4, 3, depth_multiplier=2),
    _row(
        "separable_conv2d",
        "SeparableConv2D",
        (2, 6, 5, 3),
        4,
        3,
        padding="same",
        strides=2,
        activation="relu",
    ),
    _row(
        "separable_conv2d_first",
        "SeparableConv2D",
        (2, 3, 6, 5),
        4,
        2,
        data_format="channels_first",
        bias_initializer="ones",
    ),
]
