"""Layers of Keras 1 that Keras 2 kept, with the signatures of Keras 1."""

from __future__ import annotations

from typing import Any

from cornu.dialects.keras1.layers import Layer
from cornu.legacy.keras1.class_mapping import OldClass
from cornu.legacy.keras1.layer_table import LAYERS

__all__ = ["make_kept_layers"]

_KEPT = (*("Highway", "MaxoutDense", "ParametricSoftplus", "SReLU", "TimeDistributedDense"),)


def make_kept_layers() -> dict[str, Any]:
    """Returns the layers of Keras 1 by name that Keras 2 has, or that its programs still use."""
    return {
        row.old_name: OldClass(row, (Layer,))
        for rows in LAYERS.values()
        for row in rows
        if row.old_name in _KEPT
    }
