"""Datasets shared by the tests of sources; worker processes import them."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

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


class ProcessReport(PyDataset):
    """Batches that describe the process in which they were made."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        bridge = sys.modules["jax._src.xla_bridge"]
        return {
            "index": index,
            "process": os.getpid(),
            "platforms": os.environ.get("JAX_PLATFORMS"),
            "backends": list(bridge._backends),
            "numpy": np.random.rand(),
            "python": random.random(),
        }


class Failing(PyDataset):
    """Batch 2 fails in the given way."""

    def __init__(self, way, **kwargs):
        super().__init__(**kwargs)
        self.way = way

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if index == 2:
            self._fail()
        return index

    def _fail(self):
        if self.way == "error":
            raise KeyError("no such picture")
        if self.way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.way == "exit":
            os._exit(3)
        if self.way == "special":
            raise Special("a", "b")
        time.sleep(600)


class Special(Exception):
    """An error that cannot be recreated from its message."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


class Reordering(PyDataset):
    """Stores its order, and shuffles it after each epoch."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.order = np.arange(4)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.full((2, 1), self.order[index])

    def on_epoch_end(self):
        np.random.shuffle(self.order)
