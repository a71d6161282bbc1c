"""Normalization by batch, row, group, root mean square and length."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import LayerRow

_MIXES = {"rowwise": "rows meet in training, padding rows do not; tests/layers/test_batch_norm.py"}


def _row(
    name: str, layer: str, shape: tuple[int, ...], *args: Any, mask: Any = None, **kwargs: Any
) -> LayerRow:
    return LayerRow(
        name=name,
        make=lambda k: getattr(k.layers, layer)(*args, **kwargs),
        inputs=lambda rng: (1.5 * rng.normal(size=shape) + 0.5).astype("float32"),
        rtol=1e-4,
        atol=1e-5,
        mask=mask,
        skip=_MIXES if layer == "BatchNormalization" else {},
    )


_STEPS = np.array([[True, True, False, True], [True, False, True, False], [True] * 4])

ROWS = [
    _row("batch_normalization", "BatchNormalization", (6, 3), momentum=0.9),
    _row("batch_normalization_images", "BatchNormalization", (3, 4, 3, 2), beta_initializer="ones"),
    _row("batch_normalization_first", "BatchNormalization", (3, 2, 4, 3), 1, scale=False),
    _row("batch_normalization_plain", "BatchNormalization", (6, 3), center=False, scale=False),
    _row("batch_normalization_mask", "BatchNormalization", (3, 4, 2), mask=lambda _: _STEPS),
    _row(
        "batch_renormalization",
        "BatchNormalization",
        (6, 3),
        renorm=True,
        renorm_clipping={"rmin": 0.5, "rmax": 1.2, "dmax": 0.3},
        beta_initializer="ones",
    ),
    _row("layer_normalization", "LayerNormalization", (2, 4, 6)),
    _row("layer_normalization_axes", "LayerNormalization", (2, 3, 4, 5), (1, 3), epsilon=1e-5),
    _row("layer_normalization_unscaled", "LayerNormalization", (3, 6), center=False, scale=False),
    _row("layer_normalization_mask", "LayerNormalization", (3, 4, 5), mask=lambda _: _STEPS),
    _row("group_normalization", "GroupNormalization", (2, 4, 3, 6), 3, beta_initializer="ones"),
    _row("group_normalization_first", "GroupNormalization", (2, 6, 4, 3), 2, axis=1),
    _row("instance_normalization", "GroupNormalization", (2, 5, 4), -1, scale=False),
    _row("rms_normalization", "RMSNormalization", (2, 4, 6)),
    _row("rms_normalization_epsilon", "RMSNormalization", (3, 5), epsilon=0.1),
    _row("unit_normalization", "UnitNormalization", (3, 5)),
    LayerRow(
        name="spectral_normalization",
        make=lambda k: k.layers.SpectralNormalization(k.layers.Dense(4), power_iterations=2),
        inputs=lambda rng: rng.normal(size=(3, 5)).astype("float32"),
    ),
    _row("unit_normalization_axes", "UnitNormalization", (2, 3, 4), [1, 2]),
]
