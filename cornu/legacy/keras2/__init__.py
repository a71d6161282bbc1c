"""Layers and ops of Keras 2 and tf.keras, as layers and ops of today."""

from cornu.legacy.keras2.arrays import ARRAYS
from cornu.legacy.keras2.layers import convert_layer
from cornu.legacy.keras2.ops import OPS, convert_op

__all__ = ["ARRAYS", "OPS", "convert_layer", "convert_op"]
