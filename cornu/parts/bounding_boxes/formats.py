"""Formats of bounding boxes: the meaning of the four numbers of a box."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.errors import did_you_mean
from cornu.ops.arguments import to_array, to_jax_dtype
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["FORMATS", "Format", "convert_format", "find_format"]


class Format(NamedTuple):
    """A format of boxes.

    Attributes:
        anchor: what the first two numbers are: the first `"corner"` of the box, or its `"center"`.
        has_size: whether the last two numbers are the size of the box; otherwise they are the
            second corner.
        rows_first: whether vertical numbers precede horizontal ones.
        relative: whether the numbers are fractions of the size of the image.
    """

    anchor: str
    has_size: bool
    rows_first: bool
    relative: bool = False


FORMATS = {
    "xyxy": Format("corner", has_size=False, rows_first=False),
    "yxyx": Format("corner", has_size=False, rows_first=True),
    "xywh": Format("corner", has_size=True, rows_first=False),
    "center_xywh": Format("center", has_size=True, rows_first=False),
    "center_yxhw": Format("center", has_size=True, rows_first=True),
}
FORMATS |= {
    f"rel_{name}": FORMATS[name]._replace(relative=True)
    for name in ("xyxy", "yxyx", "xywh", "center_xywh")
}


def find_format(name: Any, what: str = "bounding_box_format") -> Format:
    """Returns the format with a name, of which case is ignored.

    Args:
        name: the name.
        what: the name of the argument in error messages.

    Raises:
        ValueError: there is no such format.
    """
    found = FORMATS.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        hint = did_you_mean(name, FORMATS)
        raise ValueError(
            f"{what} must be one of {tuple(FORMATS)}. Received: {name!r}"
            + (f"\n{hint}" if hint else "")
        )
    return found


@op
def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: ArrayLike | None = None,
    width: ArrayLike | None = None,
    dtype: DTypeLike = "float32",
) -> Any:
    """Converts bounding boxes from one format to another.

    The formats are `"xyxy"` (left, top, right, bottom), `"yxyx"` (top, left, bottom, right),
    `"xywh"` (left, top, width, height), `"center_xywh"` (x and y of the center, width, height),
    `"center_yxhw"` (y and x of the center, height, width), and `"rel_xyxy"`, `"rel_yxyx"`,
    `"rel_xywh"`, `"rel_center_xywh"`, whose numbers are fractions of the size of the image.

    Args:
        boxes: boxes, of shape (..., 4), or a dict that contains them as `"boxes"`.
        source: the format of the boxes.
        target: the format of the result.
        height: the height of the image, needed if one of the formats is relative; or an array that
            broadcasts against the boxes.
        width: the width of the image.
        dtype: the dtype of the result.

    Returns:
        The converted boxes; for a dict, a new dict with them.

    Raises:
        ValueError: a format is unknown, the last axis of the boxes does not have size 4, or the
            size of the image is missing.

    Example:

    >>> convert_format([[10, 20, 30, 60]], "xyxy", "center_xywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]

    Extensions: a dict of boxes is not modified. Conversions between two relative formats do not
    need the size of the image.
    """
    if isinstance(boxes, dict):
        return {
            **boxes,
            "boxes": _convert(_boxes_of(boxes), source, target, height, width, dtype),
        }
    return _convert(boxes, source, target, height, width, dtype)


def _boxes_of(bounding_boxes: dict[str, Any]) -> Any:
    if "boxes" not in bounding_boxes:
        raise ValueError(
            'expected a dict with the key "boxes". '
            f"Received the keys {sorted(map(str, bounding_boxes))}"
        )
    return bounding_boxes["boxes"]


def _convert(boxes: Any, source: str, target: str, height: Any, width: Any, dtype: Any) -> Array:
    old, new = find_format(source, "source"), find_format(target, "target")
    x = to_array(boxes)
    if not x.ndim or x.shape[-1] != 4:
        raise ValueError(
            f"boxes must have four numbers on the last axis. Received boxes of shape {x.shape}"
        )
    x = x.astype(to_jax_dtype(dtype))
    if old == new:
        return x
    x = _to_corners(x, old)
    if old.relative != new.relative:
        if height is None or width is None:
            raise ValueError(
                "height and width of the image are needed to convert between absolute and relative "
                f"formats, here from {source!r} to {target!r}. "
                f"Received: height={height}, width={width}"
            )
        size = _size(height, width, x.dtype)
        x = x * size if old.relative else x / size
    return _from_corners(x, new)


def _to_corners(x: Array, layout: Format) -> Array:
    """Returns (left, top, right, bottom) for boxes of a format."""
    first, second = jnp.split(x, 2, axis=-1)
    if layout.rows_first:
        first, second = first[..., ::-1], second[..., ::-1]
    if layout.anchor == "center":
        first, second = first - second / 2, first + second / 2
    elif layout.has_size:
        second = first + second
    return jnp.concatenate([first, second], axis=-1)


def _from_corners(x: Array, layout: Format) -> Array:
    """Returns boxes of a format for (left, top, right, bottom)."""
    first, second = jnp.split(x, 2, axis=-1)
    if layout.has_size:
        second = second - first
    if layout.anchor == "center":
        first = first + second / 2
    if layout.rows_first:
        first, second = first[..., ::-1], second[..., ::-1]
    return jnp.concatenate([first, second], axis=-1)


def _size(height: Any, width: Any, dtype: Any) -> Array:
    """Returns (width, height, width, height) on the last axis."""
    sides = [jnp.atleast_1d(jnp.asarray(side, dtype)) for side in (width, height)]
    return jnp.concatenate(jnp.broadcast_arrays(*sides) * 2, axis=-1)
