"""Files of models of Keras 1.2.2."""

from __future__ import annotations

from typing import Any

from cornu.dialects.keras1 import factories
from cornu.dialects.keras1.configs import describe_model
from cornu.dialects.keras1.merge import Branches
from cornu.dialects.layer_methods import LayerMethods, layout_of
from cornu.dialects.model_files import FileLayout
from cornu.legacy.arrays import in_old_order, name_arrays, restore_arrays
from cornu.legacy.keras1.calls import find_call
from cornu.legacy.optimizer_state import StoredLayer

__all__ = ["LAYOUT", "stored_layers", "weight_layers"]


def weight_layers(model: Any) -> list[Any]:
    """Returns the layers of a model whose arrays follow one another in lists of weights."""
    found = []
    for layer in model.layers:
        if isinstance(layer, Branches):
            found += [inner for branch in layer.branches for inner in weight_layers(branch)]
        else:
            found.append(layer)
    return found


def stored_layers(model: Any) -> list[StoredLayer]:
    """Returns the layers of a model with their arrays by the names of Keras 1, as files have them.

    Args:
        model: the model, which is built.
    """
    found = []
    for layer in weight_layers(model):
        layout, call = layout_of(layer), find_call(layer)
        arrays = restore_arrays(layer, [v.numpy() for v in in_old_order(layer)], layout)
        # It was one layer, of which the inner layer has the weights today.
        is_one = call is not None and call.mapping.old_name == "TimeDistributedDense"
        names = name_arrays(layer, layout, layer.name if is_one else None)
        found.append(StoredLayer(layer, arrays, names))
    return found


LAYOUT = FileLayout(
    "Keras 1", LayerMethods.layout, describe_model, stored_layers, factories.OPTIMIZER_ROWS
)
