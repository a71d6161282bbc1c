"""Checks of constructor arguments and input shapes, shared by many layers."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from cornu.errors import is_positive_integer
from cornu.types import ShapeLike

__all__ = [
    "IMAGE_SEQUENCE_HINT",
    "SEQUENCE_HINT",
    "SPATIAL_HINT",
    "fraction",
    "known_size",
    "positive_int",
]

# Hints for errors about a wrong number of axes.
SEQUENCE_HINT = (
    "Sequences have the shape (batch, time, features). Set return_sequences=True in a preceding "
    "recurrent layer; add a feature axis to sequences of scalars with x[..., None]."
)
IMAGE_SEQUENCE_HINT = (
    "Sequences of images have the shape (batch, time, *spatial, channels), with channels_first "
    "(batch, time, channels, *spatial). Set return_sequences=True in a preceding recurrent layer."
)
SPATIAL_HINT = (
    "Add the missing axis: x[..., None] for the channel of grayscale images, x[None] for the batch "
    "axis of a single sample. After Flatten, no spatial axes are left."
)


def positive_int(layer: str, name: str, value: Any) -> int:
    """Returns `value` as an int; raises ValueError unless it is a positive integer."""
    if not is_positive_integer(value):
        hint = ""
        if isinstance(value, float) and value > 0 and value.is_integer():
            hint = f"\nWrite {name}={int(value)}, or divide with //."
        raise ValueError(f"{layer}: {name} must be a positive integer. Received: {value!r}{hint}")
    return int(value)


def fraction(layer: str, name: str, value: Any) -> float:
    """Returns `value`; raises ValueError unless it is a number between 0 and 1."""
    if not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        percent = isinstance(value, (int, float)) and 1 < value <= 100
        hint = f"\nWrite {value / 100} for {value} percent." if percent else ""
        raise ValueError(
            f"{layer}: {name} must be a number between 0 and 1. Received: {value!r}{hint}"
        )
    return cast(float, value)


def known_size(layer: str, shape: ShapeLike, axis: int = -1) -> int:
    """Returns the size of an axis; raises ValueError if it is None."""
    size = shape[axis]
    if size is None:
        raise ValueError(
            f"{layer}: the size of axis {axis} must be known, because the shape of the weights "
            f"depends on it. Received the input shape {tuple(shape)}.\n"
            "Specify the size in `Input`, or reduce the axis before, for example with "
            "GlobalAveragePooling2D."
        )
    return size
