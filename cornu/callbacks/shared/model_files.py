"""Saves a model or its weights, depending on the extension of the file."""

from __future__ import annotations

import os

from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.saving.formats.table import WRITERS

__all__ = ["check_model_path", "save_model_file"]

_MODEL = ".keras"
# `.h5` alone is ambiguous: `save` and `save_weights` both write such files.
_WEIGHTS = tuple(ending for ending in WRITERS if ending != ".h5")


def check_model_path(filepath: str | os.PathLike[str], caller: str) -> str:
    """Returns the path as a string. Raises ValueError if the extension is unknown."""
    path = os.fspath(filepath)
    if not path.endswith((_MODEL, *_WEIGHTS)):
        raise ValueError(
            f"{caller}: filepath must end in {_MODEL} to save the model, or in "
            f"{', '.join(_WEIGHTS)} to save only the weights. Received: {path!r}"
        )
    return path


def save_model_file(model: TrainedModel, path: str) -> None:
    """Writes the model or its weights, replacing an existing file."""
    if path.endswith(_MODEL):
        model.save(path, overwrite=True)
    else:
        model.save_weights(path, overwrite=True)
