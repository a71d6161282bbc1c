"""Geometry that images share with what refers to them, such as bounding boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.types import Array

__all__ = ["homography", "project", "resized_window"]


def homography(before: Array, after: Array) -> Array:
    """Returns the perspective transformation that maps four points to four others.

    Args:
        before: the points (x, y), of shape (batch, 4, 2).
        after: the points to which they are mapped.

    Returns:
        h, of shape (batch, 8), with `x' = (h0 x + h1 y + h2) / (h6 x + h7 y + 1)`; `y'` has the
        same denominator and the numerator `h3 x + h4 y + h5`.
    """
    x, y = before[..., 0], before[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    targets = [after[..., 0], after[..., 1]]
    # Multiplied by the denominator, each point gives two equations that are linear in h.
    rows = [
        [x, y, one, zero, zero, zero, -targets[0] * x, -targets[0] * y],
        [zero, zero, zero, x, y, one, -targets[1] * x, -targets[1] * y],
    ]
    matrix = jnp.concatenate([jnp.stack(row, axis=-1) for row in rows], axis=1)
    target = jnp.concatenate(targets, axis=1)[..., None]
    return jnp.linalg.solve(matrix, target)[..., 0]


def project(x: Any, y: Any, transform: Array) -> tuple[Array, Array]:
    """Returns the points to which a perspective transformation maps points.

    Args:
        x, y: the coordinates.
        transform: (a0, a1, a2, b0, b1, b2, c0, c1) on the last axis; its parts, of size 1 on this
            axis, are broadcast against the coordinates.
    """
    a0, a1, a2, b0, b1, b2, c0, c1 = jnp.split(transform, 8, axis=-1)
    depth = c0 * x + c1 * y + 1
    return (a0 * x + a1 * y + a2) / depth, (b0 * x + b1 * y + b2) / depth


def resized_window(
    image: Sequence[Any], size: Sequence[int], crop: bool = False, pad: bool = False
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Returns the part of an image that `resize` scales to its result.

    Args:
        image: (height, width) of the image.
        size: (height, width) of the result.
        crop: whether the image is center-cropped to the aspect ratio of the result.
        pad: whether it is padded to the aspect ratio of the result.

    Returns:
        The first index and the length along both axes; the first index is negative where the image
        is padded.
    """
    window = []
    for axis in (0, 1):
        now, other = image[axis], size[1 - axis]
        # The length that has the aspect ratio of the result, times `other`.
        scaled = image[1 - axis] * size[axis]
        if crop:
            # Rounded down as in Keras, but never to an empty image.
            kept = max(min(now, scaled // other), 1)
            window.append(((now - kept) // 2, kept))
        elif pad:
            border = (max(now, scaled // other) - now) // 2
            window.append((-border, now + 2 * border))
        else:
            window.append((0, now))
    return window[0], window[1]
