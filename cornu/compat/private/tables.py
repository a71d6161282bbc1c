"""`keras.src.activations`: the table of activations by name, which packages add to."""

from cornu import activations
from cornu.registry.names import functions

__all__ = ["ACTIVATIONS"]

ACTIVATIONS = functions[activations.__name__.rpartition(".")[2]]
