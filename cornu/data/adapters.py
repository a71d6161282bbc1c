"""Converts x, y and sample_weight to a source of batches.

`identify` determines the kind of `x` with a table of kinds. Some kinds have rows, from which
batches are formed; the others are iterables of batches.
"""

from __future__ import annotations

import array
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import frames
from cornu.data.column_names import NAMELESS, Names, bind_batch, bind_frame
from cornu.data.conversion import as_arrays
from cornu.data.lazy_columns import column_of
from cornu.data.packing import unpack_batch, with_count
from cornu.data.pydataset import PyDataset
from cornu.data.sources.arrays import Arrays
from cornu.data.sources.grain import Grain
from cornu.data.sources.huggingface import HuggingFace, column_of_table, columns_of_table
from cornu.data.sources.indexed import Indexed
from cornu.data.sources.stateful import Stateful
from cornu.data.sources.stream import Prepare, Stream, keep_structure
from cornu.data.sources.tensorflow import TensorFlow
from cornu.data.splits import split
from cornu.data.strings import is_list_of_strings
from cornu.errors import is_positive_integer
from cornu.foreign import describe_class, is_a
from cornu.types import DataLike, PyTree

__all__ = ["DataInput", "ReadOptions", "adapt", "identify", "is_batched"]

_BATCH_SIZE = 32


class ReadOptions(NamedTuple):
    """How batches are read.

    Attributes:
        batch_size: rows per batch, for data with rows; 32 by default.
        steps: batches per epoch.
        shuffle: whether the order changes with each epoch.
        seed: the seed of the order.
        prepare: changes the structure of `(x, y, sample_weight)`, of all data or of each batch.
        names: the names of the model's inputs and outputs, which are matched with columns.
        restart: whether to restart data that ends before `steps`.
        whole: whether all rows form one batch.
    """

    batch_size: int | None = None
    steps: int | None = None
    shuffle: bool = False
    seed: int = 0
    prepare: Prepare = keep_structure
    names: Names = NAMELESS
    restart: bool = False
    whole: bool = False


class DataKind(NamedTuple):
    """A kind of data.

    Attributes:
        name: a short description.
        matches: whether `x` is of this kind.
        open: creates the source, for iterables of batches; None for data with rows.
    """

    name: str
    matches: Callable[[Any], bool]
    open: Callable[[DataInput, ReadOptions], Stream] | None = None


@dataclass(frozen=True)
class DataInput:
    """The data that the user passed, and its kind.

    Attributes:
        x, y, sample_weight: the arguments.
        kind: the kind of `x`.
    """

    x: DataLike
    y: DataLike
    sample_weight: DataLike
    kind: DataKind

    @property
    def has_rows(self) -> bool:
        """Whether the data has rows rather than being an iterable of batches."""
        return self.kind.open is None

    def arrays(self, names: Names = NAMELESS) -> Any:
        """Returns `(x, y, sample_weight)` as nested arrays and Columns, for data with rows."""
        x, y, weight = self.x, self.y, self.sample_weight
        if not isinstance(x, (np.ndarray, jax.Array)):
            if _is_table(x):
                return columns_of_table(x, names, y, weight)
            if frames.is_frame(x):
                x, y, weight = bind_frame(x, y, weight)
        return _arrays((x, y, weight), names)

    def split(self, fraction: float, names: Names = NAMELESS) -> tuple[DataInput, DataInput]:
        """Splits off the last rows; returns the remaining data and the last rows.

        Args:
            fraction: the fraction of the rows in the second part.
            names: the names of the model's inputs and outputs.

        Raises:
            ValueError: the data is an iterable of batches, or one part would be empty.
        """
        if not self.has_rows:
            raise ValueError(
                f"validation_split needs arrays; x is an iterable of batches of unknown length "
                f"({type(self.x).__name__}).\nPass validation_data=another iterable."
            )
        (x, y, w), (last_x, last_y, last_w) = split(self.arrays(names), fraction)
        return DataInput(x, y, w, _ARRAYS), DataInput(last_x, last_y, last_w, _ARRAYS)

    def open(self, options: ReadOptions) -> Arrays | Stream:
        """Returns the source of batches."""
        _check_size("batch_size", options.batch_size)
        _check_size("steps", options.steps)
        if self.kind.open is not None:
            return self.kind.open(self, options)
        structure = options.prepare(self.arrays(options.names), is_known=False)
        return Arrays(
            structure,
            sys.maxsize if options.whole else int(options.batch_size or _BATCH_SIZE),
            options.shuffle,
            options.seed,
            options.steps,
            options.restart,
            options.whole,
        )


def identify(x: DataLike, y: DataLike = None, sample_weight: DataLike = None) -> DataInput:
    """Returns the data with its kind.

    Args:
        x: nested arrays, a table with columns, or an iterable of batches.
        y, sample_weight: nested arrays, or names of columns.
    """
    kind = next(kind for kind in _KINDS if kind.matches(x))
    return DataInput(x, y, sample_weight, kind)


def is_batched(x: DataLike) -> bool:
    """Whether data is an iterable of batches rather than having rows."""
    return not identify(x).has_rows


def adapt(
    x: DataLike,
    y: DataLike = None,
    sample_weight: DataLike = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    prepare: Prepare = keep_structure,
    names: Names = NAMELESS,
    restart: bool = False,
) -> Arrays | Stream:
    """Returns a source of batches `(x, y, sample_weight)`.

    Args:
        x, y, sample_weight: as for `identify`.
        batch_size, steps, shuffle, seed, prepare, names, restart: as for `ReadOptions`.
    """
    options = ReadOptions(batch_size, steps, shuffle, seed, prepare, names, restart)
    return identify(x, y, sample_weight).open(options)


# ------------------------------------------------------------------------------- kinds with rows


def _is_table(x: DataLike) -> bool:
    return is_a(x, "datasets", "Dataset", "DatasetDict", "IterableDatasetDict")


def _is_table_column(x: DataLike) -> bool:
    return is_a(x, "datasets", "Column")


# Sequences of numbers, and objects whose conversion to arrays raises an error that says what they
# are. All others that can be iterated are iterables of batches.
_PLAIN = (
    *(np.ndarray, jax.Array, dict, list, tuple, range, array.array, memoryview),
    *(str, os.PathLike, bytes, bytearray, set, frozenset, type),
)


def _is_plain(x: DataLike) -> bool:
    return x is None or isinstance(x, _PLAIN)


def _has_columns(x: DataLike) -> bool:
    return _is_table(x) or _is_table_column(x) or frames.is_frame(x) or frames.is_series(x)


def _is_array_like(x: DataLike) -> bool:
    tensors = is_a(x, "tensorflow", "RaggedTensor", "SparseTensor")
    return tensors or hasattr(x, "__array__") or column_of(x) is not None


def _is_not_iterable(x: DataLike) -> bool:
    """Whether x is not iterable; its conversion to arrays raises an error."""
    numbered = hasattr(x, "__getitem__") and hasattr(x, "__len__")
    return not isinstance(x, Iterable) and not numbered


# --------------------------------------------------------------------------- iterables of batches


def _is_numbered(x: DataLike) -> bool:
    return hasattr(x, "__getitem__") and (hasattr(x, "__len__") or hasattr(x, "num_batches"))


def _open_rows_in_order(data: DataInput, options: ReadOptions) -> Stream:
    """Opens a Hugging Face IterableDataset, an iterable of rows."""
    y, weight = data.y, data.sample_weight
    if not all(part is None or isinstance(part, (str, list, dict)) for part in (y, weight)):
        raise ValueError(
            f"x is a {describe_class(data.x)}: y and sample_weight must be names of its columns "
            "or None."
        )

    def read(batch: PyTree) -> Any:
        return _arrays(bind_batch(batch, options.names, y, weight), options.names, lazy=False)

    size = int(options.batch_size or _BATCH_SIZE)
    return HuggingFace(data.x, options.steps, read, options.prepare, options.restart, size)


def _open_with(source: type[Stream]) -> Callable[[DataInput, ReadOptions], Stream]:
    """Returns a function that opens data with a subclass of Stream."""

    def open_batches(data: DataInput, options: ReadOptions) -> Stream:
        _check_no_row_arguments(data, options)
        return source(
            data.x, options.steps, _reader(options.names), options.prepare, options.restart
        )

    return open_batches


def _open_numbered(data: DataInput, options: ReadOptions) -> Stream:
    _check_no_row_arguments(data, options)
    # As in Keras, a PyDataset that returns x gives a custom step `(x,)`.
    return Indexed(
        data.x,
        options.steps,
        _reader(options.names, isinstance(data.x, PyDataset)),
        options.prepare,
        options.restart,
        options.shuffle,
        options.seed,
        reads_in_threads=options.names.read is not None,
    )


def _reject_column(data: DataInput, options: ReadOptions) -> Stream:
    _check_no_row_arguments(data, options)
    raise TypeError(
        "x is a column of a Hugging Face IterableDataset, which yields single values. Pass the "
        "dataset itself and the names of the columns: fit(dataset, 'label')."
    )


def _reject_samples(data: DataInput, options: ReadOptions) -> Stream:
    _check_no_row_arguments(data, options)
    raise TypeError(
        f"x is a {describe_class(data.x)}, which yields single samples. Wrap it in "
        "torch.utils.data.DataLoader(dataset, batch_size=32) to form batches."
    )


_ARRAYS = DataKind("arrays", _is_plain)
# The first kind that matches is used.
_KINDS = (
    _ARRAYS,
    DataKind(
        "rows in order", lambda x: is_a(x, "datasets", "IterableDataset"), _open_rows_in_order
    ),
    DataKind("table", _has_columns),
    DataKind("array-like", _is_array_like),
    DataKind("not data", _is_not_iterable),
    DataKind(
        "tf.data",
        lambda x: is_a(x, "tensorflow", "DatasetV1", "DatasetV2"),
        _open_with(TensorFlow),
    ),
    DataKind(
        "grain",
        lambda x: is_a(x, "grain", "MapDataset", "IterDataset", "DataLoader"),
        _open_with(Grain),
    ),
    DataKind("single values", lambda x: is_a(x, "datasets", "IterableColumn"), _reject_column),
    DataKind("single samples", lambda x: is_a(x, "torch", "Dataset"), _reject_samples),
    DataKind(
        "loader with a state",
        lambda x: hasattr(x, "state_dict") and hasattr(x, "load_state_dict"),
        _open_with(Stateful),
    ),
    DataKind("numbered batches", _is_numbered, _open_numbered),
    DataKind("iterable of batches", lambda x: True, _open_with(Stream)),
)


# ----------------------------------------------------------------------------- reading and checks


def _check_size(name: str, size: Any) -> None:
    if size is not None and not is_positive_integer(size):
        raise ValueError(f"{name} must be a positive integer. Received: {size!r}")


def _check_no_row_arguments(data: DataInput, options: ReadOptions) -> None:
    """Raises a ValueError for y and weights of iterables of batches; batch_size is ignored."""
    kind = type(data.x).__name__
    if data.y is not None or data.sample_weight is not None:
        raise ValueError(
            f"x is an iterable of batches ({kind}): y and sample_weight must be part of the "
            "batches, (x, y) or (x, y, sample_weight)."
        )
    if options.batch_size is not None:
        warnings.warn(
            f"batch_size={options.batch_size} is ignored: the data is an iterable of batches "
            f"({kind}), which determines their size.",
            stacklevel=user_stacklevel(),
        )


def _arrays(parts: Any, names: Names = NAMELESS, lazy: bool = True) -> Any:
    x, y, weight = parts
    return (
        as_arrays(_read_columns(x), "x", names.inputs, lazy, names.sparse)
        if names.read is None
        else names.read(_read_columns(x, strings=True), "x", names.inputs, lazy),
        as_arrays(_read_columns(y), "y", names.outputs, lazy),
        as_arrays(_read_columns(weight), "sample_weight", names.outputs, lazy),
    )


def _read_columns(part: Any, strings: bool = False) -> Any:
    """Replaces `dataset["name"]` by a Column; `strings` tells whether it may have strings."""
    if part is None or isinstance(part, (np.ndarray, jax.Array)):
        return part
    if _is_table_column(part):
        return column_of_table(part, strings)
    if isinstance(part, dict):
        return {key: _read_columns(item, strings) for key, item in part.items()}
    if isinstance(part, (list, tuple)) and any(_is_table_column(item) for item in part):
        return [_read_columns(item, strings) for item in part]
    return part


def _reader(names: Names, packed: bool = False) -> Callable[[Any], Any]:
    """Returns a function that converts a batch to arrays `(x, y, sample_weight)`.

    Args:
        names: the names of the model's inputs and outputs.
        packed: whether a batch that is neither a tuple nor a dict counts as `(x,)`.
    """

    def read(batch: PyTree) -> Any:
        if isinstance(batch, dict) and names.inputs:
            bound = bind_batch(batch, names)
            if bound[1] is not None or bound[2] is not None:
                return _arrays(bound, names, lazy=False)
        # A long list is x itself: several inputs, or numbers.
        if not isinstance(batch, (tuple, list)) or isinstance(batch, list) and len(batch) > 3:
            arrays = _arrays((batch, None, None), names, lazy=False)
            return with_count(arrays, 1) if packed and not isinstance(batch, dict) else arrays
        arrays = _arrays(unpack_batch(batch), names, lazy=False)
        return with_count(arrays, len(batch))

    def read_with_strings(batch: PyTree) -> Any:
        # As torch and Python collect strings; a tuple of numbers would be (x, y, sample_weight).
        if is_list_of_strings(batch):
            batch = np.array(batch, object)
        return read(batch)

    return read if names.read is None else read_with_strings
