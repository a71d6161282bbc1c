"""projector: the tables of embedding layers, for TensorBoard's projector."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from cornu.callbacks.shared.nested_layers import layers_within
from cornu.errors import suggest
from cornu.layers import Embedding
from cornu.saving.atomic_write import atomic_write

__all__ = ["check_metadata", "write_projector"]

_CONFIG = "projector_config.pbtxt"  # the name that TensorBoard looks for
_TABLES = "embeddings"


def check_metadata(model: Any, metadata: Any) -> None:
    """Raises ValueError if metadata is given for a layer that is no embedding of the model."""
    names = [layer.name for layer in layers_within(model, Embedding)]
    for name in metadata if isinstance(metadata, dict) else ():
        if name not in names:
            raise ValueError(
                f"TensorBoard: embeddings_metadata names {name!r}, which is no Embedding layer of "
                f"the model. {suggest(name, names)}"
            )


def write_projector(folder: str, model: Any, metadata: Any) -> None:
    """Writes the tables as text with tabs, and what tells TensorBoard where they are.

    Args:
        folder: TensorBoard's.
        model: whose embedding layers they are.
        metadata: the file of labels, relative to the folder, for all layers or by their name.
    """
    described = ""
    for layer in layers_within(model, Embedding):
        labels = metadata.get(layer.name) if isinstance(metadata, dict) else metadata
        path = f"{_TABLES}/{layer.name.replace('/', '_')}.tsv"
        with atomic_write(Path(folder, path)) as temporary:
            np.savetxt(temporary, layer.embeddings.numpy().astype("float32"), "%.8g", "\t")
        lines = {"tensor_name": layer.name, "tensor_path": path}
        if labels is not None:
            lines["metadata_path"] = os.fspath(labels)
        fields = "".join(f"  {name}: {json.dumps(text)}\n" for name, text in lines.items())
        described += f"embeddings {{\n{fields}}}\n"
    with atomic_write(Path(folder, _CONFIG)) as temporary:
        temporary.write_text(described)
