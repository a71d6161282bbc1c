"""OnException: saves the model when training fails."""

from __future__ import annotations

import os

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.model_files import check_ending, save

__all__ = ["OnException"]


class OnException(Callback):
    """Saves the model when `fit` is left by an error or Ctrl-C.

    The error gets a note that says where the model is, and goes on to the caller. If saving
    fails, the note says that.

    Args:
        filepath: where to. Ends in `.keras` for the model, or as `save_weights` takes it
            (`.weights.h5`, `.safetensors`, `.npz`) for the weights alone.

    Raises:
        ValueError: another ending.

    Example:

    >>> keep = OnException("broken-off.keras")

    Differences: Keras has none.
    """

    def __init__(self, filepath: str | os.PathLike[str]) -> None:
        self.filepath = check_ending(filepath, "OnException")

    def on_train_exception(self, error: BaseException) -> None:
        """Saves the model."""
        note = f"OnException: the model was saved to {self.filepath!r}."
        try:
            save(self.model, self.filepath)
        except Exception as failure:  # the first error is the one that must be heard
            note = (
                f"OnException: the model could not be saved to {self.filepath!r}. "
                f"{type(failure).__name__}: {failure}"
            )
        error.add_note(note)
