"""Converts the layers of Keras 2 and tf.keras."""

from __future__ import annotations

from cornu import registry
from cornu.legacy import keras1
from cornu.legacy.keras2.layer_table import COMMON, LAYERS
from cornu.legacy.keras2.values import convert_values
from cornu.legacy.layer_row import TARGET_CLASS, Context, LayerRow, convert_arguments
from cornu.legacy.layers.theano import choose_class
from cornu.types import Config

__all__ = ["convert_layer"]

_SAME = LayerRow()
# Layers whose padding differed on Theano.
_PADDED = frozenset(
    (
        *("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D", "ConvLSTM2D"),
        *("Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D"),
        *("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"),
        *("AveragePooling1D", "AveragePooling2D", "AveragePooling3D"),
    )
)


def convert_layer(entry: Config, context: Context) -> Config:
    """Returns the entry of today for the entry of a layer.

    Args:
        entry: the entry, with `class_name` and `config`.
        context: what the conversion depends on.

    Raises:
        ValueError: an argument has no equal today.
    """
    name = str(entry["class_name"])
    if name == "Merge":  # a layer of Keras 1, which Keras 2.0 and 2.1 still had
        return keras1.convert_layer(entry, context)
    row = LAYERS.get(name, _SAME)
    arguments = convert_arguments(name, row, entry["config"], context)
    arguments = convert_arguments(name, COMMON, arguments, context)
    target = arguments.pop(TARGET_CLASS, row.target or name)
    if context.source.backend == "theano" and target in _PADDED:
        chosen = choose_class(registry.find("layers", target), arguments)
        if chosen.__name__ != target:
            target = registry.get_registered_name(chosen)
    return {
        "module": "keras.layers",
        "class_name": target,
        "config": convert_values(arguments, context),
        "registered_name": None,
    }
