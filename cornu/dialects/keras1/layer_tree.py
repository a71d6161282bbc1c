"""Layers of Keras 1 that Keras 2 kept, with the signatures of Keras 1."""

from __future__ import annotations

from collections.abc import Mapping

from cornu.legacy.keras1.class_mapping import ClassMapping
from cornu.legacy.keras1.layer_table import LAYERS

__all__ = ["KEPT_LAYERS"]

_KEPT = (*("Highway", "MaxoutDense", "ParametricSoftplus", "SReLU", "TimeDistributedDense"),)

# The rows of the layers of Keras 1 that Keras 2 has, or that its programs still use.
KEPT_LAYERS: Mapping[str, ClassMapping] = {
    row.old_name: row for rows in LAYERS.values() for row in rows if row.old_name in _KEPT
}
