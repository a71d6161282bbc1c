"""From what the user passes as x, y and sample_weight to a source of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np

from cornu import tree
from cornu.data.arrays import Arrays
from cornu.data.stream import Stream

__all__ = ["adapt", "as_arrays", "is_stream", "split", "weights_of_classes"]


def is_stream(x: Any) -> bool:
    """Tells whether data comes as batches rather than as arrays."""
    if isinstance(x, (np.ndarray, jax.Array, dict, list, tuple, str, bytes)) or x is None:
        return False
    if hasattr(x, "__array__") or hasattr(x, "iloc"):
        return False
    return isinstance(x, Iterable) or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def adapt(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    prepare: Callable[[Any], Any] = lambda batch: batch,
) -> Arrays | Stream:
    """Makes a source of batches `(x, y, sample_weight)`.

    Args:
        x, y, sample_weight: nested arrays; or x alone, an iterable of batches.
        batch_size: rows of a batch of array data, 32 by default.
        steps: batches of an epoch, for iterables.
        shuffle: whether the order changes with each epoch.
        seed: of the order.
        prepare: applied to `(x, y, sample_weight)`, of all data or of each batch.
    """
    if is_stream(x):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"x is an iterable of batches ({type(x).__name__}), so that y and sample_weight "
                "must come with its batches: (x, y) or (x, y, sample_weight)."
            )
        if batch_size is not None:
            raise ValueError(
                f"x is an iterable of batches ({type(x).__name__}), which decides on the batch "
                "size: do not pass `batch_size`."
            )
        return Stream(x, steps, lambda batch: prepare(_three(batch)), shuffle, seed)
    if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
        raise ValueError(f"batch_size must be an integer from 1 on. Received: {batch_size!r}")
    structure = prepare((as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(sample_weight, "weight")))
    return Arrays(structure, int(batch_size or 32), shuffle, seed)


def _three(batch: Any) -> Any:
    if not isinstance(batch, (tuple, list)) or isinstance(batch, list) and len(batch) > 3:
        batch = (batch,)
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"A batch is x, (x, y) or (x, y, sample_weight). Received a tuple of {len(batch)}.\n"
            "Several inputs are one list or dict: ([a, b], y)."
        )
    x, y, weight = (*batch, None, None)[:3]
    return as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(weight, "sample_weight")


def as_arrays(structure: Any, what: str) -> Any:
    """Returns nested arrays; lists of numbers become one array each."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: as_arrays(item, f"{what}[{key!r}]") for key, item in structure.items()}
    if isinstance(structure, (list, tuple)) and any(_is_array(item) for item in structure):
        return type(structure)(as_arrays(item, f"{what}[{i}]") for i, item in enumerate(structure))
    if isinstance(structure, jax.Array):
        return structure
    if isinstance(structure, (str, bytes)):
        raise TypeError(
            f"{what} is the text {structure!r}, not data.\nIf it names a file, read that first "
            "(numpy.load, numpy.loadtxt, pandas.read_csv)."
        )
    try:
        array = np.asarray(structure)
    except ValueError as error:
        raise ValueError(
            f"{what} is ragged: its rows have different lengths, so that it is no array.\n"
            "Pad it, for example with cornu.utils.pad_sequences."
        ) from error
    if array.dtype.kind in "OUSV":
        raise TypeError(
            f"{what} holds {_kind(array)}, not numbers{_columns(structure)}. Turn it into numbers "
            "first: categories into integers, texts into ids, None into NaN-free values."
        )
    if array.dtype.kind == "f" and array.dtype == np.float64 and not jax.config.jax_enable_x64:
        array = array.astype("float32")
    return array


def _is_array(item: Any) -> bool:
    return (
        isinstance(item, (np.ndarray, jax.Array, dict))
        or hasattr(item, "__array__")
        or (isinstance(item, (list, tuple)) and any(_is_array(inner) for inner in item))
    )


def _columns(frame: Any) -> str:
    """Names the columns of a DataFrame that hold no numbers."""
    if not hasattr(frame, "columns") or not hasattr(frame, "__getitem__"):
        return ""
    wrong = [str(name) for name in frame.columns if np.asarray(frame[name]).dtype.kind in "OUSV"]
    return f", in the columns {', '.join(wrong)}" if wrong else ""


def _kind(array: np.ndarray) -> str:
    if array.dtype.kind in "US":
        return "strings"
    kinds = sorted({type(item).__name__ for item in array.ravel()[:1000]})
    return f"objects ({', '.join(kinds[:3])})"


def split(structure: Any, fraction: float) -> tuple[Any, Any]:
    """Splits nested arrays: the last `fraction` of the rows is the second part."""
    if not 0 < fraction < 1:
        hint = f"\nWrite {fraction / 100} for {fraction} percent." if 1 < fraction <= 100 else ""
        raise ValueError(f"validation_split lies between 0 and 1. Received: {fraction!r}{hint}")
    leaves = [leaf for leaf in tree.leaves(structure) if leaf is not None]
    count = len(leaves[0])
    at = int(np.floor(count * (1.0 - fraction)))
    if at == 0 or at == count:
        raise ValueError(
            f"validation_split={fraction} of {count} rows leaves one part without any."
        )
    first = jax.tree_util.tree_map(lambda a: a[:at], structure)
    return first, jax.tree_util.tree_map(lambda a: a[at:], structure)


def weights_of_classes(y: Any, class_weight: dict[int, float], name: str) -> np.ndarray:
    """Returns the weight of each row from that of its class.

    Args:
        y: integer labels `(batch,)` or `(batch, 1)`, or one-hot `(batch, classes)`.
        class_weight: a weight for each class; classes that are not named weigh 1.
        name: of the output, for messages.
    """
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        if labels.ndim > 2:
            raise ValueError(
                f"class_weight of output {name!r} needs one class per row; "
                f"y has the shape {labels.shape}. Use sample_weight."
            )
        labels = labels.argmax(-1)
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] != 1:
        raise ValueError(
            f"class_weight of output {name!r} needs one class per row; y has the shape "
            f"{np.shape(y)}. Use sample_weight."
        )
    labels = labels[:, 0].astype(int)
    if labels.size and labels.min() < 0:
        raise ValueError(f"class_weight of output {name!r}: labels below 0.")
    table = np.ones(max(int(labels.max(initial=0)), *class_weight) + 1, "float32")
    for label, weight in class_weight.items():
        table[int(label)] = weight
    return table[labels]
