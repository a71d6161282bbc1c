"""BackupAndRestore: resumes an interrupted training."""

from __future__ import annotations

import os
from typing import Any, Literal

from cornu.callbacks.callback import Callback
from cornu.saving.resume import Resume

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Saves the state of training in a folder, and resumes from it after an interruption.

    Equivalent to `fit(..., resume=Resume(backup_dir, every=save_freq))`, except that the states
    are deleted when training completes.

    Args:
        backup_dir: the folder. Each call of `fit` needs its own.
        save_freq: `"epoch"`, a number of steps, or `False` to save every 30 seconds.
        double_checkpoint: ignored; at least two states are always kept.
        delete_checkpoint: whether the states are deleted when training completes.

    Raises:
        ValueError: `backup_dir` is empty, or `save_freq` is invalid.

    Example:

    >>> import cornu
    >>> backup = cornu.callbacks.BackupAndRestore("backup", save_freq=100)

    Differences: Keras saves only weights, optimizer and epoch; shuffling, dropout and other
    callbacks restart, which changes the result. Here training continues in the middle of an epoch,
    as with `fit(resume=...)`, and the History includes the earlier epochs.
    """

    writes_files = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | Literal["epoch", False] = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not os.fspath(backup_dir):
            raise ValueError("BackupAndRestore: backup_dir is empty. Pass the path of a folder.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.resume = Resume(backup_dir, every=None if save_freq is False else save_freq, keep=2)

    def get_state(self) -> dict[str, Any]:
        """Returns no state: the callback has none of its own."""
        return {}
