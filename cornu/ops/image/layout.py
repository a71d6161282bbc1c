"""Image layouts: with or without a batch axis, channels last or first."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from cornu import settings

__all__ = ["on_channels_last", "spatial_axes"]


def spatial_axes(images: Array, data_format: str | None, op_name: str, rank: int = 2) -> list[int]:
    """Returns the spatial axes, after checking the number of axes."""
    if images.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"{op_name}: expected an array with {rank + 1} axes, or {rank + 2} with a batch axis. "
            f"Received shape {images.shape}"
        )
    last = images.ndim - (settings.data_format(data_format) == "channels_last")
    return list(range(last - rank, last))


def on_channels_last(
    function: Callable[[Array], Array], images: Array, data_format: str | None, op_name: str
) -> Array:
    """Applies a function of (batch, height, width, channels) to images of any layout."""
    # Images without a batch axis get one, so that each function handles a single layout.
    channels_first = spatial_axes(images, data_format, op_name)[-1] == images.ndim - 1
    x = images if images.ndim == 4 else images[None]
    x = jnp.moveaxis(x, 1, -1) if channels_first else x
    x = function(x)
    x = jnp.moveaxis(x, -1, 1) if channels_first else x
    return x if images.ndim == 4 else x[0]
