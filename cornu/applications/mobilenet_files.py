"""The image sizes for which MobileNets were trained."""

from __future__ import annotations

import warnings

from cornu import settings
from cornu.applications.network import Weights
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.types import ShapeLike

__all__ = ["choose_size"]


def choose_size(
    shape: ShapeLike | None, include_top: bool, weights: Weights, sizes: tuple[int, ...]
) -> tuple[int, int | None]:
    """Returns the default size of images, and the size that names the model and its weights.

    Warns if there are no weights for the size.

    Args:
        shape: the argument `input_shape`.
        include_top, weights: the arguments of the network.
        sizes: the sizes for which there are weights of ImageNet.
    """
    first = settings.get("image_data_format") == "channels_first"
    rows, columns = (None, None) if shape is None else tuple(shape[1:] if first else shape[:2])
    size = rows if rows == columns and rows in sizes and rows is not None else 224
    if shape is None and include_top:
        rows = columns = size
    if weights == "imagenet" and (rows != columns or rows not in sizes):
        if shape is not None:
            warnings.warn(
                f"There are no weights for images of {rows} x {columns} pixels: those for "
                f"224 x 224 are loaded. There are weights for the sizes {sizes}.",
                stacklevel=user_stacklevel(),
            )
        rows = 224
    return size, rows
