"""BackupAndRestore: goes on with a training that was interrupted."""

from __future__ import annotations

import os
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.saving.resume import Resume

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Lets `fit` keep its state in a folder, and go on from there if it was interrupted.

    It is `fit(..., resume=Resume(backup_dir, every=save_freq))` under the name of Keras; when
    training ends in order, the folder's states are removed.

    Args:
        backup_dir: the folder, one for each `fit`.
        save_freq: `"epoch"`, a number of steps, or `False` for one state in 30 seconds.
        double_checkpoint: whether two states are kept at least. There always are.
        delete_checkpoint: whether the states are removed when training has ended.

    Raises:
        ValueError: `backup_dir` is empty, or `save_freq` none of these.

    Example:

    >>> import cornu
    >>> backup = cornu.callbacks.BackupAndRestore("backup", save_freq=100)

    Differences: in Keras, only weights, optimizer and epoch are kept; order, dropout and other
    callbacks begin anew, so that the result is another. Here training continues in the middle of
    an epoch, as `fit(resume=...)` does, and the History holds the epochs before, too.
    """

    writes_files = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: int | str | bool = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not os.fspath(backup_dir):
            raise ValueError("BackupAndRestore: backup_dir is empty. Give the name of a folder.")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.resume = Resume(backup_dir, every=None if save_freq is False else save_freq, keep=2)

    def get_state(self) -> dict[str, Any]:
        """Returns nothing: what is kept is not its own."""
        return {}
