"""Saving a model, or its weights, as the ending of a file's name says."""

from __future__ import annotations

import os
from typing import Any

from cornu.saving.formats.table import WRITERS

__all__ = ["check_ending", "save"]

_MODEL = ".keras"
_WEIGHTS = tuple(ending for ending in WRITERS if ending != ".h5")


def check_ending(filepath: str | os.PathLike[str], who: str) -> str:
    """Returns the path as a text, if it can be saved to."""
    path = os.fspath(filepath)
    if not path.endswith((_MODEL, *_WEIGHTS)):
        raise ValueError(
            f"{who}: filepath ends in {_MODEL} for the model, or in {', '.join(_WEIGHTS)} for the "
            f"weights alone. Received: {path!r}"
        )
    return path


def save(model: Any, path: str) -> None:
    """Writes the model, or its weights, in the place of what is there."""
    if path.endswith(_MODEL):
        model.save(path, overwrite=True)
    else:
        model.save_weights(path, overwrite=True)
