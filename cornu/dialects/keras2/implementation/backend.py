"""`keras.backend` of Keras 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import settings
from cornu.dialects.keras1.backend import FUNCTIONS as KERAS_1

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **KERAS_1,
    "image_data_format": lambda: settings.get("image_data_format"),
    "set_image_data_format": lambda value: settings.put("image_data_format", value),
}
