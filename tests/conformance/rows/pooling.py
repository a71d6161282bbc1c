"""Pooling of windows, of whole inputs, and of a number of parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import LayerRow


def _row(
    name: str, layer: str, shape: tuple[int, ...], *args: Any, mask: Any = None, **kwargs: Any
) -> LayerRow:
    return LayerRow(
        name=name,
        make=lambda k: getattr(k.layers, layer)(*args, **kwargs),
        inputs=lambda rng: rng.normal(size=shape).astype("float32"),
        mask=mask,
    )


_FIRST = {"data_format": "channels_first"}
_STEPS = np.array([[True, True, False, True, False], [True, False, False, False, False]])

ROWS = [
    _row("max_pooling1d", "MaxPooling1D", (2, 7, 3)),
    _row("max_pooling2d", "MaxPooling2D", (2, 6, 5, 3)),
    _row("max_pooling2d_same", "MaxPooling2D", (2, 6, 5, 3), 3, strides=(2, 1), padding="same"),
    _row("max_pooling2d_first", "MaxPooling2D", (2, 3, 6, 5), (2, 1), **_FIRST),
    _row("max_pooling3d", "MaxPooling3D", (1, 4, 5, 4, 2)),
    _row("average_pooling1d", "AveragePooling1D", (2, 7, 3), 3, strides=2, padding="same"),
    _row("average_pooling2d", "AveragePooling2D", (2, 6, 5, 3), 2),
    _row("average_pooling2d_first", "AveragePooling2D", (2, 3, 6, 5), 2, padding="same", **_FIRST),
    _row("average_pooling3d", "AveragePooling3D", (1, 4, 5, 4, 2), (2, 2, 1)),
    _row("global_max_pooling1d", "GlobalMaxPooling1D", (2, 5, 3), keepdims=True),
    _row("global_max_pooling2d", "GlobalMaxPooling2D", (2, 4, 5, 3)),
    _row("global_max_pooling3d", "GlobalMaxPooling3D", (2, 3, 2, 3, 4), **_FIRST),
    _row("global_average_pooling1d", "GlobalAveragePooling1D", (2, 5, 3), mask=lambda _: _STEPS),
    _row(
        "global_average_pooling1d_first",
        "GlobalAveragePooling1D",
        (2, 3, 5),
        keepdims=True,
        mask=lambda _: _STEPS,
        **_FIRST,
    ),
    _row("global_average_pooling2d", "GlobalAveragePooling2D", (2, 4, 5, 3), keepdims=True),
    _row("global_average_pooling2d_first", "GlobalAveragePooling2D", (2, 3, 4, 5), **_FIRST),
    _row("global_average_pooling3d", "GlobalAveragePooling3D", (2, 3, 2, 3, 4)),
    _row("adaptive_average_pooling1d", "AdaptiveAveragePooling1D", (2, 7, 3), 3),
    _row("adaptive_average_pooling2d", "AdaptiveAveragePooling2D", (2, 6, 5, 3), (2, 3)),
    _row("adaptive_average_pooling3d", "AdaptiveAveragePooling3D", (1, 2, 4, 5, 3), 2, **_FIRST),
    _row("adaptive_max_pooling1d", "AdaptiveMaxPooling1D", (2, 3, 7), 3, **_FIRST),
    _row("adaptive_max_pooling2d", "AdaptiveMaxPooling2D", (2, 6, 5, 3), 2),
    _row("adaptive_max_pooling3d", "AdaptiveMaxPooling3D", (1, 4, 5, 3, 2), (2, 2, 3)),
]
