"""From what the user passes as x, y and sample_weight to a source of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from cornu.data import frames
from cornu.data.arrays import Arrays
from cornu.data.binding import NAMELESS, Names, bind_batch, bind_frame
from cornu.data.columns import column_of
from cornu.data.grain import Grain
from cornu.data.huggingface import HuggingFace, column_of_table, columns_of_table
from cornu.data.indexed import Indexed
from cornu.data.kinds import is_a, named
from cornu.data.stateful import Stateful
from cornu.data.stream import Stream
from cornu.data.tensorflow import TensorFlow
from cornu.data.values import as_arrays

__all__ = ["adapt", "is_stream", "parts_of"]

# Libraries whose objects give batches, by the names of the classes.
_STREAMS: tuple[tuple[str, tuple[str, ...], type[Stream]], ...] = (
    ("tensorflow", ("DatasetV1", "DatasetV2"), TensorFlow),
    ("grain", ("MapDataset", "IterDataset", "DataLoader"), Grain),
)
_TABLES = ("Dataset", "DatasetDict", "IterableDatasetDict")


def is_stream(x: Any) -> bool:
    """Tells whether data comes as batches rather than as arrays."""
    if isinstance(x, (np.ndarray, jax.Array, dict, list, tuple, str, bytes)) or x is None:
        return False
    if is_a(x, "datasets", "IterableDataset"):
        return True
    if _is_table(x) or _is_table_column(x) or frames.is_frame(x) or frames.is_series(x):
        return False
    if hasattr(x, "__array__") or column_of(x) is not None:
        return False
    if is_a(x, "tensorflow", "RaggedTensor", "SparseTensor"):
        return False
    return isinstance(x, Iterable) or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _is_table(x: Any) -> bool:
    return is_a(x, "datasets", *_TABLES)


def _is_table_column(x: Any) -> bool:
    return is_a(x, "datasets", "Column")


def adapt(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    prepare: Callable[[Any], Any] = lambda batch: batch,
    names: Names = NAMELESS,
    again: bool = False,
) -> Arrays | Stream:
    """Makes a source of batches `(x, y, sample_weight)`.

    Args:
        x, y, sample_weight: nested arrays; or x alone, which gives batches or has columns.
        batch_size: rows of a batch of data that has rows, 32 by default.
        steps: batches of an epoch.
        shuffle: whether the order changes with each epoch.
        seed: of the order.
        prepare: applied to `(x, y, sample_weight)`, of all data or of each batch.
        names: of the model's inputs and outputs, which columns bind to.
        again: whether data that ends before `steps` begins anew.
    """
    _check_size("batch_size", batch_size)
    _check_size("steps", steps)
    if not is_stream(x):
        structure = prepare(parts_of(x, y, sample_weight, names))
        return Arrays(structure, int(batch_size or 32), shuffle, seed, steps, again)
    rows = is_a(x, "datasets", "IterableDataset")
    _check_alone(x, y, sample_weight, None if rows else batch_size, rows)
    if rows:
        size = int(batch_size or 32)

        def read(batch: Any) -> Any:
            return _arrays(bind_batch(batch, names, y, sample_weight))

        return HuggingFace(x, steps, read, prepare, again, size)

    def three(batch: Any) -> Any:
        return _three(batch, names)

    for library, kinds, source in _STREAMS:
        if is_a(x, library, *kinds):
            return source(x, steps, three, prepare, again)
    if is_a(x, "datasets", "IterableColumn"):
        raise TypeError(
            "x is a column of a Hugging Face IterableDataset, which gives single values. Pass the "
            "dataset itself, and the names of the columns: fit(dataset, 'label')."
        )
    if is_a(x, "torch", "Dataset"):
        raise TypeError(
            f"x is a {named(x)}, which gives single samples. Wrap it in "
            "torch.utils.data.DataLoader(dataset, batch_size=32), which makes batches of them."
        )
    if hasattr(x, "state_dict") and hasattr(x, "load_state_dict"):
        return Stateful(x, steps, three, prepare, again)
    if hasattr(x, "__getitem__") and (hasattr(x, "__len__") or hasattr(x, "num_batches")):
        return Indexed(x, steps, three, prepare, again, shuffle, seed)
    return Stream(x, steps, three, prepare, again)


def _check_size(name: str, size: Any) -> None:
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if size is not None and (not whole or size < 1):
        raise ValueError(f"{name} must be an integer from 1 on. Received: {size!r}")


def _check_alone(x: Any, y: Any, weight: Any, batch_size: Any, rows: bool) -> None:
    """Refuses what cannot stand beside data that gives batches."""
    kind = type(x).__name__
    if rows and not all(
        part is None or isinstance(part, (str, list, dict)) for part in (y, weight)
    ):
        raise ValueError(
            f"x is a {named(x)}, so that y and sample_weight are names of its columns, or missing."
        )
    if not rows and (y is not None or weight is not None):
        raise ValueError(
            f"x is an iterable of batches ({kind}), so that y and sample_weight "
            "must come with its batches: (x, y) or (x, y, sample_weight)."
        )
    if batch_size is not None:
        raise ValueError(
            f"x is an iterable of batches ({kind}), which decides on the batch "
            "size: do not pass `batch_size`."
        )


def parts_of(x: Any, y: Any, weight: Any, names: Names) -> Any:
    """Returns `(x, y, sample_weight)` as nested arrays and Columns, of data that has rows."""
    if _is_table(x):
        return columns_of_table(x, names, y, weight)
    if frames.is_frame(x):
        x, y, weight = bind_frame(x, y, weight)
    return _arrays((x, y, weight), names)


def _arrays(parts: Any, names: Names = NAMELESS) -> Any:
    x, y, weight = (_read_columns(part) for part in parts)
    return (
        as_arrays(x, "x", names.inputs),
        as_arrays(y, "y", names.outputs),
        as_arrays(weight, "sample_weight", names.outputs),
    )


def _read_columns(part: Any) -> Any:
    """Replaces `dataset["name"]` by a Column."""
    if _is_table_column(part):
        return column_of_table(part)
    if isinstance(part, dict):
        return {key: _read_columns(item) for key, item in part.items()}
    if isinstance(part, (list, tuple)) and any(_is_table_column(item) for item in part):
        return [_read_columns(item) for item in part]
    return part


def _three(batch: Any, names: Names) -> Any:
    """Returns the arrays `(x, y, sample_weight)` of a batch."""
    if isinstance(batch, dict) and names.inputs:
        bound = bind_batch(batch, names)
        batch = (batch,) if bound[1] is None and bound[2] is None else bound
    if not isinstance(batch, (tuple, list)) or isinstance(batch, list) and len(batch) > 3:
        batch = (batch,)
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"A batch is x, (x, y) or (x, y, sample_weight). Received a tuple of {len(batch)}.\n"
            "Several inputs are one list or dict: ([a, b], y)."
        )
    return _arrays((*batch, None, None)[:3], names)
