"""Data that has rows is split, whatever it is, and keeps its kind."""

from __future__ import annotations

import grain
import h5py
import jax.numpy as jnp
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import tensorflow as tf
import torch
from datasets import Dataset

from cornu.data import adapt
from cornu.data.lazy_columns import Column
from cornu.utils import split_dataset
from tests.data.many import LABELS, X

PAIRS = [*zip(X, LABELS, strict=True)]


def mapped(folder):
    np.save(folder / "x.npy", X)
    return np.load(folder / "x.npy", mmap_mode="r")


def stored(folder):
    with h5py.File(folder / "x.h5", "w") as file:
        file["x"] = X
    return h5py.File(folder / "x.h5", "r")["x"]


DATA = {
    "numpy": lambda folder: (X, LABELS),
    "jax": lambda folder: (jnp.asarray(X), LABELS),
    "memmap": lambda folder: (mapped(folder), LABELS),
    "h5py": lambda folder: (stored(folder), LABELS),
    "scipy": lambda folder: (scipy.sparse.coo_matrix(X), LABELS),
    "torch tensors": lambda folder: (torch.tensor(X), torch.tensor(LABELS)),
    "tf tensors": lambda folder: (tf.constant(X), LABELS),
    "pandas": lambda folder: (pd.DataFrame(X), pd.Series(LABELS)),
    "polars": lambda folder: (pl.DataFrame(X), pl.Series(LABELS)),
    "lazy": lambda folder: (pl.DataFrame(X).lazy(), LABELS),
    "tf.data": lambda folder: tf.data.Dataset.from_tensor_slices((X, LABELS)),
    "tf.data in batches": lambda folder: tf.data.Dataset.from_tensor_slices((X, LABELS)).batch(5),
    "torch Dataset": lambda folder: torch.utils.data.TensorDataset(
        torch.tensor(X), torch.tensor(LABELS)
    ),
    "grain": lambda folder: grain.MapDataset.source(PAIRS),
}


def rows(part):
    source = adapt(*part, batch_size=100)
    x, y, _ = next(source.batches())
    return np.asarray(x), np.asarray(y)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("name", DATA)
def test_split_dataset(name, shuffle, tmp_path):
    kwargs = {"left_size": 0.75, "shuffle": shuffle, "seed": 2}
    parts = split_dataset(DATA[name](tmp_path), **kwargs)
    for part, expected in zip(parts, split_dataset((X, LABELS), **kwargs), strict=True):
        for a, b in zip(rows(part), expected, strict=True):
            assert np.array_equal(a, b)


def test_parts_keep_their_kind(tmp_path):
    for name, kind in (
        ("memmap", Column),
        ("h5py", Column),
        ("scipy", Column),
        ("pandas", pd.DataFrame),
        ("polars", pl.DataFrame),
        ("torch tensors", torch.Tensor),
    ):
        for shuffle in (False, True):
            folder = tmp_path / f"{name}{shuffle}"
            folder.mkdir()
            (x, _), _ = split_dataset(DATA[name](folder), 0.5, shuffle=shuffle, seed=1)
            assert isinstance(x, kind), name
    table = Dataset.from_dict({"x": X, "y": LABELS})
    left, right = split_dataset(table, 0.75)
    assert type(left) is Dataset and left["y"][:] == LABELS[:21].tolist() and len(right) == 7
    left, right = split_dataset(table, 0.75, shuffle=True, seed=2)
    assert sorted([*left["y"], *right["y"]]) == sorted(LABELS.tolist())


def test_samples_that_do_not_fit_together():
    samples = tf.data.Dataset.from_generator(
        lambda: iter([np.ones(2), np.ones(3)]), output_signature=tf.TensorSpec((None,))
    )
    with pytest.raises(ValueError, match="cannot be stacked into arrays"):
        split_dataset(samples, 0.5)
    with pytest.raises(ValueError, match="it has no samples"):
        split_dataset(tf.data.Dataset.range(0), 0.5)
