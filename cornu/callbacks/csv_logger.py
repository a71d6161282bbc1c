"""CSVLogger: writes the logs of all epochs to a CSV file."""

from __future__ import annotations

import csv
import os
import warnings
from typing import IO, Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.process import job
from cornu.types import Logs

__all__ = ["CSVLogger"]

_END = 256  # bytes of the file by which it is recognized


class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file.

    The columns are `epoch` and the metrics of the first epoch in alphabetical order. If the first
    epoch has no validation, columns are reserved for it. Missing values are written as `NA`. The
    file is opened when the first row is written.

    Args:
        filename: the path of the file; missing folders are created.
        separator: the separator of values.
        append: whether to append to an existing file, using its header.

    Raises:
        IsADirectoryError: `filename` is a folder; raised when training begins.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "log.csv")
    >>> log = CSVLogger(path)
    >>> log.on_train_begin()
    >>> log.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> log.on_train_end()
    >>> path.read_text().split()
    ['epoch,loss,val_loss', '0,0.5,0.75']

    Fixes: a resumed run continues after the last row that its state includes. Keras overwrites the
    file or, with `append=True`, repeats the rows of repeated epochs.
    """

    writes_files = True

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self._begun = False
        self._reset()

    def _reset(self) -> None:
        self._file: IO[str] | None = None
        self._columns: list[str] = []
        self._length: int | None = None  # file size after the last row, in bytes

    def on_train_begin(self, logs: Logs = None) -> None:
        """Checks the path. An existing file is kept until the first row is written."""
        self._close()
        self._reset()
        self._begun = True
        if os.path.isdir(self.filename):
            raise IsADirectoryError(
                f"CSVLogger: {self.filename!r} is a directory. Pass the path of a file."
            )
        os.makedirs(os.path.dirname(self.filename) or ".", exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes a row."""
        logs = logs or {}
        if not self._begun:
            raise RuntimeError("CSVLogger: `on_epoch_end` was called before `on_train_begin`.")
        file = self._open() if self._file is None else self._file
        writer = csv.writer(file, delimiter=self.sep)
        if not self._columns:
            self._columns = _choose_columns(logs)
            writer.writerow(["epoch", *self._columns])
        writer.writerow([epoch, *(_format_value(logs.get(name, "NA")) for name in self._columns)])
        # So that the row survives a crash, and is part of the size below.
        file.flush()
        if job.is_first():
            self._length = os.fstat(file.fileno()).st_size

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the file."""
        self._close()

    def on_train_exception(self, error: BaseException) -> None:
        """Closes the file."""
        self._close()

    def _open(self) -> IO[str]:
        append = self.append or self._length is not None
        if append and not self._columns:
            self._columns = self._read_header()
        path = job.path_to_write(self.filename)
        self._file = open(path, "a" if append else "w", newline="", encoding="utf-8")
        return self._file

    def _read_header(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        try:
            with open(self.filename, newline="", encoding="utf-8") as file:
                return next(csv.reader(file, delimiter=self.sep), [])[1:]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"CSVLogger: the first row of {self.filename!r} cannot be read, so that no rows "
                f"can be appended: {error}.\nPass append=False, or the name of another file."
            ) from error

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        """Returns the size of the file after the last row in bytes, and the end of that row."""
        return {"length": self._length, "end": self._read_end(self._length)}

    def _read_end(self, length: int | None) -> str | None:
        """Returns the last characters of the first `length` bytes of the file."""
        if length is None or not os.path.exists(self.filename):
            return None
        with open(self.filename, "rb") as file:
            file.seek(max(0, length - _END))
            return file.read(min(length, _END)).decode(errors="replace")

    def set_state(self, state: dict[str, Any]) -> None:
        """Removes the rows that were written after `get_state()` was called.

        Warns:
            UserWarning: the file is shorter than it was when the state was saved, or is another
                file; then it is not changed.
        """
        self._close()
        self._columns, self._length = [], state["length"]
        if self._length is None or not job.is_first():
            return
        found = os.path.getsize(self.filename) if os.path.exists(self.filename) else 0
        if found < self._length:
            warnings.warn(
                f"CSVLogger: {self.filename!r} had {self._length} bytes when the state of training "
                f"was saved, and has {found} bytes now. New rows are appended.",
                stacklevel=user_stacklevel(),
            )
        elif found > self._length:
            end = self._read_end(self._length)
            # States of earlier versions hold no end.
            if end and end.endswith("\n") and state.get("end", end) == end:
                os.truncate(self.filename, self._length)
            else:
                warnings.warn(
                    f"CSVLogger: {self.filename!r} is not the file that the saved state of "
                    "training belongs to. It is kept, and new rows are appended.",
                    stacklevel=user_stacklevel(),
                )


def _choose_columns(logs: Logs) -> list[str]:
    names = sorted(logs)
    # With `validation_freq`, the first epoch may have no validation, but later ones need the
    # columns.
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _format_value(value: Any) -> Any:
    # As Keras writes arrays: a list in quotes.
    if np.ndim(value):
        return f'"[{", ".join(str(item) for item in value)}]"'
    return value
