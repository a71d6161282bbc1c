"""Reads pickled NumPy arrays without executing anything that a file names.

The archives of CIFAR are pickles, and those of IMDB and Reuters contain lists of different lengths,
which NumPy stores as a pickle inside the .npz file. Such a pickle refers to three functions and
classes of NumPy. They are replaced by the functions and classes of this module, so that a modified
file can neither import a module nor call a function.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from cornu.saving.validation import open_zip, read_zip_member

__all__ = ["load_npz", "load_pickle"]


def load_pickle(path: Path) -> dict[str, Any]:
    """Loads a pickled dict of arrays, lists and numbers, with `bytes` for strings of Python 2.

    Raises:
        ValueError: the file contains anything else, or is damaged.
    """
    with open(path, "rb") as file:
        content = _unpickle(file, str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{str(path)!r} does not contain a dict, but {type(content).__name__}.")
    return {
        key.decode("ascii", "replace") if isinstance(key, bytes) else str(key): value
        for key, value in content.items()
    }


def load_npz(path: Path) -> dict[str, np.ndarray]:
    """Loads the arrays of an .npz file; arrays of type object may contain lists of numbers.

    Raises:
        ValueError: an array contains anything else, or the file is damaged.
    """
    arrays = {}
    with open_zip(path, str(path)) as archive:
        for member in archive.namelist():
            arrays[member.removesuffix(".npy")] = _load_member(archive, member, str(path))
    return arrays


def _load_member(archive: zipfile.ZipFile, member: str, name: str) -> np.ndarray:
    file = io.BytesIO(read_zip_member(archive, member))
    version = np.lib.format.read_magic(file)
    # NumPy writes version 3 only for the names of structured types.
    readers: Any = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"{name}, {member}: .npy version {version} is not supported.")
    shape, _, dtype = readers[version](file)
    if not dtype.hasobject:
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    content = _unpickle(file, f"{name}, {member}")
    if not isinstance(content, np.ndarray) or content.shape != shape:
        raise ValueError(f"{name}, {member}: the array does not have the shape {shape}.")
    return content


class _Type:
    """Stands for `numpy.dtype` in a pickle."""

    def __init__(self, code: str | bytes, align: int = 0, copy: int = 1) -> None:
        self.code = code.decode("ascii") if isinstance(code, bytes) else str(code)
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else str(order)

    def to_numpy(self) -> np.dtype[Any]:
        if self.code[:1] not in "biufO":
            raise pickle.UnpicklingError(f"arrays of type {self.code!r} are not supported")
        return np.dtype(self.order + self.code if self.order in "<>" else self.code)


class _Array:
    """Stands for `numpy.ndarray` in a pickle: receives the shape, the type and the content."""

    value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Type):
            raise pickle.UnpicklingError("an array has no type")
        numpy_type, size = dtype.to_numpy(), math.prod(shape)
        if numpy_type.hasobject:
            if len(content) != size:
                raise pickle.UnpicklingError(f"{len(content)} elements for shape {shape}")
            array = np.empty(size, "object")
            for i, element in enumerate(content):
                array[i] = _resolve(element)
        else:
            array = np.frombuffer(content, numpy_type)
        self.value = array.reshape(shape, order="F" if fortran else "C")


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> _Array:
    """Stands for NumPy's function, whose result gets its shape from `__setstate__`."""
    return _Array()


_GLOBALS = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # NumPy 1
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that finds only the functions and classes of this module."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in _GLOBALS:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is not a part of an array")
        return _GLOBALS[module_name, global_name]


def _unpickle(file: IO[bytes], name: str) -> Any:
    try:
        # Strings of Python 2 hold the bytes of arrays.
        return _resolve(_Unpickler(file, encoding="bytes").load())
    # A damaged pickle raises almost any exception.
    except Exception as error:
        raise ValueError(f"{name} is not a file of this dataset: {error}") from error


def _resolve(value: Any) -> Any:
    """Replaces the stand-ins of arrays by arrays, in lists and dicts, too."""
    if isinstance(value, _Array):
        if value.value is None:
            raise pickle.UnpicklingError("an array has no content")
        return value.value
    if isinstance(value, dict):
        return {key: _resolve(entry) for key, entry in value.items()}
    if isinstance(value, _Type):
        raise pickle.UnpicklingError("a type outside of an array")
    return value
