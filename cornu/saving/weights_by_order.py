"""Weights in the order of layers, as in files of Keras 1, Keras 2 and `keras.applications`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.errors import quantity
from cornu.saving.formats.hdf5 import HDF5Reader
from cornu.saving.stored_state import StoredState

__all__ = ["OrderedArrays", "state_by_order"]

ArraysByLayer = list[tuple[str, list[str]]]


@runtime_checkable
class LayerSequence(Protocol):
    """A model."""

    @property
    def layers(self) -> Sequence[Layer]: ...


class OrderedArrays:
    """The weights in an HDF5 file, without the state of an optimizer.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of all arrays in the file.
    """

    def __init__(self, reader: HDF5Reader, layers: ArraysByLayer) -> None:
        self._reader = reader
        self.shapes = {key: reader.shapes[key] for _, keys in layers for key in keys}
        self.nbytes = reader.nbytes

    def read(self, key: str) -> np.ndarray:
        """Reads an array."""
        return self._reader.read(key)


def state_by_order(layers: ArraysByLayer, root: Layer) -> StoredState:
    """Returns the weights of a model by the keys of arrays in a file.

    The layers with weights are matched in order; their names may differ.

    Args:
        layers: the names of layers in the file, with the keys of their arrays.
        root: the model.

    Raises:
        ValueError: the model has another number of layers with weights, or a layer another number
            of weights.
    """
    state = StoredState(root)
    top = [keys for name, keys in layers if not name]
    layers = [item for item in layers if item[0]]
    inner = root.layers if isinstance(root, LayerSequence) else [root]
    owners = [layer for layer in inner if layer.weights]
    if len(owners) != len(layers):
        raise ValueError(
            f"The file holds {quantity(len(layers), 'layer')} with weights, the model has "
            f"{len(owners)}. The model was not changed.\n"
            f"In the file: {_list(name for name, _ in layers)}\n"
            f"In the model: {_list(layer.name for layer in owners)}"
        )
    pairs = [
        (layer.name, name, [*layer.trainable_weights, *layer.non_trainable_weights], keys)
        for layer, (name, keys) in zip(owners, layers, strict=True)
    ]
    pairs += [(root.name, "the model", root._own_variables_(), keys) for keys in top]
    for own_name, name, variables, keys in pairs:
        if len(variables) != len(keys):
            raise ValueError(
                f"Layer {own_name!r} has {quantity(len(variables), 'weight')}, {name!r} in the "
                f"file has {len(keys)}. The model was not changed."
            )
        state.variables.update(zip(keys, variables, strict=True))
    return state


def _list(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")
