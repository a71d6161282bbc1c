"""CSVLogger: a table of the epochs in a text file."""

from __future__ import annotations

import csv
import os
from typing import IO, Any

import numpy as np

from cornu.callbacks.callback import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the logs of every epoch as a row of a CSV file.

    The columns are `epoch` and the metrics of the first epoch in alphabetical order; if there is
    no validation in the first epoch, columns for later ones are kept free. What is missing is
    written as `NA`.

    Args:
        filename: the file.
        separator: what stands between two values.
        append: whether to go on with a file that is there, under its header.
    """

    writes_files = True

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._file: IO[str] | None = None
        self._columns: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file."""
        self._close()
        self._columns = self._header() if self.append else []
        self._file = open(self.filename, "a" if self.append else "w", newline="")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a row."""
        logs = logs or {}
        if self._file is None:
            raise RuntimeError("CSVLogger: `on_epoch_end` was called before `on_train_begin`.")
        writer = csv.writer(self._file, delimiter=self.sep)
        if not self._columns:
            self._columns = _columns(logs)
            writer.writerow(["epoch", *self._columns])
        writer.writerow([epoch, *(_text(logs.get(name, "NA")) for name in self._columns)])
        self._file.flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self._close()

    def _header(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        with open(self.filename, newline="") as file:
            return next(csv.reader(file, delimiter=self.sep), [])[1:]

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _columns(logs: Any) -> list[str]:
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _text(value: Any) -> Any:
    if np.ndim(value):
        return f'"[{", ".join(str(item) for item in value)}]"'
    return value
