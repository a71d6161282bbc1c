"""Checks of constructor arguments and shapes that many layers need."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from cornu.types import ShapeLike

__all__ = ["AXES", "STEPS", "fraction", "known_size", "no_adapters", "positive_int"]

# What to do about a wrong number of axes.
STEPS = (
    "A sequence has the axes (batch, time, features). A recurrent layer before this one needs "
    "return_sequences=True; to a sequence of numbers add the features with x[..., None]."
)
AXES = (
    "Add the axis that is missing: x[..., None] for channels (grey images have one), x[None] for "
    "the batch of a single sample. Behind Flatten there is no space left to move over."
)


def positive_int(layer: str, name: str, value: Any) -> int:
    """Returns an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value <= 0:
        hint = ""
        if isinstance(value, float) and value > 0 and value.is_integer():
            hint = f"\nWrite {name}={int(value)}, or divide with //."
        raise ValueError(f"{layer}: {name} must be a positive integer. Received: {value!r}{hint}")
    return int(value)


def fraction(layer: str, name: str, value: Any) -> float:
    """Returns a number from 0 to 1."""
    if not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        percent = isinstance(value, (int, float)) and 1 < value <= 100
        hint = f"\nWrite {value / 100} for {value} percent." if percent else ""
        raise ValueError(f"{layer}: {name} must be a number from 0 to 1. Received: {value!r}{hint}")
    return cast(float, value)


def known_size(layer: str, shape: ShapeLike, axis: int = -1) -> int:
    """Returns the size of an axis that weights depend on."""
    size = shape[axis]
    if size is None:
        raise ValueError(
            f"{layer}: the size of axis {axis} must be known, because the shape of the weights "
            f"depends on it. Received the input shape {tuple(shape)}.\n"
            "Give the Input all sizes, or let a layer such as GlobalAveragePooling take them away."
        )
    return size


def no_adapters(layer: str, **arguments: Any) -> None:
    """Raises for arguments of Keras that are not supported."""
    for name, value in arguments.items():
        if value is not None:
            raise NotImplementedError(
                f"{layer}: {name}={value!r} is not supported; a layer keeps its own weights here.\n"
                "Instead of LoRA, freeze the layer (`layer.trainable = False`) and add the output "
                "of Dense(rank, use_bias=False) followed by Dense(units, use_bias=False, "
                "kernel_initializer='zeros'); instead of quantization, set dtype='bfloat16'."
            )
