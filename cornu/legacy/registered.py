"""The modules that register classes and functions of old versions; its import registers all."""

from cornu.legacy import activations, optimizers, regularizers
from cornu.legacy.keras1 import argument_values, objectives
from cornu.legacy.layers import (
    activations as activation_layers,
)
from cornu.legacy.layers import (
    batch_normalization,
    dense,
    locally_connected,
    merging,
    modes,
    theano,
    upsampling,
)

__all__ = ["MODULES"]

MODULES = (
    activation_layers,
    activations,
    argument_values,
    batch_normalization,
    dense,
    locally_connected,
    merging,
    modes,
    objectives,
    optimizers,
    regularizers,
    theano,
    upsampling,
)
