"""`load_weights` of files in which layers have names and an order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.saving.formats.hdf5 import HDF5Reader
from cornu.saving.formats.legacy_hdf5 import LayerArrays
from cornu.saving.old_files.models import source_of_weights
from cornu.saving.old_files.weights_by_order import (
    convert_matches,
    match_by_name,
    match_by_order,
)

__all__ = ["load_layer_weights"]


def load_layer_weights(
    model: Layer,
    reader: HDF5Reader,
    layers: Sequence[LayerArrays],
    skip_mismatch: bool,
    by_name: bool,
    objects_to_skip: Iterable[Layer | Variable],
    keras_version: str | None,
    source_backend: str | None,
) -> None:
    """Loads the weights of an open file into a built model.

    Args:
        model: the model.
        reader: the open file.
        layers: the layers in the file.
        skip_mismatch: whether layers that do not match are left out with a warning.
        by_name: whether layers are matched by their names instead of their order.
        objects_to_skip: layers and Variables that keep their values.
        keras_version: the version that wrote the file, or None to find out.
        source_backend: the backend that computed, or None to find out.

    Raises:
        ValueError: the layers do not match.
    """
    source = source_of_weights(reader, layers, keras_version, source_backend)
    matches = (match_by_name if by_name else match_by_order)(layers, model)
    state, arrays = convert_matches(matches, model, reader, source, skip_mismatch)
    state.leave_out(objects_to_skip)
    state.restore(arrays, skip_mismatch=skip_mismatch)
