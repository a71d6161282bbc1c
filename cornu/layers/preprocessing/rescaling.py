"""Rescaling: multiplies by a scale and adds an offset."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.layers.preprocessing.base import HostArray, PreprocessingLayer

__all__ = ["Rescaling"]


class Rescaling(PreprocessingLayer):
    """Multiplies by a scale and adds an offset.

    y = x * scale + offset

    Args:
        scale: a number, or an array that broadcasts with the input, such as one value per channel.
            If the process-wide image data format is `"channels_first"`, one value per channel
            scales the channels of images.
        offset: a number or an array, like `scale`.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        x (batch, ...) -> (the same)

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Rescaling(1 / 127.5, offset=-1)
    >>> layer(np.array([[0, 255]])).tolist()
    [[-1.0, 1.0]]
    """

    _infers_by_config_ = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset
        self.supports_masking = True
        self.built = True

    def call(self, inputs: HostArray) -> Any:
        """Returns the rescaled input."""
        dtype = self.compute_dtype
        values = (jnp.asarray(np.asarray(v), dtype) for v in (self.scale, self.offset))
        if inputs.ndim >= 3 and settings.get("image_data_format") == "channels_first":
            values = (v[:, None, None] if v.ndim == 1 else v for v in values)
        scale, offset = values
        return inputs.astype(dtype) * scale + offset
