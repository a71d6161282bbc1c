"""Conversion of user data to nested arrays of numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jax
import numpy as np

from cornu.core.sparse.arrays import is_sparse, to_rows
from cornu.core.state.dtypes import is_narrow, narrowed
from cornu.data import frames
from cornu.data.lazy_columns import Column, Sparse, column_of
from cornu.errors import quantity
from cornu.foreign import is_a, library_of
from cornu.types import DataLike, PyTree

__all__ = ["as_arrays", "is_array"]


def as_arrays(
    structure: PyTree,
    what: str,
    names: tuple[str, ...] = (),
    lazy: bool = True,
    sparse: bool = False,
) -> Any:
    """Converts a nested structure to arrays; each list of numbers becomes one array.

    Args:
        structure: arrays, tensors of other libraries, frames or lists of numbers, arbitrarily
            nested.
        what: the name of the structure in error messages.
        names: the names of the model's inputs or outputs, which are matched with the columns of
            a frame.
        lazy: whether arrays in files and sparse matrices become a Column, which reads the rows of
            each batch, rather than an array.
        sparse: whether sparse matrices become SparseRows, or a Column of them, rather than dense
            arrays.
    """
    if structure is None:
        return None
    if type(structure) is np.ndarray:  # before other classes: most batches consist of these
        if lazy:
            return _as_array_or_column(structure, what, lazy)
        return structure if is_narrow(structure.dtype) else _as_array(structure, what)
    library = library_of(structure)
    if library in _TENSORS and is_a(structure, library, "Tensor"):
        return _as_array(_TENSORS[library](structure, what), what)
    if isinstance(structure, dict):
        return {
            key: as_arrays(item, f"{what}[{key!r}]", lazy=lazy, sparse=sparse)
            for key, item in structure.items()
        }
    if isinstance(structure, (list, tuple)) and any(is_array(item) for item in structure):
        items = enumerate(structure)
        return _rebuild(
            structure,
            [as_arrays(s, f"{what}[{i}]", lazy=lazy, sparse=sparse) for i, s in items],
        )
    if isinstance(structure, jax.Array):
        return structure
    if sparse and is_sparse(structure):
        column = column_of(structure) if lazy and structure.ndim == 2 else None
        return column.as_rows() if isinstance(column, Sparse) else to_rows(structure)
    if sparse and isinstance(structure, Sparse):
        return structure.as_rows()
    if isinstance(structure, np.ma.MaskedArray):
        structure = _unmasked(structure, what)
    if frames.is_frame(structure) or frames.is_series(structure):
        return frames.arrays_of(structure, what, names)
    _check_is_data(structure, what)
    if library in _TENSORS:
        structure = _TENSORS[library](structure, what)
    return _as_array_or_column(structure, what, lazy)


def _rebuild(structure: PyTree, items: list[Any]) -> Any:
    kind = type(structure)
    return kind(*items) if hasattr(structure, "_fields") else kind(items)


def _as_array_or_column(value: Any, what: str, lazy: bool) -> np.ndarray | Column:
    column = column_of(value)
    if column is None:
        return _as_array(value, what)
    return column if lazy else np.asarray(column)


def _as_array(value: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{what} is ragged: its rows have different lengths and do not form an array.\n"
            "Pad it, for example with cornu.utils.pad_sequences."
        ) from error
    if array.dtype.kind == "O":
        array = frames.stacked(array, what)
    # The dtypes of `ml_dtypes` have kind V, too, but are registered with NumPy (`isbuiltin` is 2).
    if array.dtype.kind in "OUSMm" or (array.dtype.kind == "V" and array.dtype.isbuiltin != 2):
        raise TypeError(
            f"{what} contains {frames.contents(array)}, not numbers. Convert it to numbers first: "
            "categories to integers, texts to token ids, None to finite values."
        )
    return narrowed(array)


def _unmasked(array: Any, what: str) -> np.ndarray:
    """Returns the values of a masked array.

    Raises:
        ValueError: values are masked.
    """
    count = int(np.count_nonzero(np.ma.getmaskarray(array)))
    if count:
        raise ValueError(
            f"{what} is a masked array with {quantity(count, 'masked value')}, which have no "
            f"numbers.\nFill them ({what}.filled(0.0)) or drop their rows; for missing time steps, "
            "fill them with the mask_value of a Masking layer."
        )
    values: np.ndarray = np.ma.getdata(array)
    return values


def _check_is_data(value: Any, what: str) -> None:
    """Raises a TypeError for objects that are passed by mistake, such as paths and functions."""
    if isinstance(value, (str, os.PathLike)):
        kind = "string" if isinstance(value, str) else "path"
        raise TypeError(
            f"{what} is the {kind} {str(value)!r:.80}, not data.\nIf it is the path of a file, "
            "read the file first (numpy.load, numpy.loadtxt, pandas.read_csv)."
        )
    if isinstance(value, (bytes, bytearray)):
        raise TypeError(
            f"{what} consists of {quantity(len(value), 'byte')}, not of numbers.\nDecode them: "
            "numpy.frombuffer(data, dtype).reshape(shape), or numpy.load(io.BytesIO(data))."
        )
    if isinstance(value, (set, frozenset)):
        raise TypeError(
            f"{what} is a {type(value).__name__}, which has no order: rows cannot be matched with "
            "other arrays.\nPass a list or an array."
        )
    if isinstance(value, Iterator):
        raise TypeError(
            f"{what} is a {type(value).__name__}; expected an array or a list of numbers.\nA "
            "generator yields whole batches (x, y); collect single rows first: np.array(list(...))."
        )
    if isinstance(value, (bool, np.bool_)) or value is ... or isinstance(value, ModuleType):
        raise TypeError(
            f"{what} is {value!r:.80}; expected an array with one row per sample.\nCheck the order "
            "of the arguments."
        )
    if isinstance(value, type):
        raise TypeError(
            f"{what} is the class {value.__name__!r}, not data.\nPass an instance: "
            f"{value.__name__}(...)."
        )
    if callable(value) and not hasattr(value, "__array__"):
        name = getattr(value, "__name__", type(value).__name__)
        raise TypeError(
            f"{what} is the function {name!r}, not data.\nIf it returns a generator, call it: "
            f"fit({name}(), ...)."
        )


def is_array(item: Any) -> bool:
    """Whether an item of a list is an array by itself, rather than a number or a row of numbers."""
    return (
        isinstance(item, (np.ndarray, jax.Array, dict))
        or (hasattr(item, "__array__") and not isinstance(item, np.generic))
        or frames.is_frame(item)
        or is_sparse(item)
        or is_a(item, "tensorflow", "RaggedTensor", "SparseTensor")
        or (isinstance(item, (list, tuple)) and any(is_array(inner) for inner in item))
    )


# ----------------------------------------------------------------------- tensors of other libraries


def _from_torch(x: DataLike, what: str) -> Any:
    if not is_a(x, "torch", "Tensor"):
        return x
    x = x.detach().cpu()
    if x.is_sparse:
        x = x.to_dense()
    # PyTorch conjugates and negates lazily, which `Tensor.numpy` does not support.
    x = x.resolve_conj().resolve_neg()
    torch = sys.modules["torch"]
    if x.dtype is torch.bfloat16:  # Tensor.numpy does not support bfloat16
        return x.contiguous().view(torch.int16).numpy().view(jax.numpy.bfloat16)
    return x.numpy()


def _from_tensorflow(x: DataLike, what: str) -> Any:
    if is_a(x, "tensorflow", "RaggedTensor"):
        raise ValueError(
            f"{what} is a RaggedTensor of shape {x.shape}: its rows have different lengths and do "
            "not form an array.\nPad it: dataset.map(lambda x, y: (x.to_tensor(), y)), or "
            "padded_batch instead of batch. With Input((None, ...)) batches may differ in length."
        )
    if is_a(x, "tensorflow", "SparseTensor"):
        import tensorflow

        x = tensorflow.sparse.to_dense(x)
    # Unlike `x.numpy()`, without a copy; the array cannot be written to.
    return np.asarray(x) if hasattr(x, "__array__") else x


_TENSORS = {"torch": _from_torch, "tensorflow": _from_tensorflow}
