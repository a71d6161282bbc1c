"""Zero padding, cropping and upsampling."""

from __future__ import annotations

from typing import Any

from tests.conformance.table import LayerRow


def _row(name: str, layer: str, shape: tuple[int, ...], *args: Any, **kwargs: Any) -> LayerRow:
    return LayerRow(
        name=name,
        make=lambda k: getattr(k.layers, layer)(*args, **kwargs),
        inputs=lambda rng: rng.normal(size=shape).astype("float32"),
    )


_FIRST = {"data_format": "channels_first"}

ROWS = [
    _row("zero_padding1d", "ZeroPadding1D", (2, 3, 2), (1, 2)),
    _row("zero_padding1d_first", "ZeroPadding1D", (2, 3, 2), 2, **_FIRST),
    _row("zero_padding2d", "ZeroPadding2D", (2, 3, 4, 2), ((1, 0), (2, 3))),
    _row("zero_padding2d_first", "ZeroPadding2D", (2, 2, 3, 4), (1, 2), **_FIRST),
    _row("zero_padding3d", "ZeroPadding3D", (1, 2, 3, 2, 2)),
    _row("cropping1d", "Cropping1D", (2, 5, 2), (0, 2)),
    _row("cropping2d", "Cropping2D", (2, 5, 6, 2), ((1, 0), (2, 1))),
    _row("cropping2d_first", "Cropping2D", (2, 2, 5, 6), (1, 2), **_FIRST),
    _row("cropping3d", "Cropping3D", (1, 4, 3, 5, 2)),
    _row("upsampling1d", "UpSampling1D", (2, 3, 2), 3),
    _row("upsampling2d", "UpSampling2D", (2, 3, 2, 2), (2, 3)),
    _row("upsampling2d_bilinear", "UpSampling2D", (2, 3, 4, 2), 2, interpolation="bilinear"),
    _row("upsampling2d_bicubic", "UpSampling2D", (1, 2, 3, 4), interpolation="bicubic", **_FIRST),
    _row("upsampling3d", "UpSampling3D", (1, 2, 3, 2, 2), (1, 2, 3)),
    _row("upsampling3d_first", "UpSampling3D", (1, 2, 2, 3, 2), **_FIRST),
]
