"""Weights by the order or the names of layers: files of Keras 1, 2 and `keras.applications`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity
from cornu.saving.formats.hdf5 import HDF5Reader
from cornu.saving.stored_state import StoredState

__all__ = ["OrderedArrays", "state_by_layer_name", "state_by_order"]

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
    owners = _layers_with_weights(root)
    if len(owners) != len(layers):
        raise ValueError(
            f"The file holds {quantity(len(layers), 'layer')} with weights, the model has "
            f"{len(owners)}. The model was not changed.\n"
            f"In the file: {_list(name for name, _ in layers)}\n"
            f"In the model: {_list(layer.name for layer in owners)}"
        )
    for layer, (name, keys) in zip(owners, layers, strict=True):
        _add(state, layer.name, repr(name), _in_order(layer), keys)
    for keys in top:
        _add(state, root.name, "the model", root._own_variables_(), keys)
    return state


def state_by_layer_name(layers: ArraysByLayer, root: Layer, skip_mismatch: bool) -> StoredState:
    """Returns the weights of the layers that a file names, by the keys of arrays in the file.

    Layers that only the file or only the model has are left out.

    Args:
        layers: the names of layers in the file, with the keys of their arrays.
        root: the model.
        skip_mismatch: whether layers with another number of weights are left out with a warning.

    Raises:
        ValueError: no layer has the name of one in the file, or a layer has another number of
            weights.
    """
    state = StoredState(root)
    owners = {layer.name: _in_order(layer) for layer in _layers_with_weights(root)}
    owners[""] = root._own_variables_()
    common = [(name, keys) for name, keys in layers if owners.get(name)]
    if not common:
        raise ValueError(
            "No layer of the model has the name of a layer in the file. The model was not changed."
            f"\nIn the file: {_list(name for name, _ in layers)}\n"
            f"In the model: {_list(name for name in owners if name)}"
        )
    for name, keys in common:
        try:
            _add(state, name or root.name, repr(name) if name else "it", owners[name], keys)
        except ValueError as error:
            if not skip_mismatch:
                raise
            warnings.warn(f"Did not load: {error}", stacklevel=user_stacklevel())
    return state


def _layers_with_weights(root: Layer) -> list[Layer]:
    inner = root.layers if isinstance(root, LayerSequence) else [root]
    return [layer for layer in inner if layer.weights]


def _in_order(layer: Layer) -> list[Variable]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _add(
    state: StoredState, owner: str, name: str, variables: Sequence[Variable], keys: list[str]
) -> None:
    if len(variables) != len(keys):
        raise ValueError(
            f"Layer {owner!r} has {quantity(len(variables), 'weight')}, {name} in the "
            f"file has {len(keys)}. The model was not changed."
        )
    state.variables.update(zip(keys, variables, strict=True))


def _list(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")
