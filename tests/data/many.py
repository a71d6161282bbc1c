"""Data that the tests of sources share; worker processes import it."""

from __future__ import annotations

import numpy as np

from cornu.utils import PyDataset

RNG = np.random.default_rng(3)
X = RNG.normal(size=(28, 3)).astype("float32")
X[RNG.random(X.shape) < 0.3] = 0.0
LABELS = (X.sum(axis=1) > 0).astype("int64")
WIDTHS = ["left", "middle", "right"]


class Batches(PyDataset):
    """X and LABELS in batches of 8."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return X[rows], LABELS[rows]
