"""Parts that several networks are built from."""

from __future__ import annotations

from typing import Any

from cornu import settings
from cornu.core.graph.tensor import Tensor
from cornu.layers import BatchNormalization

__all__ = ["batch_norm", "channel_axis", "channels", "correct_padding", "divisible", "letter"]


def channel_axis() -> int:
    """Returns the axis of the channels of images: 1 or 3."""
    return 1 if settings.get("image_data_format") == "channels_first" else 3


def channels(x: Tensor) -> int:
    """Returns the number of channels."""
    size = x.shape[channel_axis()]
    assert size is not None  # layers with weights need it
    return size


def batch_norm(name: str | None = None, **kwargs: Any) -> BatchNormalization:
    """Returns a layer that normalizes each channel.

    Blocks are functions of Tensors, so that this is none, and summaries have one level less.
    """
    return BatchNormalization(axis=channel_axis(), name=name, **kwargs)


def correct_padding(x: Tensor, kernel_size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns the zeros before and after each axis of a convolution with stride 2.

    They have the effect of TensorFlow's "same" padding for images of an even size, with which the
    weights were trained.
    """
    axis = 2 if channel_axis() == 1 else 1
    half = kernel_size // 2
    before = [half - (1 if size is None else 1 - size % 2) for size in x.shape[axis : axis + 2]]
    return (before[0], half), (before[1], half)


def divisible(channels: float, divisor: int = 8) -> int:
    """Returns a multiple of `divisor` near a number of channels, and not below 90 % of it.

    Example:

    >>> divisible(33), divisible(3), divisible(11.5)
    (32, 8, 16)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def letter(index: int) -> str:
    """Returns the letter of a block in a stage: "a", "b", ..."""
    return chr(ord("a") + index)
