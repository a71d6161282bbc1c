"""Weights by the order or the names of layers: files of Keras 1, 2 and `keras.applications`."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.errors import quantity
from cornu.legacy.array_row import find_counters
from cornu.legacy.arrays import convert_arrays, in_old_order
from cornu.legacy.source import Source
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.legacy_hdf5 import LayerArrays
from cornu.saving.stored_state import StoredState

__all__ = ["ConvertedArrays", "LayerMatch", "convert_matches", "match_by_name", "match_by_order"]


@runtime_checkable
class LayerSequence(Protocol):
    """A model."""

    @property
    def layers(self) -> Sequence[Layer]: ...


class LayerMatch(NamedTuple):
    """A layer of a model with its arrays in a file.

    Attributes:
        layer: the layer.
        stored: its arrays.
        own: whether they are the weights of the layer itself, without those of layers in it.
    """

    layer: Layer
    stored: LayerArrays
    own: bool = False


class ConvertedArrays:
    """Arrays of a file, converted to the layouts of today.

    Attributes:
        arrays: the arrays by their keys.
        nbytes: the size of all arrays in the file.
    """

    def __init__(self, arrays: dict[str, np.ndarray], nbytes: int) -> None:
        self.arrays = arrays
        self.nbytes = nbytes

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its key."""
        return {key: array.shape for key, array in self.arrays.items()}

    def read(self, key: str, /) -> np.ndarray:
        """Returns an array."""
        return self.arrays[key]


def match_by_order(layers: Sequence[LayerArrays], root: Layer) -> list[LayerMatch]:
    """Returns the layers with weights of a model with those of a file, whose names may differ.

    Args:
        layers: the layers in the file.
        root: the model.

    Raises:
        ValueError: the model has another number of layers with weights.
    """
    own = [LayerMatch(root, item, own=True) for item in layers if not item.name]
    layers = [item for item in layers if item.name]
    owners = _layers_with_weights(root)
    if len(owners) != len(layers):
        raise ValueError(
            f"The file holds {quantity(len(layers), 'layer')} with weights, the model has "
            f"{len(owners)}. The model was not changed.\n"
            f"In the file: {_list(item.name for item in layers)}\n"
            f"In the model: {_list(layer.name for layer in owners)}"
        )
    return [LayerMatch(*pair) for pair in zip(owners, layers, strict=True)] + own


def match_by_name(layers: Sequence[LayerArrays], root: Layer) -> list[LayerMatch]:
    """Returns the layers of a model with those of a file that have the same names.

    Layers that only the file or only the model has are left out.

    Args:
        layers: the layers in the file.
        root: the model.

    Raises:
        ValueError: no layer has the name of one in the file.
    """
    owners = {layer.name: layer for layer in _layers_with_weights(root)}
    found = [LayerMatch(owners[item.name], item) for item in layers if item.name in owners]
    found += [LayerMatch(root, item, True) for item in layers if not item.name and _own(root)]
    if not found:
        raise ValueError(
            "No layer of the model has the name of a layer in the file. The model was not changed."
            f"\nIn the file: {_list(item.name for item in layers if item.name)}\n"
            f"In the model: {_list(owners)}"
        )
    return found


def convert_matches(
    matches: Sequence[LayerMatch],
    root: Layer,
    reader: ArrayReader,
    source: Source,
    skip_mismatch: bool = False,
) -> tuple[StoredState, ConvertedArrays]:
    """Returns the weights of a model by keys, and the arrays of a file by the same keys.

    Args:
        matches: the layers with their arrays.
        root: the model.
        reader: the open file.
        source: what wrote it.
        skip_mismatch: whether layers with another number of weights are left out with a warning.

    Raises:
        ValueError: a layer has another number of weights.
    """
    state, converted = StoredState(root), ConvertedArrays({}, reader.nbytes)
    for match in matches:
        layer, stored, own = match
        variables = _own(layer) if own else in_old_order(layer)
        arrays = [reader.read(key) for key in stored.keys]
        label = repr(stored.name) if stored.name else "it"
        try:
            if not own:
                arrays = convert_arrays(layer, arrays, source, label)
            if len(variables) != len(arrays):
                raise ValueError(
                    f"Layer {layer.name!r} has {quantity(len(variables), 'weight')}, {label} in "
                    f"the file has {len(arrays)}. The model was not changed."
                )
        except ValueError as error:
            if not skip_mismatch:
                raise
            warnings.warn(f"Did not load: {error}", stacklevel=user_stacklevel())
            continue
        prefix = stored.name or "top_level_model_weights"
        for i, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
            state.variables[f"{prefix}/{i}"] = variable
            converted.arrays[f"{prefix}/{i}"] = array
        for i, counter in enumerate(() if own else find_counters(layer)):
            state.variables[f"{prefix}/updates/{i}"] = counter
            converted.arrays[f"{prefix}/updates/{i}"] = np.full(counter.shape, np.inf, "float32")
    return state, converted


def _layers_with_weights(root: Layer) -> list[Layer]:
    inner = root.layers if isinstance(root, LayerSequence) else [root]
    return [layer for layer in inner if layer.weights]


def _own(root: Layer) -> list[Variable]:
    return root._own_variables_()


def _list(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")
