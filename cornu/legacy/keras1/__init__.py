"""Layers of Keras 1 as layers of today."""

from cornu.legacy.keras1.arrays import ARRAYS, name_arrays
from cornu.legacy.keras1.layers import convert_layer, find_ordering
from cornu.legacy.keras1.merges import expand_merge

__all__ = ["ARRAYS", "convert_layer", "expand_merge", "find_ordering", "name_arrays"]
