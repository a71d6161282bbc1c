"""CSVLogger: a table of the epochs in a text file."""

from __future__ import annotations

import csv
import os
import warnings
from typing import IO, Any

import numpy as np

from cornu.callbacks.callback import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the logs of every epoch as a row of a CSV file.

    The columns are `epoch` and the metrics of the first epoch in alphabetical order; if there is
    no validation in the first epoch, columns for later ones are kept free. What is missing is
    written as `NA`. The file is opened when there is a first row to write.

    Args:
        filename: the file; folders that it needs are made.
        separator: what stands between two values.
        append: whether to go on with a file that is there, under its header.

    Raises:
        IsADirectoryError: `filename` is a folder; when training begins.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> log = CSVLogger(path)
    >>> log.on_train_begin()
    >>> log.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> log.on_train_end()
    >>> path.read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.75']

    Differences: a run that is resumed goes on after the last row that it knows of; Keras begins
        the file again or, with `append=True`, repeats the rows of epochs that are run again.
    """

    writes_files = True

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._begun = False
        self._begin()

    def _begin(self) -> None:
        self._file: IO[str] | None = None
        self._columns: list[str] = []
        self._length: int | None = None  # of the file after the last row

    def on_train_begin(self, logs: Any = None) -> None:
        """Looks whether the file can be written; a file that is there stays until the first row."""
        self._close()
        self._begin()
        self._begun = True
        if os.path.isdir(self.filename):
            raise IsADirectoryError(
                f"CSVLogger: {self.filename!r} is a directory. Give the name of a file."
            )
        os.makedirs(os.path.dirname(self.filename) or ".", exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a row."""
        logs = logs or {}
        if not self._begun:
            raise RuntimeError("CSVLogger: `on_epoch_end` was called before `on_train_begin`.")
        file = self._open() if self._file is None else self._file
        writer = csv.writer(file, delimiter=self.sep)
        if not self._columns:
            self._columns = _columns(logs)
            writer.writerow(["epoch", *self._columns])
        writer.writerow([epoch, *(_text(logs.get(name, "NA")) for name in self._columns)])
        file.flush()
        self._length = os.fstat(file.fileno()).st_size

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self._close()

    def on_train_exception(self, error: BaseException) -> None:
        """Closes the file."""
        self._close()

    def _open(self) -> IO[str]:
        goes_on = self.append or self._length is not None
        if goes_on and not self._columns:
            self._columns = self._header()
        self._file = open(self.filename, "a" if goes_on else "w", newline="")
        return self._file

    def _header(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        with open(self.filename, newline="") as file:
            return next(csv.reader(file, delimiter=self.sep), [])[1:]

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        """Returns how long the file was after the last row, in bytes; None if there is none."""
        return {"length": self._length}

    def set_state(self, state: dict[str, Any]) -> None:
        """Cuts off the rows that were written after `get_state()`, and goes on there.

        Warns:
            UserWarning: the file is shorter than it was.
        """
        self._close()
        self._columns, self._length = [], state["length"]
        if self._length is None:
            return
        found = os.path.getsize(self.filename) if os.path.exists(self.filename) else 0
        if found < self._length:
            warnings.warn(
                f"CSVLogger: {self.filename!r} had {self._length} bytes when training was saved, "
                f"and has {found} now. Rows are added to what is there.",
                stacklevel=2,
            )
        elif found > self._length:
            os.truncate(self.filename, self._length)


def _columns(logs: Any) -> list[str]:
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _text(value: Any) -> Any:
    if np.ndim(value):
        return f'"[{", ".join(str(item) for item in value)}]"'
    return value
