"""Layers of Keras 1 as layers of today."""

from cornu.legacy.keras1.arrays import ARRAYS
from cornu.legacy.keras1.layers import convert_layer

__all__ = ["ARRAYS", "convert_layer"]
