"""Exports embedding layers for the projector of TensorBoard."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeAlias

import numpy as np

from cornu.callbacks.shared.nested_layers import find_layers
from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.errors import suggest
from cornu.layers import Embedding
from cornu.process import job
from cornu.saving.atomic_write import atomic_write

__all__ = ["Metadata", "check_metadata", "write_projector"]

Path_: TypeAlias = str | os.PathLike[str]
Metadata: TypeAlias = Path_ | dict[str, Path_]

_CONFIG = "projector_config.pbtxt"  # the file name that TensorBoard expects
_FOLDER = "embeddings"


def check_metadata(model: TrainedModel, metadata: Metadata | None) -> None:
    """Raises ValueError if metadata refers to a name that is not an Embedding layer."""
    names = [layer.name for layer in find_layers(model, Embedding)]
    for name in metadata if isinstance(metadata, dict) else ():
        if name not in names:
            raise ValueError(
                f"TensorBoard: embeddings_metadata contains {name!r}, but the model has no "
                f"Embedding layer of this name. {suggest(name, names)}"
            )


def write_projector(folder: str, model: TrainedModel, metadata: Metadata | None) -> None:
    """Writes the embeddings as tab-separated text, and the configuration of the projector.

    Args:
        folder: the folder of TensorBoard.
        model: the model with the Embedding layers.
        metadata: the file of labels, relative to the folder, for all layers or by layer name.
    """
    config = ""
    for layer in find_layers(model, Embedding):
        labels = metadata.get(layer.name) if isinstance(metadata, dict) else metadata
        path = f"{_FOLDER}/{layer.name.replace('/', '_')}.tsv"
        values = layer.embeddings.numpy()  # other processes may hold parts of them
        if not job.is_first():
            continue
        with atomic_write(Path(folder, path)) as temporary:
            np.savetxt(temporary, values.astype("float32"), "%.8g", "\t")
        lines = {"tensor_name": layer.name, "tensor_path": path}
        if labels is not None:
            lines["metadata_path"] = os.fspath(labels)
        fields = "".join(f"  {name}: {json.dumps(text)}\n" for name, text in lines.items())
        config += f"embeddings {{\n{fields}}}\n"
    if not job.is_first():
        return
    with atomic_write(Path(folder, _CONFIG)) as temporary:
        temporary.write_text(config)
