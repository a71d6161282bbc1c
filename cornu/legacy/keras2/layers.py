"""Converts the layers of Keras 2 and tf.keras."""

from __future__ import annotations

from cornu.legacy.keras2.layer_table import COMMON, LAYERS
from cornu.legacy.keras2.values import convert_values
from cornu.legacy.layer_row import TARGET_CLASS, Context, LayerRow, convert_arguments
from cornu.types import Config

__all__ = ["convert_layer"]

_SAME = LayerRow()


def convert_layer(entry: Config, context: Context) -> Config:
    """Returns the entry of today for the entry of a layer.

    Args:
        entry: the entry, with `class_name` and `config`.
        context: what the conversion depends on.

    Raises:
        ValueError: an argument has no equal today.
    """
    name = str(entry["class_name"])
    row = LAYERS.get(name, _SAME)
    arguments = convert_arguments(name, row, entry["config"], context)
    arguments = convert_arguments(name, COMMON, arguments, context)
    target = arguments.pop(TARGET_CLASS, row.target or name)
    return {
        "module": "keras.layers",
        "class_name": target,
        "config": convert_values(arguments, context),
        "registered_name": None,
    }
