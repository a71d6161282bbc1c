"""Files of the state of training, numbered; the latest few are kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ml_dtypes
import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving import validation
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.safetensors import write_tensors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["StateFolder", "TrainingState"]

_FORMAT = "cornu-state-1"
_KINDS = ("state", "finished")
_NAME = re.compile(rf"({'|'.join(_KINDS)})-(\d{{12}})\.safetensors")
# The largest JSON data in the header of a file, in bytes; larger data is an array of bytes.
_MAX_METADATA = 1 << 20
_MAX_DATA = 1 << 30  # bytes of JSON
_DATA = "__data__"
_NATIVE = frozenset(
    ["bool", "float16", "float32", "float64", "bfloat16"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_NUMPY_DTYPE = re.compile(r"[<>|=][biufcMmUS]\d{1,9}(\[\w{1,20}\])?")
_SMALL_DTYPE = re.compile(r"(u?int|float)\d\w*")
_TEMPORARY = re.compile(r"\.(?:state|finished)-\d{12}\.safetensors\..*")


# The files of the locks that this process holds.
_held: set[IO[str]] = set()


def _release_in_child() -> None:
    # A lock belongs to an open file, which a forked process shares: it would keep the lock after
    # the process that trains is killed.
    for file in _held:
        file.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


@dataclass(frozen=True)
class TrainingState:
    """The content of one file.

    Attributes:
        number: increases with each state that is written.
        arrays: the arrays by name.
        data: JSON data.
        finished: whether the run was complete.
    """

    number: int
    arrays: dict[str, np.ndarray]
    data: Any
    finished: bool = False


class StateFolder:
    """The states in a directory.

    Files are written atomically, in the safetensors format, with a checksum of their content.

    Args:
        folder: the directory, which is created with the first state.
        keep: the number of latest states to keep.

    Example:

    >>> import tempfile
    >>> states = StateFolder(tempfile.mkdtemp(), keep=2)
    >>> for number in range(3):
    ...     states.write(TrainingState(number, {"w": np.full(2, number)}, {"epoch": number}))
    >>> [path.name for path in states.files()]
    ['state-000000000001.safetensors', 'state-000000000002.safetensors']
    >>> states.read_newest().data
    {'epoch': 2}
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 3) -> None:
        # The program may change its working directory while it trains.
        self.folder = Path(folder).absolute()
        self.keep = keep
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(
                f"{str(folder)!r} is a file. Expected a directory for the state of training, "
                "which need not exist."
            )

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Locks the directory, and removes temporary files of killed processes.

        Raises:
            RuntimeError: another process has locked the directory.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # The system releases the lock when the process ends, even if it is killed.
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(self.folder / ".lock", "a"))
            if not _lock_file(file):
                raise RuntimeError(
                    f"Another process saves its state in {str(self.folder)!r}. Wait until it "
                    "ends, or use a separate directory for each run."
                )
            _held.add(file)
            stack.callback(_held.discard, file)
            for path in self.folder.iterdir():
                if _TEMPORARY.fullmatch(path.name):
                    path.unlink(missing_ok=True)
            yield

    def files(self, kind: str = "state") -> list[Path]:
        """Returns the files of states, the oldest first."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(path for path in found if path.name.startswith(f"{kind}-"))

    def write(self, state: TrainingState) -> None:
        """Writes a state, and then removes old ones.

        Raises:
            OSError: writing failed, for example on a full disk. Earlier states are unchanged.
        """
        arrays, dtypes = _to_native(state.arrays)
        text = json.dumps(state.data)
        # Safetensors files have no checksum of their own.
        metadata = {"format": _FORMAT, "sha256": _checksum(arrays, text, dtypes)}
        if dtypes:
            metadata["dtypes"] = dtypes
        if len(text) > _MAX_METADATA:  # the header of a file is limited
            arrays[_DATA] = np.frombuffer(text.encode(), np.uint8)
        else:
            metadata["data"] = text
        kind = _KINDS[state.finished]
        with atomic_write(self.folder / f"{kind}-{state.number:012d}.safetensors") as temporary:
            write_tensors(temporary, arrays, metadata)
            # A state that cannot be read must not replace one that can.
            try:
                _read_content(temporary, repr(str(temporary)))
            except ValueError as error:
                raise OSError(f"what was written cannot be read again. {error}") from error
            if not state.finished:
                # The end of an earlier run, whose states were deleted or damaged.
                for path in self.files("finished"):
                    if int(path.name[-24:-12]) >= state.number:
                        path.unlink(missing_ok=True)
        # Only now, when the new state is complete.
        for path in self.files(kind)[: -self.keep]:
            path.unlink(missing_ok=True)

    def read_newest(self) -> TrainingState | None:
        """Reads the latest undamaged state; returns None if there are no states.

        Warns:
            UserWarning: later files are damaged.

        Raises:
            ValueError: all files are damaged.
        """
        paths = self.files()
        if not paths:
            return None
        errors: list[str] = []
        for path in reversed(paths):
            try:
                state = read_state(path)
            except (ValueError, OSError) as error:
                errors.append(str(error).split("\n")[0])
                continue
            if errors:
                warnings.warn(
                    f"The newest state in {str(self.folder)!r} is damaged. Training resumes from "
                    f"the one before it, {path.name!r}. " + " ".join(errors),
                    stacklevel=user_stacklevel(),
                )
            return state
        raise ValueError(
            f"All states in {str(self.folder)!r} are damaged. {' '.join(errors)}\n"
            "Delete the directory to start training again."
        )

    def read_finished(self, number: int) -> TrainingState | None:
        """Returns the final state that was written after the state `number`, if undamaged."""
        for path in self.files("finished"):
            if path.name == f"finished-{number:012d}.safetensors":
                with contextlib.suppress(ValueError, OSError):
                    return read_state(path)
        return None

    def clear(self) -> None:
        """Removes all states."""
        for kind in _KINDS:
            for path in self.files(kind):
                path.unlink(missing_ok=True)


def read_state(path: Path) -> TrainingState:
    """Reads a state from a file.

    Raises:
        ValueError: the file is damaged or not a state of training.
    """
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{str(path)!r} is not a state of training.")
    arrays, data = _read_content(path, repr(str(path)))
    return TrainingState(int(match[2]), arrays, data, match[1] == "finished")


def _read_content(path: Path, name: str) -> tuple[dict[str, np.ndarray], Any]:
    """Returns the arrays and the JSON data of a file; `name` is its name in messages."""
    from safetensors import safe_open

    with validation.wrap_read_errors(name), safe_open(path, "np") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != _FORMAT:
            raise ValueError(f"{name} is not a state of training.")
        arrays = {key: file.get_tensor(key) for key in file.keys()}
        stored = arrays.pop(_DATA, None)
        text = metadata["data"] if stored is None else stored.tobytes().decode()
        dtypes = metadata.get("dtypes", "")
        if _checksum(arrays, text, dtypes) != metadata["sha256"]:
            raise ValueError(f"{name} is damaged: its checksum does not match.")
        data = validation.read_json(text, name, _MAX_DATA)
        return _from_native(arrays, dtypes, name), data


def _to_native(arrays: dict[str, Any]) -> tuple[dict[str, np.ndarray], str]:
    """Returns arrays that safetensors files can hold, and the dtypes and shapes of others as JSON.

    Arrays of other dtypes (such as big-endian, float8 and int4) are stored as bytes.
    """
    native: dict[str, np.ndarray] = {}
    others: dict[str, Any] = {}
    for name, given in arrays.items():
        array = np.asarray(given, order="C")
        if array.dtype.name not in _NATIVE or not array.dtype.isnative:
            # Types of `ml_dtypes` have kinds and codes that mean nothing to NumPy.
            is_numpy = array.dtype.type.__module__ == "numpy"
            dtype = array.dtype.str if is_numpy else array.dtype.name
            others[name] = [dtype, list(array.shape)]
            array = np.frombuffer(array.tobytes(), np.uint8)
        native[name] = array
    return native, json.dumps(others) if others else ""


def _from_native(arrays: dict[str, np.ndarray], dtypes: str, name: str) -> dict[str, np.ndarray]:
    if not dtypes:
        return arrays
    others = {
        key: arrays[key].view(_parse_dtype(dtype)).reshape(shape)
        for key, (dtype, shape) in validation.read_json(dtypes, name, _MAX_DATA).items()
    }
    return {**arrays, **others}


def _parse_dtype(text: str) -> np.dtype[Any]:
    if _NUMPY_DTYPE.fullmatch(text):
        return np.dtype(text)
    # Not `getattr` with any name: the text comes from a file.
    found = vars(ml_dtypes).get(text)
    if _SMALL_DTYPE.fullmatch(text) and isinstance(found, type):
        dtype: np.dtype[Any] = np.dtype(found)
        return dtype
    raise ValueError(f"unknown dtype {text!r}")


def _checksum(arrays: dict[str, np.ndarray], text: str, dtypes: str) -> str:
    digest = hashlib.sha256((text + dtypes).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.name} {array.shape}".encode())
        # bfloat16 does not support the buffer protocol.
        is_bfloat16 = array.dtype == ml_dtypes.bfloat16
        digest.update(np.ascontiguousarray(array.view(np.uint16) if is_bfloat16 else array).data)
    return digest.hexdigest()


def _lock_file(file: Any) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
