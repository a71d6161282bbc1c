"""OnException: saves the model when training raises an exception."""

from __future__ import annotations

import os

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.model_files import check_model_path, save_model_file

__all__ = ["OnException"]


class OnException(Callback):
    """Saves the model when `fit` raises an exception, including Ctrl-C.

    A note with the path of the file, or with the reason why the model could not be saved, is added
    to the exception, which then propagates to the caller.

    Args:
        filepath: the path of the file. It ends in `.keras` to save the model, or in an extension of
            `save_weights` (`.weights.h5`, `.safetensors`, `.npz`) to save only the weights.

    Raises:
        ValueError: `filepath` has another extension.

    Example:

    >>> keep = OnException("broken-off.keras")

    Differences: not in Keras.
    """

    def __init__(self, filepath: str | os.PathLike[str]) -> None:
        self.filepath = check_model_path(filepath, "OnException")

    def on_train_exception(self, error: BaseException) -> None:
        """Saves the model."""
        note = f"OnException: the model was saved to {self.filepath!r}."
        try:
            save_model_file(self.model, self.filepath)
        except Exception as failure:  # must not hide the first exception
            note = (
                f"OnException: the model could not be saved to {self.filepath!r}. "
                f"{type(failure).__name__}: {failure}"
            )
        error.add_note(note)
