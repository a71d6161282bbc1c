"""Sources of data for a method: arrays of several libraries, and streams of batches."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

import cornu
from tests.attacks.wrong_data.faults import Data, Fault
from tests.attacks.wrong_data.models import BATCHES, ROWS


def _unchanged(x: Any) -> Any:
    return x


def batches_with(fault: Fault, data: Data, at: int, change: Callable[[Data], Any]) -> list[Any]:
    """Returns batches; `change` is applied to number `at`."""
    made = [select_rows(data, slice(i * ROWS, (i + 1) * ROWS)) for i in range(BATCHES)]
    # A fault such as another dtype is one of all batches.
    numbers = range(BATCHES) if fault.whole and fault.means is not None else (at,)
    for i in numbers:
        made[i] = change(made[i])
    # All batches have weights, or none has.
    if fault.part == "weight":
        ones = np.ones(ROWS, "float32")
        made = [d._replace(weight=ones) if d.weight is None else d for d in made]
    return made


def select_rows(data: Data, rows: slice) -> Data:
    def cut(part: Any) -> Any:
        if part is None:
            return None
        return tuple(p[rows] for p in part) if isinstance(part, tuple) else part[rows]

    return Data(*map(cut, data))


def pack(data: Any, inputs_only: bool) -> Any:
    x, y, weight = data
    if inputs_only:
        return (x,)
    return (x, y) if weight is None else (x, y, weight)


def _on_device(x: Any) -> Any:
    made = jnp.asarray(x)
    if x.dtype.kind in "iu" and not np.array_equal(made, x):
        raise TypeError("JAX keeps only the lowest 32 bits")
    return made


class _Again:
    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Any:
        return iter(self._batches)


class _ListLike:
    def __init__(self, batches: list[Any]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


class _Dataset(cornu.utils.PyDataset):
    def __init__(self, batches: list[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


def _tensorflow(batches: list[Any]) -> Any:
    import tensorflow as tf

    if len({str(_map(lambda x: np.asarray(x).dtype, batch)) for batch in batches}) > 1:
        raise TypeError("TensorFlow converts all batches to one dtype")

    specs = tf.nest.map_structure(
        lambda x: tf.TensorSpec(
            None if len({np.ndim(x)}) > 1 else [None] * np.ndim(x), np.asarray(x).dtype
        ),
        batches[0],
    )
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=specs)


def _torch(batches: list[Any]) -> Any:
    import torch

    def tensors(part: Any) -> Any:
        return tuple(map(tensors, part)) if isinstance(part, tuple) else torch.from_numpy(part)

    return torch.utils.data.DataLoader(
        [tensors(batch) for batch in batches], batch_size=None, collate_fn=_unchanged
    )


def _grain(batches: list[Any]) -> Any:
    import grain

    return grain.MapDataset.source(batches).to_iter_dataset()


STREAMS: dict[str, Callable[[list[Any]], Any]] = {
    "generator": lambda batches: (batch for batch in batches),
    "iterable": _Again,
    "list-like": _ListLike,
    "PyDataset": _Dataset,
    "PyDataset, threads": lambda batches: _Dataset(batches, workers=2),
    "tf.data": _tensorflow,
    "torch DataLoader": _torch,
    "grain": _grain,
    "jax arrays": lambda batches: _Again([_map(_on_device, batch) for batch in batches]),
}
# Sources that hold arrays of numbers only.
TYPED = ("tf.data", "torch DataLoader", "grain", "jax arrays")


def _map(convert: Callable[[Any], Any], part: Any) -> Any:
    if isinstance(part, tuple):
        return tuple(_map(convert, item) for item in part)
    if isinstance(part, dict):
        return {key: _map(convert, item) for key, item in part.items()}
    return None if part is None else convert(part)


def _mapped(x: Any) -> Any:
    folder = tempfile.mkdtemp(dir=_folder().name)
    np.save(f"{folder}/x.npy", x)
    return np.load(f"{folder}/x.npy", mmap_mode="r")


def _stored(x: Any) -> Any:
    import h5py

    folder = tempfile.mkdtemp(dir=_folder().name)
    with h5py.File(f"{folder}/x.h5", "w") as file:
        file["x"] = x
    return h5py.File(f"{folder}/x.h5", "r")["x"]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cornu-attacks-")


def _tensor(x: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x))


def _constant(x: Any) -> Any:
    import tensorflow as tf

    return tf.constant(x)


ARRAYS: dict[str, Callable[[Any], Any]] = {
    "arrays": _unchanged,
    "lists": lambda x: x.tolist(),
    "memmap": _mapped,
    "h5py": _stored,
    "torch tensors": _tensor,
    "tf tensors": _constant,
}
